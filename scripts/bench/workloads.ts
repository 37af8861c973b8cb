// The workloads: which items, how many connections, and which exchanges.
import type { Items } from './items';
import { get, pipeline, set } from './items';
import type { Random } from './random';
import { below, seeded, shuffled, zipf } from './random';
import type { Exchange, Tables } from './tables';
import { makeTables } from './tables';

export const SMALL: Items = { prefix: 'key:', count: 10_000, size: 32 };
export const LARGE: Items = { prefix: 'big:', count: 100, size: 100 * 1024 };
export const MILLION: Items = { prefix: 'key:', count: 1_000_000, size: 32 };

/** Connections at once. */
export const CROWD = 10_000;

/** Each store that is needed gets a server of its own, with this many megabytes for items (-m). */
export const stores = { main: 1024, evicting: 64, million: 1024 } as const;
export type Store = keyof typeof stores;

export interface Workload {
  name: string;
  what: string;
  /** What one operation is. */
  unit: 'operations' | 'requests';
  connections: number;
  store: Store;
  items: Items;
  /** Draws which exchanges to do, and in which order. */
  tables: (random: Random) => Tables;
  /** The order in which the items are stored beforehand. */
  stored?: (random: Random) => Iterable<number>;
  /** One more connection does the same exchanges, and only its latencies are reported. */
  probe?: boolean;
}

/** The number of exchanges that are drawn; then they begin again. */
const DRAWN = 1 << 17;
const EXPONENT = 0.99;
const MULTIGET_KEYS = 50;
const PIPELINED = 16;
/** Different multigets and pipelines. */
const COMPOUNDS = 1000;

export const workloads: readonly Workload[] = [
  small('get', 'gets of 32 bytes', 50, (random) => drawn(random, each(SMALL, (item) => get(SMALL, [item])))),
  small('set', 'sets of 32 bytes', 50, (random) => drawn(random, each(SMALL, (item) => set(SMALL, item)))),
  small('mix', '90% gets and 10% sets of 32 bytes', 50, mixed),
  {
    ...small('multiget', `gets of ${MULTIGET_KEYS} keys each`, 20, (random) => compounds(random, (items) =>
      get(SMALL, items), MULTIGET_KEYS)),
    unit: 'requests',
  },
  small('pipeline', `gets, ${PIPELINED} sent at once`, 50, (random) => compounds(random, (items) =>
    pipeline(items.map((item) => get(SMALL, [item]))), PIPELINED)),
  small('pipeline-set', `sets, ${PIPELINED} sent at once`, 50, (random) => compounds(random, (items) =>
    pipeline(items.map((item) => set(SMALL, item))), PIPELINED)),
  {
    name: 'large', what: 'gets of 100 KB', unit: 'operations', connections: 10, store: 'main', items: LARGE,
    tables: (random) => drawn(random, each(LARGE, (item) => get(LARGE, [item]))),
  },
  {
    name: 'large-set', what: 'sets of 100 KB', unit: 'operations', connections: 10, store: 'main', items: LARGE,
    tables: (random) => drawn(random, each(LARGE, (item) => set(LARGE, item))),
  },
  small('single', 'gets of 32 bytes on one connection', 1, (random) =>
    drawn(random, each(SMALL, (item) => get(SMALL, [item])))),
  small('thousand', 'gets of 32 bytes on 1,000 connections', 1000, (random) =>
    drawn(random, each(SMALL, (item) => get(SMALL, [item])))),
  {
    name: 'zipf', what: `a cache of 64 MB for 1,000,000 items, Zipf ${EXPONENT}: gets, and a set after each miss`,
    unit: 'operations', connections: 50, store: 'evicting', items: MILLION, tables: cacheAside,
    // Stores the most popular keys last, as in a cache that has run for long.
    stored: (random) => ranking(random).toReversed(),
  },
];

export const stall: Workload = {
  name: 'stall', what: 'the slowest get at 1,000,000 items, while 20 other connections do gets', unit: 'operations',
  connections: 20, store: 'million', items: MILLION, probe: true,
  tables: (random) => drawn(random, each(MILLION, (item) => get(MILLION, [item]))),
};

/** The MILLION items are stored in pipelines of this length; large items one by one. */
const STORED_AT_ONCE = 50;

/**
 * The tables that store a workload's items: one at a time if more are stored than fit, since some may be refused.
 */
export function storing({ items, stored }: Workload, seed: number): Tables {
  if (stored !== undefined) return makeTables(map(stored(seeded(seed)), (item) => set(items, item)), undefined, true);
  const order = Uint32Array.from({ length: items.count }, (_, i) => i);
  return makeTables(items.size > 1024 ? map(order, (item) => set(items, item)) : pipelines(items, order));
}

function small(name: string, what: string, connections: number, tables: (random: Random) => Tables): Workload {
  return { name, what, unit: 'operations', connections, store: 'main', items: SMALL, tables };
}

function* each(items: Items, exchange: (item: number) => Exchange): Generator<Exchange> {
  for (let item = 0; item < items.count; item++) yield exchange(item);
}

function* map(items: Iterable<number>, exchange: (item: number) => Exchange): Generator<Exchange> {
  for (const item of items) yield exchange(item);
}

function* pipelines(items: Items, order: Iterable<number>): Generator<Exchange> {
  let waiting: Exchange[] = [];
  for (const item of order) {
    waiting.push(set(items, item));
    if (waiting.length < STORED_AT_ONCE) continue;
    yield pipeline(waiting);
    waiting = [];
  }
  if (waiting.length > 0) yield pipeline(waiting);
}

/** The exchanges in random order, all equally likely. */
function drawn(random: Random, exchanges: Iterable<Exchange>): Tables {
  const tables = makeTables(exchanges);
  const { length } = tables.operations;
  return { ...tables, order: Uint32Array.from({ length: DRAWN }, () => below(random, length)) };
}

function mixed(random: Random): Tables {
  const { count } = SMALL;
  const order = Uint32Array.from({ length: DRAWN }, () => below(random, count) + (random() < 0.1 ? count : 0));
  return makeTables([...each(SMALL, (item) => get(SMALL, [item])), ...each(SMALL, (item) => set(SMALL, item))], order);
}

/** Exchanges of several different items each. */
function compounds(random: Random, exchange: (items: readonly number[]) => Exchange, size: number): Tables {
  const chosen = (): number[] => {
    const items = new Set<number>();
    while (items.size < size) items.add(below(random, SMALL.count));
    return [...items];
  };
  return makeTables(Array.from({ length: COMPOUNDS }, () => exchange(chosen())));
}

/**
 * The items from the most to the least popular. Call it first: it must be the first to draw from `random`.
 */
function ranking(random: Random): Uint32Array {
  return shuffled(random, MILLION.count);
}

function cacheAside(random: Random): Tables {
  const { count } = MILLION;
  const items = ranking(random);
  const rank = zipf(random, count, EXPONENT);
  const order = Uint32Array.from({ length: 1 << 20 }, () => items[rank()]);
  return makeTables(cacheAsideExchanges(), order, true);

  function* cacheAsideExchanges(): Generator<Exchange> {
    yield* each(MILLION, (item) => ({ ...get(MILLION, [item]), onMiss: count + item }));
    yield* each(MILLION, (item) => set(MILLION, item));
  }
}
