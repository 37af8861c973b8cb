// Slab classes, items, the lists of each class from the most to the least recently used, hash chains, and the items in
// the delete window.
import { i32, u32, u8 } from '../../../lib/libc/heap';
import { variablesOf } from '../probe';
import { Paths, Signature } from './changes';
import type { Changes } from './changes';
import { cString } from './memory';
import type { Region } from './memory';

/** The words of an item, in C's order; `key` is its text in the trace. */
const WORDS = [
  'next', 'prev', 'refcount', 'itFlags', 'key', 'data', 'slabsClsid', 'nbytes', 'ntotal', 'flags', 'time', 'exptime',
] as const;
const KEY = WORDS.indexOf('key');
const POINTERS = new Set<string>(['next', 'prev', 'data']);
const ITEM_BYTES = 4 * WORDS.length;
const KEY_MAX = 250;
/** Only this much of an item is watched. */
const WATCHED_BYTES = 4096;
const LIST_MAX = 1000;

interface Slabclass {
  size: number;
  perslab: number;
  slots: number;
  slTotal: number;
  slCurr: number;
  endPagePtr: number;
  endPageFree: number;
  slabs: number;
}
const SLAB_FIELDS = ['size', 'perslab', 'slabs', 'slTotal', 'slCurr', 'endPagePtr', 'endPageFree'] as const;

/** The private fields of the hash table. */
interface Table {
  nodes: Int32Array;
  buckets: Uint32Array;
  mask: number;
  split: number;
  count: number;
}
const NODE_WORDS = 3;
const NODE_VALUE = 1;
const NODE_LINK = 2;
const NODE_INDEX = (1 << 26) - 1;

const itemPaths = new Paths(WORDS);
const slabPaths = new Paths(SLAB_FIELDS);

export class Storage {
  private readonly pages = new Map<number, number[]>();
  private readonly signature = new Signature();
  private shown = new Set<number>();
  private chains = new Map<number, string>();
  private counted = -1;
  /** Whether a node had no value yet when the table was looked at. */
  private unfinished = false;

  /** The items that were observed last. */
  get known(): ReadonlySet<number> {
    return this.shown;
  }

  /** Returns whether anything had changed. `held`: addresses of items in connections and locals. */
  observe(changes: Changes, held: readonly number[]): boolean {
    if (!this.differs(held)) return false;
    const free = this.slabs(changes);
    const linked = this.lists(changes);
    const deleted = todelete();
    changes.put('todelete', deleted.join());
    this.table(changes);
    const items = new Set([...linked, ...deleted, ...held].filter((p) => !free.has(p)));
    for (const p of this.shown) {
      if (items.has(p)) continue;
      for (const path of itemPaths.of(`item.${p}`)) changes.drop(path);
    }
    for (const p of items) showItem(changes, p);
    this.shown = items;
    return true;
  }

  private differs(held: readonly number[]): boolean {
    const { signature } = this;
    const words = u32;
    const addArray = (array: number, length: number): void => {
      for (let i = 0; i < length; i++) signature.add(words[(array >>> 2) + i]);
    };
    const { slabclass, memMalloced } = variablesOf('lib/slabs.ts') as { slabclass: Slabclass[]; memMalloced: number };
    signature.add(memMalloced);
    for (const p of slabclass) {
      if (p.slabs === 0) continue;
      for (let i = 0; i < SLAB_FIELDS.length; i++) signature.add(p[SLAB_FIELDS[i]]);
      addArray(p.slots, p.slCurr);
    }
    const { heads } = variablesOf('lib/items.ts') as { heads: Uint32Array };
    for (let id = 0; id < heads.length; id++) signature.add(heads[id]);
    for (const p of this.shown) addArray(p, WORDS.length);
    for (const p of held) signature.add(p);
    const { todelete: array, delcurr, PJSLArray } = variablesOf('lib/memcached.ts') as {
      todelete: number; delcurr: number; PJSLArray: Table | undefined;
    };
    addArray(array, delcurr);
    signature.add(PJSLArray?.count);
    return signature.changed() || this.unfinished;
  }

