// What a view returns: elements as plain data. The page turns them into DOM; specs walk them without a browser.

export interface Element {
  tag: string;
  attributes: Attributes;
  children: Markup[];
}

export type Markup = Element | string;

/** `key` tells siblings apart; `data-do` names what a click or Enter does ('step:12'). Undefined and false: left out. */
export type Attributes = Record<string, string | number | boolean | undefined>;

type Child = Markup | number | false | null | undefined | readonly Child[];

export function h(tag: string, attributes: Attributes = {}, ...children: Child[]): Element {
  return { tag, attributes, children: flat(children) };
}

function flat(children: readonly Child[]): Markup[] {
  return children.flatMap((child): Markup[] => {
    if (child === null || child === undefined || child === false) return [];
    if (typeof child === 'number') return [String(child)];
    if (typeof child === 'string') return [child];
    return isElement(child) ? [child] : flat(child);
  });
}

function isElement(child: Element | readonly Child[]): child is Element {
  return !Array.isArray(child);
}

/** The names of classes that apply, for `class`. */
export function classes(names: Readonly<Record<string, boolean>>): string {
  return Object.keys(names).filter((name) => names[name]).join(' ');
}

/** All of its text, one piece after the other. */
export function textOf(markup: Markup): string {
  return typeof markup === 'string' ? markup : markup.children.map(textOf).join(' ');
}
