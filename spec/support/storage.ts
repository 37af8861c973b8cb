// The storage of lib/1.6 without a network: a start, commands as plain calls, and a check that all of it agrees.
import { assocBucket, assocBuckets, assocFind, assocInit, hashOf } from '../../lib/1.6/assoc';
import { addTime, currentTime } from '../../lib/1.6/clock';
import { hold, itemAlloc, itemBump, itemGet, itemInit, itemRemove, itemUnlink } from '../../lib/1.6/items';
import { lruBytes, lruHead, lruSize, lruTail } from '../../lib/1.6/lru';
import {
  IT_CAS_HI, IT_CAS_LO, IT_EXPTIME, IT_H_NEXT, IT_NBYTES, IT_NEXT, IT_PREV, IT_REFCOUNT, ITEM_CHUNKED, ITEM_LINKED,
  ITEM_SLABBED, LRUS, MAX_NUMBER_OF_SLAB_CLASSES, NREAD_SET, clsidOf, dataOf, field, itFlags, keyOf, lruIdOf, nkeyOf,
  ntotalOf, resettable, statsState,
} from '../../lib/1.6/memcached.h';
import type { Settings } from '../../lib/1.6/settings';
import { settings, settingsInit } from '../../lib/1.6/settings';
import { slabsInit, slabsSize, slabsStats, slabsTotalMalloced } from '../../lib/1.6/slabs';
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

function checkSlabs(items: readonly Ptr[]): void {
  let pages = 0;
  for (let id = 1; id < MAX_NUMBER_OF_SLAB_CLASSES; id++) {
    const figures = slab(id);
    pages += figures.total_pages ?? 0;
    const own = items.filter((it) => clsidOf(it) === id && (itFlags(it) & ITEM_CHUNKED) === 0);
    const large = items.filter((it) => clsidOf(it) === id && (itFlags(it) & ITEM_CHUNKED) !== 0);
    const largePages = sum(large.map((it) => Math.ceil(ntotalOf(it) / MIB)));
    const used = own.length + largePages * (figures.chunks_per_page ?? 0);
    equal(`used chunks of class ${id}`, figures.used_chunks ?? 0, used);
    for (const it of own) if (ntotalOf(it) > slabsSize(id)) throw new Error('an item is larger than its chunk');
  }
  equal('total_malloced', slabsTotalMalloced(), pages * MIB);
  checkOverlaps(items);
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
