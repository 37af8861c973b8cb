// Observes the server's actions as they happen: a processed command line, the data behind one, a chunk allocated or
// freed, an eviction. It replaces functions of the port with ones that report first. It also makes allocations
// fail.
import * as assoc from '../../lib/1.6/assoc';
import * as items16 from '../../lib/1.6/items';
import { itemstats } from '../../lib/1.6/lru';
import {
  IT_REFCOUNT, ITEM_LINKED, ITEM_SLABBED, field, itFlags, lruIdOf, statsState,
} from '../../lib/1.6/memcached.h';
import { binary } from '../../lib/1.6/proto_bin';
import { text } from '../../lib/1.6/proto_text';
import * as slabs16 from '../../lib/1.6/slabs';
import * as items from '../../lib/items';
import type { Ptr } from '../../lib/libc/memory';
import * as memory from '../../lib/libc/memory';
import { NULL } from '../../lib/libc/memory';
import * as memcached from '../../lib/memcached';
import { ConnState } from '../../lib/memcached.h';
import type { Conn, Protocol } from '../../lib/memcached.h';
import * as slabs from '../../lib/slabs';
import { ENOMEM, setErrno } from '../../reactor/errno.h';
import { text as cString } from './memory';
import { replace } from '../checked/replace';
import { keyText } from './storage';

/** Gets the reports. */
export interface Watcher {
  /** The server looks for a command of this connection, or its data are complete. */
  begins(c: Conn, phase: 'line' | 'data'): void;
  /** The server has processed a line, and waits for data if `waits`; or it has processed the data. */
  done(c: Conn, phase: 'line' | 'data', waits: boolean): void;
  /** An item was evicted for another. */
  evicted(key: string): void;
  /** The page mover needed the item's chunk, and dropped the item. */
  moved(key: string): void;
  /** Whether this allocation fails. */
  fails(name: 'malloc' | 'slab'): boolean;
  /** There was no memory for an item. */
  noItem(): void;
  /** Something is wrong. */
  wrong(what: string): void;
}

let watcher: Watcher | null = null;

/** The allocated chunks of 2003's slabs.ts, with their class. */
export const chunksOut = new Map<Ptr, number>();
/** Blocks for items, which are never freed. */
const itemBlocks = new Map<Ptr, number>();
const evictedBefore = new Float64Array(itemstats.evicted.length);
let isAllocating = false;
/** Whether there was no chunk for the item that is being allocated. */
let lacksChunk = false;
const hadNone = (): boolean => lacksChunk;

/** From now on reports to `next`, or to none if null. */
export function watch(next: Watcher | null): void {
  watcher = next;
  chunksOut.clear();
  itemBlocks.clear();
  evictedBefore.fill(0);
  isAllocating = false;
}

/** Bytes of malloc's blocks that are not for items. */
export function usedBytes(): number {
  let ofItems = 0;
  for (const size of itemBlocks.values()) ofItems += Math.max(256, 2 ** Math.ceil(Math.log2(size)));
  return memory.mallinfo().uordblks - ofItems;
}

/** The functions are replaced once in a process. */
const seen = new WeakSet<Protocol>();

/** From now on reports commands of connections with that protocol. */
export function watchProtocol(protocol: Protocol): void {
  if (seen.has(protocol)) return;
  seen.add(protocol);
  replace(protocol, 'tryReadCommand', (original) => (c) => {
    evictedBefore.set(itemstats.evicted);
    watcher?.begins(c, 'line');
    const res = original(c);
    if (res === 1) watcher?.done(c, 'line', c.state === ConnState.nread);
    return res;
  });
  replace(protocol, 'completeNread', (original) => (c) => {
    evictedBefore.set(itemstats.evicted);
    watcher?.begins(c, 'data');
    original(c);
    watcher?.done(c, 'data', false);
  });
}

watchProtocol(text);
watchProtocol(binary);

// Allocations.

function failing(name: 'malloc' | 'slab'): boolean {
  if (watcher === null || !watcher.fails(name)) return false;
  setErrno(ENOMEM);
  return true;
}

replace(memory, 'malloc', (original) => (size) => (failing('malloc') ? NULL : original(size)));
replace(memory, 'realloc', (original) => (p, size) => (failing('malloc') ? NULL : original(p, size)));
replace(memory, 'mallocForItems', (original) => (size) => noted(original(size), size));
replace(memory, 'reallocForItems', (original) => (p, size) => {
  const grown = noted(original(p, size), size);
  if (grown !== NULL && grown !== p) itemBlocks.delete(p);
  return grown;
});

function noted(p: Ptr, size: number): Ptr {
  if (p !== NULL) itemBlocks.set(p, size);
  return p;
}

// The storage of 1.0.4.

replace(slabs, 'slabsAlloc', (original) => (id) => {
  const p = failing('slab') ? NULL : original(id);
  if (p === NULL) lacksChunk = true;
  else if (chunksOut.has(p)) watcher?.wrong(`chunk ${p} was given out twice`);
  else chunksOut.set(p, id);
  return p;
});
replace(slabs, 'slabsFree', (original) => (p, id) => {
  const given = chunksOut.get(p);
  if (given !== id) {
    watcher?.wrong(given === undefined ? `chunk ${p} was freed twice` : `chunk ${p} of class ${given} was freed as ${id}`);
  }
  chunksOut.delete(p);
  original(p, id);
});
replace(items, 'itemAlloc', (original) => (...args) => {
  isAllocating = true;
  lacksChunk = false;
  const it = original(...args);
  isAllocating = false;
  if (it === null && hadNone()) watcher?.noItem();
  return it;
});
replace(memcached, 'assocDelete', (original) => (key) => {
  if (isAllocating) watcher?.evicted(cString(key));
  original(key);
});

// The storage of 1.6.

replace(slabs16, 'slabsAlloc', (original) => (bytes, id) => {
  const p = failing('slab') ? NULL : original(bytes, id);
  if (p === NULL) lacksChunk = true;
  return p;
});
replace(items16, 'itemAlloc', (original) => (...args) => {
  lacksChunk = false;
  const it = original(...args);
  if (it === NULL && hadNone()) watcher?.noItem();
  return it;
});
replace(slabs16, 'slabsFree', (original) => (it, id) => {
  if ((itFlags(it) & ITEM_SLABBED) !== 0) watcher?.wrong(`chunk ${it} was freed twice`);
  else if ((itFlags(it) & ITEM_LINKED) !== 0) watcher?.wrong(`${keyText(it)} was freed, and is linked`);
  original(it, id);
});
replace(items16, 'itemRemove', (original) => (it) => {
  if (field(it, IT_REFCOUNT) < 1 || (itFlags(it) & ITEM_SLABBED) !== 0) {
    watcher?.wrong(`item ${it} has no reference to give up`);
  }
  original(it);
});
replace(items16, 'itemReplace', (original) => (it, newIt, hv) => {
  // C has an assertion for the first.
  if ((itFlags(it) & ITEM_SLABBED) !== 0) watcher?.wrong(`${keyText(newIt)} takes the place of a free chunk`);
  if (it === newIt) watcher?.wrong(`${keyText(it)} takes its own place: it was freed while it was in use`);
  original(it, newIt, hv);
});
replace(assoc, 'assocDelete', (original) => (it, hv) => {
  const lru = lruIdOf(it);
  const evicted = itemstats.evicted[lru];
  if (evicted > evictedBefore[lru]) watcher?.evicted(keyText(it));
  else if (statsState.slabReassignRunning) watcher?.moved(keyText(it));
  evictedBefore[lru] = evicted;
  original(it, hv);
});
