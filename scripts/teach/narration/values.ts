// Words for values of the state.
import { STATES } from '../edges';
import type { State } from '../state';

/** A string as in C, cut off if it is long. */
export function quoted(text: string, max = 40): string {
  return JSON.stringify(text.length > max ? `${text.slice(0, max)}…` : text);
}

export function bytes(n: number): string {
  return n === 1 ? '1 byte' : `${n} bytes`;
}

export function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

export function stateName(value: unknown): string {
  return typeof value === 'number' && value < STATES.length ? STATES[value] : String(value);
}

/** The number at a path; 0 if there is none. */
export function numberAt({ values }: State, path: string): number {
  const value = values.get(path);
  return typeof value === 'number' ? value : 0;
}

export function textAt({ values }: State, path: string): string {
  const value = values.get(path);
  return value === undefined || value === null ? '' : String(value);
}

/** 'the connection of A', 'the listening connection' */
export function connName(state: State, id: number | string): string {
  const client = textAt(state, `conn.${id}.client`);
  if (client !== '') return `the connection of ${client}`;
  return numberAt(state, `conn.${id}.state`) === 0 ? 'the listening connection' : 'a connection';
}

/** 'fd 4 (A)' */
export function fdName(fd: number, client: string | undefined): string {
  return client === undefined ? `fd ${fd}` : `fd ${fd} (${client})`;
}

export function itemName(state: State, address: string): string {
  const key = textAt(state, `item.${address}.key`);
  return key === '' ? 'a new item' : `item ${quoted(key)}`;
}
