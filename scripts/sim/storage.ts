// Checks that the storage of lib/1.6 is consistent: its LRU lists, hash table, slab classes and counters.
import { assocBucket, assocBuckets, assocFind, hashOf } from '../../lib/1.6/assoc';
import { runLength } from '../../lib/1.6/chunk_runs';
import { lruBytes, lruHead, lruSize, lruTail } from '../../lib/1.6/lru';
import {
  IT_H_NEXT, IT_NEXT, IT_PREV, IT_REFCOUNT, ITEM_CHUNKED, ITEM_FETCHED, ITEM_LINKED, ITEM_SLABBED, LRUS, clsidOf,
  field, itFlags, keyOf, lruIdOf, nkeyOf, ntotalOf, statsState,
} from '../../lib/1.6/memcached.h';
import { isBlock } from '../../lib/1.6/pages';
import { slabList, slots } from '../../lib/1.6/slabclass';
import {
  SLAB_GLOBAL_PAGE_POOL, powerLargest, slabsAvailableChunks, slabsPageCount, slabsPerslab, slabsSize,
  slabsTotalMalloced,
} from '../../lib/1.6/slabs';
import type { Ptr } from '../../lib/libc/memory';
import { NULL } from '../../lib/libc/memory';
import { bytes } from './memory';

const MIB = 1 << 20;

/** A set of chunks of some pages. With 100,000 chunks, a Set would take most of a check's time. */
class Chunks {
  /** By place, in units of 8 bytes from the first page (all sizes are multiples of 8): the set it is in. */
  private static places = new Uint16Array(0);
  private static sets = 0;
  private readonly first: Ptr;
  private readonly set: number;
  size = 0;

  /** Invalidates the previous set. */
  constructor(pages: readonly Ptr[]) {
    this.first = pages.reduce((a, b) => Math.min(a, b), Infinity);
    const length = pages.reduce((end, page) => Math.max(end, (page - this.first + MIB) / 8), 0);
    if (Chunks.places.length < length) Chunks.places = new Uint16Array(length);
    else if (Chunks.sets === 0xffff) Chunks.places.fill(0);
    this.set = Chunks.sets = Chunks.sets % 0xffff + 1;
  }

  add(p: Ptr): void {
    Chunks.places[(p - this.first) / 8] = this.set;
    this.size++;
  }

  has(p: Ptr): boolean {
    return Chunks.places[(p - this.first) / 8] === this.set;
  }
}

/** The items of an LRU from head to tail. */
export function listOf(lru: number): Ptr[] {
  const items: Ptr[] = [];
  for (let it = lruHead(lru); it !== NULL; it = field(it, IT_NEXT) >>> 0) {
    if (items.length > statsState.currItems) throw new Error(`LRU ${lru} is a ring`);
    items.push(it);
  }
  return items;
}

export function keyText(it: Ptr): string {
  return bytes(keyOf(it), nkeyOf(it));
}

/**
 * Throws unless the LRUs, the hash table and the counters agree on which items there are. Returns these.
 */
export function checkLinks(): Set<Ptr> {
  const linked = new Set<Ptr>();
  for (let lru = 0; lru < LRUS; lru++) {
    if (lruHead(lru) === NULL && lruTail(lru) === NULL && lruSize(lru) === 0 && lruBytes(lru) === 0) continue;
    for (const it of checkList(lru)) linked.add(it);
  }
  equal('items', statsState.currItems, linked.size);
  equal('bytes', statsState.currBytes, sum([...linked].map(ntotalOf)));
  for (const it of linked) equal(keyText(it), assocFind(keyOf(it), nkeyOf(it), hashOf(keyOf(it), nkeyOf(it))), it);
  return linked;
}

/**
 * Throws unless the LRUs, the hash table, the slab classes and the counters agree on which items there are. `unlinked`
 * are the items that are allocated besides those.
 */
export function checkStorage(unlinked: readonly Ptr[] = []): void {
  const linked = checkLinks();
  checkHash(linked);
  checkSlabs([...linked, ...unlinked]);
}

