// The storage of lib/1.6 without a network: a start, commands as plain calls, and a check that all of it agrees.
import { assocBucket, assocBuckets, assocFind, assocInit, hashOf } from '../../lib/1.6/assoc';
import { runLength } from '../../lib/1.6/chunk_runs';
import { addTime, currentTime } from '../../lib/1.6/clock';
import { hold, itemAlloc, itemBump, itemGet, itemInit, itemRemove, itemUnlink } from '../../lib/1.6/items';
import { lruBytes, lruHead, lruSize, lruTail } from '../../lib/1.6/lru';
import {
  IT_CAS_HI, IT_CAS_LO, IT_EXPTIME, IT_H_NEXT, IT_NBYTES, IT_NEXT, IT_PREV, IT_REFCOUNT, ITEM_CHUNKED, ITEM_FETCHED,
  ITEM_LINKED, ITEM_SLABBED, LRUS, NREAD_SET, clsidOf, dataOf, field, itFlags, keyOf, lruIdOf, nkeyOf,
  ntotalOf, resettable, statsState,
} from '../../lib/1.6/memcached.h';
import { isBlock } from '../../lib/1.6/pages';
import type { Settings } from '../../lib/1.6/settings';
import { settings, settingsInit } from '../../lib/1.6/settings';
import { slabList, slots } from '../../lib/1.6/slabclass';
import {
  SLAB_GLOBAL_PAGE_POOL, powerLargest, slabsAvailableChunks, slabsInit, slabsPageCount, slabsPerslab, slabsSize,
  slabsStats, slabsTotalMalloced,
} from '../../lib/1.6/slabs';
import { storeItem } from '../../lib/1.6/store';
import type { Ptr } from '../../lib/libc/memory';
import { NULL, bss, memoryInit } from '../../lib/libc/memory';
import { eventEconomy } from '../../reactor/backends';
import { eventInit } from '../../reactor/event';
import { bytes, put } from './memory';

export const MIB = 1 << 20;
const name = bss(256);

eventEconomy(false);
eventInit(); // where the random key of the hash comes from

/** What a start may have beside settings. */
interface Circumstances {
  slabSizes?: readonly number[];
  preallocate?: boolean;
  /** Bytes of memory before the arena of items. */
  before?: number;
}

/** Everything as after a start with these settings, and an arena of items of `arena` megabytes. */
export function start(changed: Partial<Settings> = {}, arena = 64, also: Circumstances = {}): void {
  const { slabSizes = null, preallocate = false, before = MIB } = also;
  settingsInit();
  settings.hashpowerInit = 6; // a table that must grow, and can be walked in no time
  Object.assign(settings, changed);
  memoryInit(before, 0, arena * MIB);
  assocInit(settings.hashpowerInit);
  slabsInit(settings.maxbytes, settings.factor, settings.chunkSize, slabSizes, preallocate);
  itemInit();
  resettable.totalItems = 0;
}

/** Lets the server's clock go on. */
export const pass = addTime;

export function hash(key: string): number {
  return hashOf(put(name, key), key.length);
}

/** An item that is not linked; NULL if there is no memory. */
export function alloc(key: string, value: string, flags = 0, ttl = 0): Ptr {
  const exptime = ttl === 0 ? 0 : currentTime + ttl;
  const it = itemAlloc(put(name, key), key.length, flags, exptime, value.length + 2);
  if (it !== NULL) put(dataOf(it), `${value}\r\n`);
  return it;
}

/** Stores a value as a client does; what became of it, or null if there was no memory. */
export function store(key: string, value: string, comm = NREAD_SET, ttl = 0, casHi = 0, casLo = 0): number | null {
  const it = alloc(key, value, 0, ttl);
  if (it === NULL) return null;
  const result = storeItem(it, comm, casHi, casLo);
  itemRemove(it);
  return result;
}

/** Stores a value of that length, whatever is in it. */
export function storeRoom(key: string, length: number): number | null {
  const it = itemAlloc(put(name, key), key.length, 0, 0, length + 2);
  if (it === NULL) return null;
  const result = storeItem(it, NREAD_SET, 0, 0);
  itemRemove(it);
  return result;
}

/** The item of a key, which is not bumped; NULL if there is none. */
export function item(key: string): Ptr {
  return itemGet(put(name, key), key.length, hash(key));
}

/** What a client is given, which bumps the item. */
export function get(key: string): string | null {
  const it = item(key);
  if (it === NULL) return null;
  itemBump(it);
  return valueOf(it);
}

export function has(key: string): boolean {
  return item(key) !== NULL;
}

export function remove(key: string): boolean {
  const it = item(key);
  if (it !== NULL) itemUnlink(it, hash(key));
  return it !== NULL;
}

/** The item of a key with a reference, as a connection has it that sends the value. */
export function held(key: string): Ptr {
  const it = item(key);
  if (it === NULL) throw new Error(`${key} is not there`);
  hold(it);
  return it;
}

export function valueOf(it: Ptr): string {
  return bytes(dataOf(it), field(it, IT_NBYTES) - 2);
}

export function keyText(it: Ptr): string {
  return bytes(keyOf(it), nkeyOf(it));
}

export function casOf(it: Ptr): [number, number] {
  return [field(it, IT_CAS_HI), field(it, IT_CAS_LO)];
}

export function exptimeOf(it: Ptr): number {
  return field(it, IT_EXPTIME);
}

/** The keys of an LRU from head to tail. */
export function keysOf(lru: number): string[] {
  return listOf(lru).map(keyText);
}

function listOf(lru: number): Ptr[] {
  const items: Ptr[] = [];
  for (let it = lruHead(lru); it !== NULL; it = field(it, IT_NEXT) >>> 0) {
    if (items.length > statsState.currItems) throw new Error(`LRU ${lru} is a ring`);
    items.push(it);
  }
  return items;
}

/** Figures of a slab class by their names in `stats slabs`. */
export function slab(id: number): Partial<Record<string, number>> {
  const figures: Partial<Record<string, number>> = {};
  slabsStats(id, (what, value) => (figures[what] = value));
  return figures;
}

/**
 * Throws unless the LRUs, the hash table, the slab classes and the counters agree on which items there are. `unlinked`
 * is how many items are allocated beside those.
 */
export function checkStorage(unlinked: readonly Ptr[] = []): void {
  const linked = new Set<Ptr>();
  for (let lru = 0; lru < LRUS; lru++) {
    for (const it of checkList(lru)) linked.add(it);
  }
  equal('items', statsState.currItems, linked.size);
  equal('bytes', statsState.currBytes, sum([...linked].map(ntotalOf)));
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
      equal(keyText(it), assocFind(keyOf(it), nkeyOf(it), hash(keyText(it))), it);
      found++;
    }
  }
  equal('items in the hash table', found, linked.size);
}

/** Every chunk is in one place: it is an item's, or on the list of free ones, or the page mover's. */
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

function checkFreeList(id: number): Set<Ptr> {
  const free = new Set<Ptr>();
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
