// Random commands of the text protocol and the meta commands, each with the answer that it must get.
import type { Random } from '../bench/random';
import { below } from '../bench/random';
import type { Store, StoreMode } from './store';

export interface Exchange {
  request: string;
  answer: string;
}

const MODES: readonly StoreMode[] = ['set', 'set', 'set', 'add', 'replace', 'append', 'prepend'];
const META_MODES = { set: 'S', add: 'E', replace: 'R', append: 'A', prepend: 'P' } as const;
const KEYS = 40;
const NUMBERS = 6;
/** Longer values do not grow further. */
const GROWN_MAX = 4000;
/** A counter's first value. */
const FIRST = '20000';
const NOT_A_NUMBER = 'CLIENT_ERROR cannot increment or decrement non-numeric value\r\n';

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[below(random, from.length)];
}

/** Bytes of a value: mostly few, some as many as an item may have. */
function size(random: Random): number {
  const kind = random();
  return below(random, kind < 0.8 ? 100 : kind < 0.96 ? 4000 : kind < 0.995 ? 60_000 : 600_000);
}

export function value(random: Random): string {
  const length = size(random);
  const piece = Array.from({ length: Math.min(length, 16) }, () => String.fromCharCode(below(random, 256))).join('');
  return piece.repeat(Math.ceil(length / 16)).slice(0, length);
}

export function key(random: Random, prefix: string): string {
  return `${prefix}k${below(random, KEYS)}`;
}

/** The names of items that hold numbers. */
export function counter(random: Random, prefix: string): string {
  return `${prefix}n${below(random, NUMBERS)}`;
}

/** How a value may be stored under a key, so that no item grows without end. */
export function mode(random: Random, store: Store, name: string): StoreMode {
  const chosen = pick(random, MODES);
  return (store.get(name)?.value.length ?? 0) > GROWN_MAX ? 'set' : chosen;
}

/** One exchange about a key that begins with `prefix`, and what it changes in `store`. */
export function textExchange(random: Random, store: Store, prefix: string): Exchange {
  switch (below(random, 12)) {
    case 0: case 1: return storage(random, store, prefix);
    case 2: return metaSet(random, store, prefix);
    case 3: case 4: case 5: return get(random, store, prefix);
    case 6: return metaGet(random, store, prefix);
    case 7: return remove(random, store, prefix);
    case 8: case 9: return count(random, store, prefix);
    case 10: return touch(random, store, prefix);
    default: return pick(random, [
      { request: 'mn\r\n', answer: 'MN\r\n' },
      { request: 'no such command\r\n', answer: 'ERROR\r\n' },
      { request: `touch ${'k'.repeat(251)} 0\r\n`, answer: 'CLIENT_ERROR bad command line format\r\n' },
    ]);
  }
}

function storage(random: Random, store: Store, prefix: string): Exchange {
  const name = key(random, prefix), data = value(random), flags = below(random, 2 ** 32);
  const how = mode(random, store, name);
  const quiet = random() < 0.2;
  const stored = store.store(how, name, data, flags);
  return {
    request: `${how} ${name} ${flags} 0 ${data.length}${quiet ? ' noreply' : ''}\r\n${data}\r\n`,
    answer: quiet ? '' : stored ? 'STORED\r\n' : 'NOT_STORED\r\n',
  };
}

function metaSet(random: Random, store: Store, prefix: string): Exchange {
  const name = key(random, prefix), data = value(random), flags = below(random, 2 ** 32);
  const how = mode(random, store, name);
  const stored = store.store(how, name, data, flags);
  return {
    request: `ms ${name} ${data.length} F${flags} M${META_MODES[how]}\r\n${data}\r\n`,
    answer: stored ? 'HD\r\n' : 'NS\r\n',
  };
}

function get(random: Random, store: Store, prefix: string): Exchange {
  const names = Array.from({ length: 1 + below(random, 5) }, () => key(random, prefix));
  const found = names.map((name) => {
    const entry = store.get(name);
    return entry === undefined ? '' : `VALUE ${name} ${entry.flags} ${entry.value.length}\r\n${entry.value}\r\n`;
  });
  return { request: `${pick(random, ['get', 'gat 0'])} ${names.join(' ')}\r\n`, answer: `${found.join('')}END\r\n` };
}

function metaGet(random: Random, store: Store, prefix: string): Exchange {
  const name = key(random, prefix), entry = store.get(name);
  if (random() < 0.5) {
    return {
      request: `mg ${name} s v f k\r\n`,
      answer: entry === undefined ? `EN k${name}\r\n`
        : `VA ${entry.value.length} s${entry.value.length} f${entry.flags} k${name}\r\n${entry.value}\r\n`,
    };
  }
  return {
    request: `mg ${name} v q\r\nmn\r\n`,
    answer: `${entry === undefined ? '' : `VA ${entry.value.length}\r\n${entry.value}\r\n`}MN\r\n`,
  };
}

function remove(random: Random, store: Store, prefix: string): Exchange {
  const name = key(random, prefix), gone = store.delete(name);
  if (random() < 0.5) return { request: `md ${name}\r\n`, answer: gone ? 'HD\r\n' : 'NF\r\n' };
  return { request: `delete ${name}\r\n`, answer: gone ? 'DELETED\r\n' : 'NOT_FOUND\r\n' };
}

function count(random: Random, store: Store, prefix: string): Exchange {
  const name = random() < 0.9 ? counter(random, prefix) : key(random, prefix);
  if (!store.isPlain(name)) {
    store.store('set', name, FIRST, 0);
    return { request: `set ${name} 0 0 ${FIRST.length}\r\n${FIRST}\r\n`, answer: 'STORED\r\n' };
  }
  const delta = BigInt(below(random, 1000)), up = random() < 0.5 || !store.staysLong(name, delta);
  const counted = store.count(name, delta, up);
  if (random() < 0.5) {
    const answer = counted === false || counted === null ? NOT_A_NUMBER : `VA ${counted.length}\r\n${counted}\r\n`;
    return { request: `ma ${name} D${delta} M${up ? 'I' : 'D'} v\r\n`, answer };
  }
  const answer = counted === false ? NOT_A_NUMBER : `${counted}\r\n`;
  return { request: `${up ? 'incr' : 'decr'} ${name} ${delta}\r\n`, answer };
}

function touch(random: Random, store: Store, prefix: string): Exchange {
  const name = key(random, prefix);
  return { request: `touch ${name} 0\r\n`, answer: store.get(name) === undefined ? 'NOT_FOUND\r\n' : 'TOUCHED\r\n' };
}
