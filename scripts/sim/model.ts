// The storage of memcached 1.6 as documented, in a Map: the fields of an item that clients can see, and the effects of
// the clock. It knows nothing of slabs and LRUs: the caller reports evictions to it.

export const KEY_MAX_BYTES = 250;
const ITEM_MAX_BYTES = 1024 * 1024;
const HEADER_BYTES = 40;
const RELATIVE_MAX_SECONDS = 60 * 60 * 24 * 30;
const LONG_GONE = 1;
const U64 = 1n << 64n;

export interface Item {
  flags: number;
  /** By the server's clock; 0 for never. */
  exptime: number;
  data: string;
  cas: number;
  /** When it was stored. */
  time: number;
  stale: boolean;
  /** A client got the W flag: it should store the item anew. */
  tokenSent: boolean;
}

export type Stored = 'STORED' | 'NOT_STORED' | 'EXISTS' | 'NOT_FOUND';
export type Mode = 'set' | 'add' | 'replace' | 'append' | 'prepend' | 'cas' | 'appendviv' | 'prependviv';

export interface Delta {
  status: 'OK' | 'NON_NUMERIC' | 'NO_MEMORY' | 'NOT_FOUND' | 'EXISTS';
  value: bigint;
}

export class Model {
  readonly items = new Map<string, Item>();
  now = 0;
  wall = 0;
  noMemory = false;
  /** Keys stored since this set was cleared: an item evicted for a new one is not the new one. */
  readonly linked = new Set<string>();
  counts = emptyCounts();
  private cas = 1;
  private flushAt = 0;

  constructor(readonly useCas: boolean) {}

  /** The item of a key, if a client can see it. */
  find(key: string): Item | null {
    const item = this.items.get(key);
    if (item === undefined) return null;
    if (item.exptime === 0 || item.exptime > this.now) return item;
    this.items.delete(key);
    return null;
  }

  /** Does a flush whose time has come. */
  due(): void {
    if (this.flushAt === 0 || this.flushAt > this.now) return;
    for (const [key, item] of this.items) if (item.time < this.flushAt) this.items.delete(key);
    this.flushAt = 0;
  }

  flush(at: number): void {
    this.due();
    this.flushAt = at > this.now ? at : 0;
    if (at <= this.now) this.items.clear();
  }

  /** The server has been started again with its items, and its clock says `now`. */
  restart(now: number): void {
    this.now = now;
    this.due();
    // What expires in this second is restored, though no client finds it.
    const totalItems = [...this.items.values()].filter(({ exptime }) => exptime === 0 || exptime >= now).length;
    this.counts = { ...emptyCounts(), totalItems };
  }

  /** Converts a client's exptime to the server's clock, in seconds. */
  realtime(exptime: number): number {
    if (exptime === 0) return 0;
    if (exptime < 0) return LONG_GONE;
    if (exptime <= RELATIVE_MAX_SECONDS) return exptime + this.now;
    return Math.max(exptime - (this.wall - this.now), LONG_GONE);
  }

  nextCas(): number {
    this.cas++;
    return this.useCas ? this.cas : 0;
  }

  link(key: string, item: Item): Item {
    item.time = this.now;
    item.cas = this.nextCas();
    this.items.set(key, item);
    this.linked.add(key);
    this.counts.totalItems++;
    return item;
  }

  remove(key: string): void {
    this.items.delete(key);
  }

  /** Stores `item` under `key`, or returns why not. `cas`: the number that a client expects; 0 for none. */
  store(mode: Mode, key: string, item: Item, cas: number, stale = false): { status: Stored; item: Item | null } {
    const old = this.find(key);
    if (old === null) {
      if (mode === 'cas') this.counts.casMisses++;
      if (mode === 'cas') return { status: 'NOT_FOUND', item: null };
      if (mode === 'replace' || mode === 'append' || mode === 'prepend') return { status: 'NOT_STORED', item: null };
      return { status: 'STORED', item: this.link(key, item) };
    }
    const expects = this.useCas && cas !== 0;
    switch (mode) {
      case 'add':
        return { status: 'NOT_STORED', item: null };
      case 'cas':
        if (expects && cas === old.cas) break;
        if (!expects || !stale || cas > old.cas) return { status: 'EXISTS', item: null };
        item.exptime = old.exptime;
        item.stale = true;
        item.tokenSent = old.tokenSent;
        break;
      case 'append': case 'prepend': case 'appendviv': case 'prependviv': {
        if (expects && cas !== old.cas) return { status: 'EXISTS', item: null };
        if (this.noMemory || isTooLarge(key, old.flags, old.data.length + item.data.length)) {
          return { status: 'NOT_STORED', item: null };
        }
        const data = mode.startsWith('append') ? old.data + item.data : item.data + old.data;
        return { status: 'STORED', item: this.link(key, newItem(data, old.flags, old.exptime)) };
      }
    }
    return { status: 'STORED', item: this.link(key, item) };
  }

  /** Increments or decrements. `held`: the item is being sent, so it is not changed in place. */
  add(key: string, incr: boolean, by: bigint, cas: number, held: boolean): Delta {
    const item = this.find(key);
    if (item === null) return { status: 'NOT_FOUND', value: 0n };
    if (item.data === '') return { status: 'NON_NUMERIC', value: 0n };
    if (cas !== 0 && cas !== item.cas) return { status: 'EXISTS', value: 0n };
    const digits = /^[ \t-\r]*(\d+)(?:[ \t-\r\0]|$)/.exec(item.data)?.[1];
    if (digits === undefined || BigInt(digits) >= U64) return { status: 'NON_NUMERIC', value: 0n };
    const old = BigInt(digits);
    const value = incr ? (old + by) % U64 : old > by ? old - by : 0n;
    const text = String(value);
    if (text.length <= item.data.length && !held) {
      item.data = text.padEnd(item.data.length);
      item.cas = this.nextCas();
      item.time = this.now;
    } else if (this.noMemory) {
      return { status: 'NO_MEMORY', value: 0n };
    } else {
      this.link(key, newItem(text, item.flags, item.exptime));
    }
    return { status: 'OK', value };
  }
}

export function newItem(data: string, flags: number, exptime: number): Item {
  return { flags, exptime, data, cas: 0, time: 0, stale: false, tokenSent: false };
}

/** Whether an item with `length` bytes of data is larger than any may be. */
export function isTooLarge(key: string, flags: number, length: number): boolean {
  return HEADER_BYTES + (flags === 0 ? 0 : 4) + key.length + 1 + length + 2 > ITEM_MAX_BYTES;
}

function emptyCounts(): Record<'getCmds' | 'getMisses' | 'touchCmds' | 'touchMisses' | 'deleteMisses' | 'incrMisses'
| 'decrMisses' | 'casMisses' | 'flushCmds' | 'totalItems' | 'tooLarge' | 'noMemory', number> {
  return {
    getCmds: 0, getMisses: 0, touchCmds: 0, touchMisses: 0, deleteMisses: 0, incrMisses: 0, decrMisses: 0,
    casMisses: 0, flushCmds: 0, totalItems: 0, tooLarge: 0, noMemory: 0,
  };
}
