// Random requests of clients.
import type { Random } from '../../reactor/sim';
import type { Op, StoreName, Value } from './op';
import { START_TIME_SECONDS } from './times';

export interface Traits {
  /** memcached 1.6; else 1.0.4. */
  today: boolean;
  /** Mostly small values. */
  small: boolean;
  /** Many counters. */
  numbers: boolean;
  /** Many items that expire soon. */
  short: boolean;
  /** Bytes of a value, at most. */
  longest: number;
}

export const KEYS = ['a', 'b', 'c', 'key', 'another', 'k'.repeat(100), 'k'.repeat(250)];
export const COUNTERS = ['n', 'm', 'n'.repeat(200)];
const TOO_LONG = 'k'.repeat(251);
const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const NUMBERS = ['0', '9', '99', '7', '999', '4294967295'];
const NUMBERS_TODAY = [...NUMBERS, '18446744073709551615', '18446744073709551616', '9 ', 'x9'];
const LONG_GET_BYTES = 30_000;
/** Of another line. */
const LINE_MAX_BYTES = 1900;
const YEARS = 10_000_000;

export function someOp(random: Random, traits: Traits, binary: boolean): Op {
  return binary ? binaryOp(random, traits) : traits.today ? textOp(random, traits) : opOf2003(random, traits);
}

/** A plain set. */
export function setOf(key: string, value: Value): Op {
  return { name: 'set', key, flags: 0, exptime: 0, value, noreply: false, knows: true, wrong: null };
}

function key(random: Random, traits: Traits): string {
  if (random.chance(0.01)) return TOO_LONG;
  return random.pick(random.chance(traits.numbers ? 0.6 : 0.2) ? COUNTERS : KEYS);
}

function shortKey(random: Random, traits: Traits): string {
  const chosen = key(random, traits);
  return chosen === TOO_LONG ? 'a' : chosen;
}

function keys(random: Random, traits: Traits): string[] {
  const most = random.chance(0.8) ? 3 : random.chance(0.9) ? 12 : 250;
  const one = (): string => (random.chance(0.005) ? TOO_LONG : shortKey(random, traits));
  return Array.from({ length: 1 + random.int(most) }, one);
}

function length(random: Random, { small, longest }: Traits): number {
  return Math.min(anyLength(random, small), longest);
}

function anyLength(random: Random, small: boolean): number {
  const kind = random.int(200);
  if (kind < (small ? 160 : 80)) return random.int(40);
  if (kind < (small ? 194 : 185)) return random.int(3000);
  if (kind < 198) return random.int(40_000);
  return random.pick([1_048_500 - random.int(300), 300_000, 600_000, 1_100_000]);
}

function value(random: Random, traits: Traits, of: string): Value {
  if (COUNTERS.includes(of) && random.chance(0.8)) {
    const text = random.pick(traits.today ? NUMBERS_TODAY : NUMBERS);
    return { text, length: text.length };
  }
  const start = random.int(26);
  return { text: `${LETTERS.slice(start)}${random.int(1000)}`, length: length(random, traits) };
}

function exptime(random: Random, { short, today }: Traits): number {
  if (!random.chance(short ? 0.7 : 0.1)) return 0;
  const absolute = START_TIME_SECONDS + random.pick([random.int(20), random.int(20), YEARS, -YEARS]);
  if (!today) return absolute;
  return random.chance(0.7) ? random.pick([1, 2, 3, 10, 100, 2_592_000]) : random.pick([-1, absolute]);
}

function store(random: Random, traits: Traits, names: readonly StoreName[]): Op {
  const of = key(random, traits);
  return {
    name: random.pick(names), key: of, flags: random.pick([0, 0, 5, 4294967295]), exptime: exptime(random, traits),
    value: value(random, traits, of), noreply: traits.today && random.chance(0.15), knows: random.chance(0.8),
    wrong: random.chance(0.03) ? random.pick(['chunk', 'flags']) : null,
  };
}

const by = (random: Random): number => random.pick([0, 1, 1, 7, 91, 1000, 4294967295]);
const noreply = (random: Random): boolean => random.chance(0.15);

function opOf2003(random: Random, traits: Traits): Op {
  const kind = random.int(100);
  if (kind < 35) return store(random, traits, ['set', 'set', 'set', 'add', 'replace']);
  if (kind < 62) return get(random, traits, ['get'], 12_000);
  if (kind < 77) {
    const of = random.chance(0.8) ? random.pick(COUNTERS) : key(random, traits);
    return { name: random.pick(['incr', 'incr', 'decr']), key: of, by: by(random), noreply: false, initial: null };
  }
  if (kind < 90) return { name: 'delete', key: key(random, traits), noreply: false };
  if (kind < 94) {
    const what = random.pick(['', '', 'slabs', 'items', 'sizes', 'cachedump 6 0', 'cachedump 7 2', 'reset']);
    return { name: 'stats', what };
  }
  return rare(random, [['version', 'VERSION 1.0.4'], ['bogus', 'ERROR'], ['gets a', 'ERROR'], ['', 'ERROR']]);
}

function get(random: Random, traits: Traits, names: readonly ('get' | 'gets')[], longest: number): Op {
  const missing = random.chance(0.9) ? 0 : random.int(random.chance(0.7) ? 300 : longest);
  // 1.6 processes a longer get in pieces.
  const most = traits.today ? LONG_GET_BYTES - missing * 8 : Infinity;
  return { name: random.pick(names), keys: fitting(keys(random, traits), most), missing };
}