  /** The items that were observed, each from its head to the end of its data, or as much of it as is watched. */
  regions(): Region[] {
    return [...this.shown].map((p) => {
      const total = u32[(p + 4 * WORDS.indexOf('ntotal')) >>> 2];
      return [p, Math.min(Math.max(total, ITEM_BYTES), WATCHED_BYTES)];
    });
  }

  /** Returns the free chunks. */
  private slabs(changes: Changes): Set<number> {
    const free = new Set<number>();
    const { slabclass, memLimit, memMalloced } = variablesOf('lib/slabs.ts') as {
      slabclass: Slabclass[]; memLimit: number; memMalloced: number;
    };
    changes.put('slab.limit', memLimit);
    changes.put('slab.malloced', memMalloced);
    for (const [id, p] of slabclass.entries()) {
      if (p.slabs === 0) continue;
      const prefix = `slab.${id}`;
      const names = slabPaths.of(prefix);
      for (let i = 0; i < SLAB_FIELDS.length; i++) changes.put(names[i], p[SLAB_FIELDS[i]]);
      changes.put(`${prefix}.pages`, this.pagesOf(id, p).join());
      const chunks = Array.from({ length: p.slCurr }, (_, i) => u32[(p.slots + 4 * i) >>> 2]);
      changes.put(`${prefix}.free`, chunks.join());
      for (const chunk of chunks) free.add(chunk);
    }
    return free;
  }

  /** The new page since the last step, if any, is the one with a free end. */
  private pagesOf(id: number, { slabs, endPagePtr }: Slabclass): number[] {
    const pages = this.pages.get(id) ?? [];
    this.pages.set(id, pages);
    if (pages.length < slabs) pages.push(endPagePtr);
    return pages;
  }

  /** Returns the items that are in the lists. */
  private lists(changes: Changes): number[] {
    const all: number[] = [];
    const { heads } = variablesOf('lib/items.ts') as { heads: Uint32Array };
    for (let id = 0; id < heads.length; id++) {
      const list: number[] = [];
      for (let p = heads[id]; p !== 0 && list.length < LIST_MAX; p = u32[p >>> 2]) list.push(p);
      if (list.length > 0) {
        changes.put(`lru.${id}`, list.join());
        all.push(...list);
      } else changes.drop(`lru.${id}`);
    }
    return all;
  }

  /** Reads the hash table only if its count has changed: nothing else tells. */
  private table(changes: Changes): void {
    const { PJSLArray } = variablesOf('lib/memcached.ts') as { PJSLArray: Table | undefined };
    if (PJSLArray === undefined || PJSLArray.count === this.counted) return;
    this.counted = PJSLArray.count;
    this.unfinished = false;
    const chains = new Map<number, string>();
    const { nodes, buckets, mask, split } = PJSLArray;
    for (let n = 0; n <= mask + split; n++) {
      const chain: number[] = [];
      for (let node = buckets[n]; node !== 0; node = nodes[node * NODE_WORDS + NODE_LINK] & NODE_INDEX) {
        const value = nodes[node * NODE_WORDS + NODE_VALUE] >>> 0;
        if (value !== 0) chain.push(value);
        else this.unfinished = true;
      }
      if (chain.length > 0) chains.set(n, chain.join());
    }
    for (const n of this.chains.keys()) if (!chains.has(n)) changes.drop(`bucket.${n}`);
    for (const [n, chain] of chains) changes.put(`bucket.${n}`, chain);
    this.chains = chains;
    if (this.unfinished) this.counted = -1;
  }
}

function todelete(): number[] {
  const { todelete: array, delcurr } = variablesOf('lib/memcached.ts') as { todelete: number; delcurr: number };
  return Array.from({ length: delcurr }, (_, i) => u32[(array + 4 * i) >>> 2]);
}

function showItem(changes: Changes, p: number): void {
  const names = itemPaths.of(`item.${p}`);
  for (let i = 0; i < WORDS.length; i++) {
    const at = (p >>> 2) + i;
    if (i === KEY) changes.put(names[i], itemKey(p));
    else changes.put(names[i], POINTERS.has(WORDS[i]) ? u32[at] : i32[at]);
  }
}

/** The key of an item; '' for one that has none yet. */
export function itemKey(p: number): string {
  const key = u32[(p >>> 2) + KEY];
  return key === p + ITEM_BYTES && key < u8.length ? cString(key, KEY_MAX) : '';
}
