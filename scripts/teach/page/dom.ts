// Markup on the screen: what a view returns becomes DOM, and only what differs from the last time is touched.
import type { ComponentChild } from 'preact';
import { h, render } from 'preact';

import type { Markup } from '../views/markup';

/** Draws at once, before it returns. */
export function draw(markup: Markup | readonly Markup[], into: Element): void {
  render(Array.isArray(markup) ? markup.map(vnode) : vnode(markup as Markup), into);
}

function vnode(markup: Markup): ComponentChild {
  return typeof markup === 'string' ? markup : h(markup.tag, markup.attributes, markup.children.map(vnode));
}

/** The element with this id, of this class. Throws where the page has none. */
export function byId<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`no #${id}`);
  return found;
}

/** An element that is not a view's. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K, className = '', text = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}