/** As many of the keys as fit a line. */
function fitting(wanted: string[], most: number): string[] {
  while (wanted.length > 1 && wanted.join(' ').length > most) wanted.pop();
  return wanted;
}

function rare(random: Random, lines: readonly (readonly [line: string, reply: string])[]): Op {
  if (random.chance(0.05)) return { name: 'flood', length: 2100 + random.int(40_000) };
  if (random.chance(0.1)) return { name: 'quit' };
  const [line, reply] = random.pick(lines);
  return { name: 'line', line, reply };
}

function textOp(random: Random, traits: Traits): Op {
  const kind = random.int(100);
  if (kind < 25) return store(random, traits, ['set', 'set', 'set', 'add', 'replace', 'append', 'append', 'prepend', 'cas', 'cas']);
  if (kind < 45) return get(random, traits, ['get', 'gets'], 3500);
  if (kind < 48) return { name: random.pick(['gat', 'gats']), keys: fitting(keys(random, traits), LINE_MAX_BYTES), exptime: exptime(random, traits) };
  if (kind < 58) {
    const of = random.chance(0.8) ? random.pick(COUNTERS) : key(random, traits);
    return { name: random.pick(['incr', 'incr', 'decr']), key: of, by: by(random), noreply: noreply(random), initial: null };
  }
  if (kind < 63) return { name: 'delete', key: key(random, traits), noreply: noreply(random) };
  if (kind < 66) {
    return { name: 'touch', key: key(random, traits), exptime: exptime(random, traits), noreply: noreply(random) };
  }
  if (kind < 68) return { name: 'flush_all', delay: random.pick([null, null, 0, 1, 3, -1]), noreply: noreply(random) };
  if (kind < 76) {
    const of = key(random, traits);
    const flags = metaFlags(random, ['k', 'c', 's', 'q', 'O1', 'T2', 'T100', 'F7', 'C', 'E', 'I', 'N10', 'ME', 'MA', 'MP', 'MR', 'MS']);
    return { name: 'ms', key: of, flags, value: value(random, traits, of), wrong: random.chance(0.03) ? 'chunk' : null };
  }
  if (kind < 84) {
    const flags = metaFlags(random, ['v', 'v', 'k', 't', 's', 'c', 'f', 'q', 'Oq', 'T3', 'N5', 'R100', 'C', 'E']);
    return { name: 'mg', key: key(random, traits), flags };
  }
  if (kind < 88) {
    return { name: 'md', key: key(random, traits), flags: metaFlags(random, ['q', 'C', 'I', 'T5', 'x', 'E', 'O2', 'k', 'F3']) };
  }
  if (kind < 93) {
    const flags = metaFlags(random, ['N5', 'J12', 'D5', 'T9', 'MD', 'MI', 'q', 'v', 't', 'c', 'k', 'O3', 'C', 'E']);
    return { name: 'ma', key: random.pick(COUNTERS), flags };
  }
  if (kind < 96) return { name: 'stats', what: random.pick(['', '', 'items', 'slabs', 'settings', 'conns', 'reset']) };
  return rare(random, [
    ['version', 'VERSION 1.6.45'], ['mn', 'MN'], ['bogus', 'ERROR'], ['get', BAD_LINE], ['x', BAD_LINE], ['verbosity 0', 'OK'],
    ['touch a', BAD_LINE], ['incr n x', 'CLIENT_ERROR invalid numeric delta argument'],
  ]);
}

const BAD_LINE = 'CLIENT_ERROR bad command line format';

/** Some of these, each letter once. */
function metaFlags(random: Random, choice: string[]): string[] {
  const chosen = choice.filter(() => random.chance(0.25));
  random.shuffle(chosen);
  return chosen.filter((flag, i) => chosen.findIndex((other) => other[0] === flag[0]) === i);
}

function binaryOp(random: Random, traits: Traits): Op {
  const kind = random.int(100);
  const binary = { ...traits, short: false };
  const ttl = (): number => (random.chance(traits.short ? 0.7 : 0.1) ? random.pick([1, 2, 3, 100]) : 0);
  if (kind < 35) {
    const op = store(random, binary, ['set', 'set', 'set', 'add', 'replace', 'append', 'append', 'prepend', 'cas', 'cas']);
    const of = shortKey(random, traits);
    return { ...op, key: of, exptime: ttl(), wrong: null } as Op;
  }
  if (kind < 60) return { name: random.pick(['get', 'gets']), keys: [shortKey(random, traits)], missing: 0 };
  if (kind < 64) return { name: random.pick(['gat', 'gats']), keys: [shortKey(random, traits)], exptime: ttl() };
  if (kind < 77) {
    return {
      name: random.pick(['incr', 'incr', 'decr']), key: random.pick(COUNTERS), by: by(random), noreply: noreply(random),
      initial: random.chance(0.5) ? null : 7,
    };
  }
  if (kind < 84) return { name: 'delete', key: shortKey(random, traits), noreply: noreply(random) };
  if (kind < 88) return { name: 'touch', key: shortKey(random, traits), exptime: ttl(), noreply: false };
  if (kind < 90) return { name: 'flush_all', delay: random.pick([null, 0, 2]), noreply: noreply(random) };
  return random.chance(0.05) ? { name: 'quit' } : { name: 'line', line: '', reply: '' };
}