function checkList(lru: number): Ptr[] {
  const items = listOf(lru);
  equal(`size of LRU ${lru}`, lruSize(lru), items.length);
  equal(`bytes of LRU ${lru}`, lruBytes(lru), sum(items.map(ntotalOf)));
  equal(`tail of LRU ${lru}`, lruTail(lru), items.at(-1) ?? NULL);
  items.forEach((it, i) => {
    equal('previous item', field(it, IT_PREV) >>> 0, i === 0 ? NULL : items[i - 1]);
    equal('LRU of an item', lruIdOf(it), lru);
    equal('linked', itFlags(it) & (ITEM_LINKED | ITEM_SLABBED), ITEM_LINKED);
    if (field(it, IT_REFCOUNT) < 1) throw new Error(`${keyText(it)} is linked, and nobody refers to it`);
  });
  return items;
}

function checkHash(linked: ReadonlySet<Ptr>): void {
  let found = 0;
  for (let bucket = 0; bucket < assocBuckets(); bucket++) {
    for (let it = assocBucket(bucket); it !== NULL; it = field(it, IT_H_NEXT) >>> 0) {
      if (!linked.has(it)) throw new Error(`${keyText(it)} is in the hash table, and in no LRU`);
      equal(keyText(it), assocFind(keyOf(it), nkeyOf(it), hashOf(keyOf(it), nkeyOf(it))), it);
      found++;
    }
  }
  equal('items in the hash table', found, linked.size);
}

/** Every chunk is in exactly one place: in an item, on a free list, or with the page mover. */
function checkSlabs(items: readonly Ptr[]): void {
  const known = new Set(items);
  let pages = slabsPageCount(SLAB_GLOBAL_PAGE_POOL), found = 0, spare = 0, cleared = 0;
  for (let id = 1; id <= powerLargest; id++) {
    const free = checkFreeList(id);
    let ofPage = 0;
    for (const page of slabList[id]) {
      for (let p = page; p < page + slabsPerslab(id) * slabsSize(id);) {
        const chunks = id === powerLargest ? runLength(p) : 1;
        if (known.has(p)) {
          checkItem(p, id, chunks);
          found++;
        } else if (free.has(p)) ofPage++;
        else if (itFlags(p) === (ITEM_SLABBED | ITEM_FETCHED)) cleared++;
        else spare++;
        p += chunks * slabsSize(id);
      }
    }
    equal(`free chunks of class ${id} in its pages`, ofPage, free.size);
    pages += slabsPageCount(id);
  }
  const blocks = items.filter(isBlock);
  equal('bytes of blocks', sum(blocks.map((it) => Math.ceil(ntotalOf(it) / MIB))), slabsPageCount(powerLargest) -
    slabList[powerLargest].length);
  equal('items in pages and blocks', found + blocks.length, items.length);
  equal('total_malloced', slabsTotalMalloced(), pages * MIB);
  if (!statsState.slabReassignRunning) equal('chunks that are nowhere', spare + cleared, 0);
  else if (spare > 1) throw new Error(`${spare} chunks are nowhere`);
  checkOverlaps(items);
}

function checkFreeList(id: number): Chunks {
  const free = new Chunks(slabList[id]);
  let before = NULL;
  for (let p = slots[id] >>> 0; p !== NULL; p = field(p, IT_NEXT) >>> 0) {
    equal('flags of a free chunk', itFlags(p), ITEM_SLABBED);
    equal('previous free chunk', field(p, IT_PREV) >>> 0, before);
    if (free.has(p)) throw new Error(`the list of free chunks of class ${id} is a ring`);
    free.add(p);
    before = p;
  }
  equal(`free chunks of class ${id}`, slabsAvailableChunks(id), free.size);
  return free;
}

function checkItem(it: Ptr, id: number, chunks: number): void {
  equal('class of an item', clsidOf(it), id);
  equal('chunks of an item', chunks, Math.ceil(ntotalOf(it) / slabsSize(id)));
  equal('ITEM_CHUNKED', itFlags(it) & ITEM_CHUNKED, chunks > 1 ? ITEM_CHUNKED : 0);
}

function checkOverlaps(items: readonly Ptr[]): void {
  const inOrder = [...items].sort((a, b) => a - b);
  inOrder.forEach((it, i) => {
    if (i > 0 && inOrder[i - 1] + ntotalOf(inOrder[i - 1]) > it) throw new Error(`items overlap at ${it}`);
  });
}

function equal(what: string, is: number, should: number): void {
  if (is !== should) throw new Error(`${what}: ${is}, and not ${should}`);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
