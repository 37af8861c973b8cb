// The items that the servers hold, and the requests for them with their replies. A value contains its key, so that the
// value of another item is noticed.
import type { Exchange } from './tables';

/** `count` items with the keys `prefix` and a number, 16 bytes together. */
export interface Items {
  prefix: string;
  count: number;
  /** Bytes of a value. */
  size: number;
}

export function keyOf({ prefix }: Items, item: number): string {
  return prefix + String(item).padStart(16 - prefix.length, '0');
}

function valueOf(items: Items, item: number): string {
  const key = keyOf(items, item);
  return key.repeat(Math.ceil(items.size / key.length)).slice(0, items.size);
}

function found(items: Items, item: number): string {
  return `VALUE ${keyOf(items, item)} 0 ${items.size}\r\n${valueOf(items, item)}\r\n`;
}

/** A get of several items counts as one operation. */
export function get(items: Items, chosen: readonly number[]): Exchange {
  return {
    request: `get ${chosen.map((item) => keyOf(items, item)).join(' ')}\r\n`,
    reply: `${chosen.map((item) => found(items, item)).join('')}END\r\n`,
    operations: 1,
  };
}

export function set(items: Items, item: number): Exchange {
  return {
    request: `set ${keyOf(items, item)} 0 0 ${items.size}\r\n${valueOf(items, item)}\r\n`,
    reply: 'STORED\r\n',
    operations: 1,
  };
}

/** Several exchanges as one: the requests are sent at once, and then all the replies are read. */
export function pipeline(exchanges: readonly Exchange[]): Exchange {
  return {
    request: exchanges.map(({ request }) => request).join(''),
    reply: exchanges.map(({ reply }) => reply).join(''),
    operations: exchanges.reduce((sum, { operations }) => sum + operations, 0),
  };
}
