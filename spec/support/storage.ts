// The storage of lib/1.6 without a network: a start, and commands as plain calls. scripts/sim/storage.ts checks its
// consistency.
import { assocInit, hashOf } from '../../lib/1.6/assoc';
import { addTime, currentTime } from '../../lib/1.6/clock';
import { hold, itemAlloc, itemBump, itemGet, itemInit, itemRemove, itemUnlink } from '../../lib/1.6/items';
import {
  IT_CAS_HI, IT_CAS_LO, IT_EXPTIME, IT_NBYTES, NREAD_SET, dataOf, field, resettable,
} from '../../lib/1.6/memcached.h';
import type { Settings } from '../../lib/1.6/settings';
import { settings, settingsInit } from '../../lib/1.6/settings';
import { slabsInit, slabsStats } from '../../lib/1.6/slabs';
import { storeItem } from '../../lib/1.6/store';
import type { Ptr } from '../../lib/libc/memory';
import { NULL, bss } from '../../lib/libc/memory';
import { eventEconomy } from '../../reactor/backends';
import { eventInit } from '../../reactor/event';
import { keyText, listOf } from '../../scripts/sim/storage';
import { bytes, put, takeMemory } from './memory';

export { checkStorage, keyText } from '../../scripts/sim/storage';

export const MIB = 1 << 20;
/** One LRU per class, as in older versions. */
export const FLAT = { lruSegmented: false };
/** A value of class 39, which has two chunks per page. */
export const HALF_PAGE = 'v'.repeat(500_000);
const name = bss(256);

eventEconomy(false);
eventInit(); // the hash takes its random key from the backend

/** Options of a start besides settings. */
interface Circumstances {
  slabSizes?: readonly number[];
  preallocate?: boolean;
  /** Bytes of memory before the arena of items. */
  before?: number;
}

/** Everything as after a start with these settings, and an arena of items of `arena` megabytes. */
export function start(changed: Partial<Settings> = {}, arena = 16, also: Circumstances = {}): void {
  const { slabSizes = null, preallocate = false, before = MIB } = also;
  settingsInit();
  settings.hashpowerInit = 6; // a small table, which must grow, and is quick to walk
  Object.assign(settings, changed);
  takeMemory(before, 0, arena * MIB);
  assocInit(settings.hashpowerInit);
  slabsInit(settings.maxbytes, settings.factor, settings.chunkSize, slabSizes, preallocate);
  itemInit();
  resettable.totalItems = 0;
}

/** k0, k1 and so on. */
export function keyNames(n: number): string[] {
  return Array.from({ length: n }, (_, i) => `k${i}`);
}

/** Advances the server's clock. */
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

/** Stores a value as a client does; returns storeItem's result, or null if there was no memory. */
export function store(key: string, value: string, comm = NREAD_SET, ttl = 0, casHi = 0, casLo = 0): number | null {
  const it = alloc(key, value, 0, ttl);
  if (it === NULL) return null;
  const result = storeItem(it, comm, casHi, casLo);
  itemRemove(it);
  return result;
}

/** Stores a value of that length with undefined bytes. */
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

/** The value that a client gets, which bumps the item. */
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

/** The item of a key with a reference, as of a connection that sends the value. */
export function held(key: string): Ptr {
  const it = item(key);
  if (it === NULL) throw new Error(`${key} is not there`);
  hold(it);
  return it;
}

export function valueOf(it: Ptr): string {
  return bytes(dataOf(it), field(it, IT_NBYTES) - 2);
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

/** Figures of a slab class by their names in `stats slabs`. */
export function slab(id: number): Partial<Record<string, number>> {
  const figures: Partial<Record<string, number>> = {};
  slabsStats(id, (what, value) => (figures[what] = value));
  return figures;
}
