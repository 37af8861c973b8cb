// Renders a view's markup to the DOM, and touches only the differences from the last time, since most of a step is as
// in the step before.
import type { ComponentChild } from 'preact';
import { h, render } from 'preact';

import type { Attributes, Element as MarkupElement, Markup } from '../views/markup';

/** By place, the markup that was last drawn there. */
const drawn = new WeakMap<Element, readonly Markup[]>();
/** The vnode of an element. Preact skips a vnode that it gets again. */
const made = new WeakMap<MarkupElement, ComponentChild>();

/** Draws at once, before it returns. */
export function draw(markup: Markup | readonly Markup[], into: Element): void {
  const now = Array.isArray(markup) ? markup as readonly Markup[] : [markup as Markup];
  const before = drawn.get(into);
  const kept = before === undefined ? now : keep(before, now);
  if (kept === before) return;
  drawn.set(into, kept);
  render(kept.map(vnode), into);
}

/** `now`, but with the equal parts of `before`; `before` itself if nothing differs. */
function keep(before: readonly Markup[], now: readonly Markup[]): readonly Markup[] {
  let isSame = before.length === now.length;
  const kept = now.map((each, i) => {
    const old = before.at(i);
    const best = old === undefined ? each : keepOne(old, each);
    isSame &&= best === old;
    return best;
  });
  return isSame ? before : kept;
}

function keepOne(before: Markup, now: Markup): Markup {
  if (typeof before === 'string' || typeof now === 'string') return now;
  if (before.tag !== now.tag) return now;
  const children = keep(before.children, now.children);
  const isSame = children === before.children && haveSame(before.attributes, now.attributes);
  return isSame ? before : { ...now, children };
}

function haveSame(a: Attributes, b: Attributes): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function vnode(markup: Markup): ComponentChild {
  if (typeof markup === 'string') return markup;
  const known = made.get(markup);
  if (known !== undefined) return known;
  const node = h(markup.tag, markup.attributes, markup.children.map(vnode));
  made.set(markup, node);
  return node;
}

/** The element with this id and class. Throws if the page has none. */
export function byId<T extends Element>(id: string, type: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`no #${id}`);
  return found;
}

/** Makes an element that belongs to no view. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K, className = '', text = '',
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}
