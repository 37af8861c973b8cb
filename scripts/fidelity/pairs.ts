// Which C file is ported in which TypeScript file, and how alike each group of them has to be.

export interface Pair {
  c: string;
  ts: string;
}

export interface Group {
  pairs: readonly Pair[];
  /** The least similarity, 0 to 1; null where the number is for information only. */
  bar: number | null;
}

export const groups: readonly Group[] = [
  {
    pairs: [
      { c: 'memcached.c', ts: 'lib/memcached.ts' },
      { c: 'items.c', ts: 'lib/items.ts' },
      { c: 'slabs.c', ts: 'lib/slabs.ts' },
    ],
    bar: 0.95,
  },
  { pairs: [{ c: 'event.c', ts: 'reactor/event.ts' }], bar: 0.85 },
  {
    pairs: [
      { c: 'epoll.c', ts: 'reactor/epoll.ts' },
      { c: 'signal.c', ts: 'reactor/signal.ts' },
    ],
    bar: null,
  },
];
