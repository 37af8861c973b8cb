// A view returns elements as plain data. The page turns them into DOM; specs walk them without a browser.

export interface Element {
  tag: string;
  attributes: Attributes;
  children: readonly Markup[];
}

export type Markup = Element | string;

/** `key` tells siblings apart; `data-do` names what a click does ('step:12'). Undefined and false: left out. */
export type Attributes = Record<string, string | number | boolean | undefined>;

type Child = Markup | number | false | null | undefined | readonly Child[];

export function h(tag: string, attributes: Attributes = {}, ...children: Child[]): Element {
  const flat: Markup[] = [];
  add(children, flat);
  return { tag, attributes, children: flat };
}

function add(children: readonly Child[], to: Markup[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (typeof child === 'string') to.push(child);
    else if (typeof child === 'number') to.push(String(child));
    else if (isElement(child)) to.push(child);
    else add(child, to);
  }
}

function isElement(child: Element | readonly Child[]): child is Element {
  return 'tag' in child;
}

/** The names of classes that apply, for `class`. */
export function classes(names: Readonly<Record<string, boolean>>): string {
  let list = '';
  for (const name in names) if (names[name]) list += list === '' ? name : ` ${name}`;
  return list;
}

/** All of its text, one piece after the other. */
export function textOf(markup: Markup): string {
  return typeof markup === 'string' ? markup : markup.children.map(textOf).join(' ');
}
