// items.c: the life of an item, from its allocation, which may evict other items, to its last reference.
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { u8 } from '../libc/heap';
import { memcpy } from '../libc/string';
import { assocDelete, assocFind, assocInsert, assocReplace, hashOf } from './assoc';
import { currentTime } from './clock';
import { flushAt, flushInit, flushNow, itemIsFlushed, setItTime } from './flush';
import { isLocked } from './item_locks';
import { itemStatsSizesAdd, itemStatsSizesRemove } from './item_sizes';
import {
  ITEM_EXPIRED, ITEM_FLUSHED, ITEM_FOUND, ITEM_NOT_FOUND, LOG_EVICTIONS, LOG_FETCHERS, logEviction, logItemGet, logger,
} from './logger';
import { itemLinkQ, itemReplaceQ, itemUnlinkQ, itemstats, lruAge, lruBytes, lruInit, lruSize, lruTail } from './lru';
import {
  COLD_LRU, HOT_LRU, ITEM_ACTIVE, ITEM_CAS, ITEM_CFLAGS, ITEM_FETCHED, ITEM_LINKED, ITEM_UPDATE_INTERVAL, IT_CAS_HI,
  IT_CAS_LO, IT_EXPTIME, IT_H_NEXT, IT_NBYTES, IT_NEXT, IT_PREV, IT_REFCOUNT, IT_TIME, LRUS,
  MAX_NUMBER_OF_SLAB_CLASSES, SIZEOF_ITEM, TEMP_LRU, WARM_LRU, clsidOf, field, itFlags, keyOf, lruIdOf, nkeyOf,
  ntotalOf, resettable, setField, setItFlags, setLruId, setNkey, statsState, threadStats,
} from './memcached.h';
import { settings } from './settings';
import { slabsAlloc, slabsClsid, slabsFree, slabsHasBlocks, slabsLargeFits } from './slabs';

const LRU_MASK = 192;
const CLASS_MASK = 63;
/** How often itemAllocPull looks at the tail of an LRU to find memory for an item. */
const PULLS_MAX = 10;
/** How many items lruMaintainerJuggle moves on, if the caller does not say. */
const JUGGLES_MAX = 500;
/**
 * Once per this many allocations of a class, and at the first in a second, itemAlloc moves on some items of the class
 * and unlinks expired ones, because the maintainer may be late.
 */
const JUGGLE_INTERVAL = 16;
const INLINE_JUGGLES_MAX = 40;
const allocations = new Uint8Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** By class, when itemAlloc did so last. */
const juggled = new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES);

/** The last cas number given, as signed words. */
let casHi = 0, casLo = 1;

/** Resets to no items. Call it after memoryInit. */
export function itemInit(): void {
  lruInit();
  flushInit();
  statsState.currItems = statsState.currBytes = 0;
  wantsPage = () => undefined;
  allocations.fill(0);
  juggled.fill(0);
  casHi = 0;
  casLo = 1;
}

// items.c: get_cas_id
/** Gives an item the next cas number; with -C it stays 0. */
export function nextCas(it: Ptr): void {
  if (!settings.useCas) return;
  casLo = (casLo + 1) | 0;
  if (casLo === 0) casHi = (casHi + 1) | 0;
  setField(it, IT_CAS_LO, casLo);
  setField(it, IT_CAS_HI, casHi);
}

/** The last cas number given. */
export function casId(): bigint {
  return (BigInt(casHi >>> 0) << 32n) | BigInt(casLo >>> 0);
}

// items.c: set_cas_id
export function setCasId(cas: bigint): void {
  casHi = Number(BigInt.asIntN(32, cas >> 32n));
  casLo = Number(BigInt.asIntN(32, cas));
}

/** Gives an item this cas number; does nothing with -C. */
export function setCas(it: Ptr, hi: number, lo: number): void {
  if (!settings.useCas) return;
  setField(it, IT_CAS_LO, lo);
  setField(it, IT_CAS_HI, hi);
}

// items.c: item_make_header
/** Bytes of an item with its header; `nbytes` counts its data and the \r\n. */
export function itemSize(nkey: number, flags: number, nbytes: number): number {
  return SIZEOF_ITEM + (flags === 0 ? 0 : 4) + nkey + 1 + nbytes;
}

// items.c: item_size_ok
/** Whether an item is small enough to be stored. If so, itemAlloc fails only for lack of memory. */
export function itemSizeOk(nkey: number, flags: number, nbytes: number): boolean {
  return slabsClsid(itemSize(nkey, flags, nbytes)) !== 0;
}

/** How many items of class `id` can be evicted to make room for another. */
function evictable(id: number): number {
  return lruSize(id | HOT_LRU) + lruSize(id | WARM_LRU) + lruSize(id | COLD_LRU);
}

// items.c: do_item_alloc_pull
function itemAllocPull(ntotal: number, id: number): Ptr {
  const large = ntotal > settings.slabChunkSizeMax;
  if (large && !slabsLargeFits(ntotal)) return NULL;
  // A large item may take the place of many. No item is moved to join holes: if enough is free, but not contiguous,
  // further items of the class are evicted until a hole is large enough. And a page may cost many large items, if other
  // classes have got their pages above the limit.
  const all = settings.evictToFree !== 0 && (large || slabsHasBlocks(id));
  const tries = all ? PULLS_MAX + 2 * evictable(id) : PULLS_MAX;
  let it = NULL;
  let i = 0;
  for (; i < tries; i++) {
    if (!settings.lruSegmented) lruPullTail(id, COLD_LRU, 0, false, 0);
    it = slabsAlloc(ntotal, id);
    if (it !== NULL) break;
    if (lruPullTail(id, COLD_LRU, 0, true, 0) > 0) continue;
    if (!settings.lruSegmented) break;
    // C leaves WARM to its maintainer, which here may not have run yet.
    if (lruPullTail(id, HOT_LRU, 0, false, 0) === 0) lruPullTail(id, WARM_LRU, 0, false, 0);
  }
  if (i > 0) itemstats.directReclaims[id] += i;
  return it;
}

// items.c: do_item_alloc
/**
 * Allocates an unlinked item with room for `nbytes` of data (\r\n included); the caller owns its one reference.
 * `exptime` is by the server's clock. NULL if the item is too large, or there is no memory.
 */
export function itemAlloc(key: Ptr, nkey: number, flags: number, exptime: number, nbytes: number): Ptr {
  if (nbytes < 2) return NULL;
  const ntotal = itemSize(nkey, flags, nbytes);
  const id = slabsClsid(ntotal);
  if (id === 0) return NULL;
  if ((++allocations[id] & (JUGGLE_INTERVAL - 1)) === 0 || juggled[id] !== currentTime) {
    juggled[id] = currentTime;
    lruMaintainerJuggle(id, INLINE_JUGGLES_MAX);
  }
  const it = itemAllocPull(ntotal, id);
  if (it === NULL) {
    itemstats.outofmemory[id]++;
    return NULL;
  }
  setField(it, IT_NEXT, NULL);
  setField(it, IT_PREV, NULL);
  setField(it, IT_H_NEXT, NULL);
  setField(it, IT_EXPTIME, exptime);
  setField(it, IT_NBYTES, nbytes);
  setField(it, IT_CAS_LO, 0);
  setField(it, IT_CAS_HI, 0);
  setItFlags(it, itFlags(it) | (settings.useCas ? ITEM_CAS : 0) | (flags === 0 ? 0 : ITEM_CFLAGS));
  if (settings.tempLru && exptime >= currentTime && exptime - currentTime <= settings.temporaryTtl) {
    setLruId(it, id | TEMP_LRU);
  } else {
    setLruId(it, id | (settings.lruSegmented ? HOT_LRU : COLD_LRU)); // there is only COLD in a flat LRU
  }
  setNkey(it, nkey);
  if (flags !== 0) setField(it, SIZEOF_ITEM, flags);
  const k = keyOf(it);
  memcpy(k, key, nkey);
  u8[k + nkey] = 0;
  return it;
}

// items.c: item_free
/** Frees an item that is not linked. */
export function itemFree(it: Ptr): void {
  slabsFree(it, clsidOf(it));
}

/** Takes a reference: the item stays unchanged in memory, whatever happens to its key. */
export function hold(it: Ptr): void {
  setField(it, IT_REFCOUNT, field(it, IT_REFCOUNT) + 1);
}

// items.c: do_item_remove
/** Gives up a reference. The last one frees the item. */
export function itemRemove(it: Ptr): void {
  const refcount = field(it, IT_REFCOUNT) - 1;
  if (refcount < 0) throw new Error(`item ${it} has no reference to give up`);
  setField(it, IT_REFCOUNT, refcount);
  if (refcount === 0) itemFree(it);
}

// items.c: do_item_link
/** Makes an item findable, with a new cas number. No other item may have its key. */
export function itemLink(it: Ptr, hv: number): void {
  setItFlags(it, itFlags(it) | ITEM_LINKED);
  setItTime(it);
  statsState.currBytes += ntotalOf(it);
  statsState.currItems++;
  resettable.totalItems++;
  nextCas(it);
  assocInsert(it, hv);
  itemLinkQ(it);
  hold(it);
  itemStatsSizesAdd(it);
}

// items.c: do_item_link_fixup
/** Makes an item from before a restart findable, unchanged. Its one reference is that of the link. */
export function itemLinkFixup(it: Ptr, hv: number): void {
  setItFlags(it, itFlags(it) | ITEM_LINKED);
  statsState.currBytes += ntotalOf(it);
  statsState.currItems++;
  resettable.totalItems++;
  assocInsert(it, hv);
  itemLinkQ(it);
  itemStatsSizesAdd(it);
}

// items.c: do_item_unlink
/** Unlinks an item, so that no lookup finds it. Does nothing if it is not linked. */
export function itemUnlink(it: Ptr, hv: number): void {
  const flags = itFlags(it);
  if ((flags & ITEM_LINKED) === 0) return;
  setItFlags(it, flags & ~ITEM_LINKED);
  statsState.currBytes -= ntotalOf(it);
  statsState.currItems--;
  itemStatsSizesRemove(it);
  assocDelete(it, hv);
  itemUnlinkQ(it);
  itemRemove(it);
}

// items.c: do_item_replace
export function itemReplace(it: Ptr, newIt: Ptr, hv: number): void {
  itemUnlink(it, hv);
  itemLink(newIt, hv);
}

// slabs_mover.c: slab_rebalance_rescue
/**
 * Copies a linked item to `newIt`, which is as large: the copy takes its place in the LRU and in the hash table. `it`
 * is no longer linked, and loses the reference of the link; connections may still read it. (C links the copy anew, so
 * that a moved item becomes young.)
 */
export function itemRelocate(it: Ptr, newIt: Ptr, hv: number): void {
  memcpy(newIt, it, ntotalOf(it));
  setField(newIt, IT_REFCOUNT, 1);
  itemReplaceQ(it, newIt);
  assocReplace(it, newIt, hv);
  setItFlags(it, itFlags(it) & ~ITEM_LINKED);
  setField(it, IT_REFCOUNT, field(it, IT_REFCOUNT) - 1);
}

// items.c: do_item_get
/** The item of a key, without a reference; NULL if there is none. Unlinks a flushed or expired item. */
export function itemGet(key: Ptr, nkey: number, hv: number): Ptr {
  let it = assocFind(key, nkey, hv);
  let found = ITEM_NOT_FOUND;
  if (it !== NULL) {
    const exptime = field(it, IT_EXPTIME);
    found = ITEM_FOUND;
    if (itemIsFlushed(it)) {
      itemUnlink(it, hv);
      it = NULL;
      threadStats.getFlushed++;
      found = ITEM_FLUSHED;
    } else if (exptime !== 0 && exptime <= currentTime) {
      itemUnlink(it, hv);
      it = NULL;
      threadStats.getExpired++;
      found = ITEM_EXPIRED;
    }
  }
  if ((logger.eflags & LOG_FETCHERS) !== 0) logItemGet(found, key, nkey, it);
  return it;
}

// items.c: do_item_bump
/** Counts a hit. Two hits make an item active, so it goes to WARM, not COLD; a flat LRU moves it to the head. */
export function itemBump(it: Ptr): void {
  const flags = itFlags(it);
  if (!settings.lruSegmented) {
    if ((flags & ITEM_FETCHED) === 0) setItFlags(it, flags | ITEM_FETCHED);
    itemUpdate(it);
    return;
  }
  if ((flags & ITEM_ACTIVE) !== 0) return;
  if ((flags & ITEM_FETCHED) === 0) {
    setItFlags(it, flags | ITEM_FETCHED);
    return;
  }
  setItFlags(it, flags | ITEM_ACTIVE);
  if ((lruIdOf(it) & LRU_MASK) === COLD_LRU) itemUpdate(it);
  else setItTime(it);
}

// items.c: do_item_update
/** Notes that an item is in use. Moves it to the head of a flat LRU (once a minute), or from COLD to WARM. */
export function itemUpdate(it: Ptr): void {
  const flags = itFlags(it);
  if ((flags & ITEM_LINKED) === 0) return;
  if (settings.lruSegmented) {
    setItTime(it);
    if ((lruIdOf(it) & LRU_MASK) !== COLD_LRU || (flags & ITEM_ACTIVE) === 0) return;
    itemUnlinkQ(it);
    setItFlags(it, itFlags(it) & ~ITEM_ACTIVE);
    setLruId(it, clsidOf(it) | WARM_LRU);
    itemLinkQ(it);
    itemstats.movesToWarm[lruIdOf(it)]++;
  } else if (field(it, IT_TIME) < currentTime - ITEM_UPDATE_INTERVAL) {
    setItTime(it);
    itemUnlinkQ(it);
    itemLinkQ(it);
  }
}

// items.c: do_item_touch
/** Like itemGet, and gives the item a new expiry by the server's clock. This counts as a hit. */
export function itemTouch(key: Ptr, nkey: number, exptime: number, hv: number): Ptr {
  const it = itemGet(key, nkey, hv);
  if (it === NULL) return NULL;
  itemBump(it);
  setField(it, IT_EXPTIME, exptime);
  return it;
}

// proto_text.c: process_flush_all_command
/**
 * flush_all: flushes all items stored before now, or, once the time `at` of the server's clock has come, all items
 * stored before then; 0 is now. Replaces a flush that is pending.
 */
export function flushAll(at = 0): void {
  if (at > currentTime) {
    flushAt(at);
  } else if (!flushNow()) {
    // Too many flushes in one second for an item to tell them apart.
    for (let id = 0; id < LRUS; id++) {
      for (let it = lruTail(id); it !== NULL; it = lruTail(id)) itemUnlink(it, hashOf(keyOf(it), nkeyOf(it)));
    }
  }
}

// items.c: lru_pull_tail
/**
 * Looks at the tail of an LRU of class `id`. Unlinks expired items there. Moves on a live item if it is active, if its
 * LRU has more than its share of `totalBytes`, or if it is older than `maxAge` seconds. With `evict`, unlinks a live
 * item of COLD. Returns how many items it has unlinked or moved.
 */
export function lruPullTail(id: number, curLru: number, totalBytes: number, evict: boolean, maxAge: number): number {
  const lru = id | curLru;
  let removed = 0;
  let search = lruTail(lru);
  for (let tries = 5; tries > 0 && search !== NULL; tries--) {
    const before = field(search, IT_PREV) >>> 0;
    if (isLocked(search)) {
      search = before;
      continue;
    }
    if (field(search, IT_REFCOUNT) > 1) itemstats.lrutailReflocked[lru]++;
    const exptime = field(search, IT_EXPTIME);
    if ((exptime !== 0 && exptime < currentTime) || itemIsFlushed(search)) {
      itemstats.reclaimed[lru]++;
      if ((itFlags(search) & ITEM_FETCHED) === 0) itemstats.expiredUnfetched[lru]++;
      itemUnlink(search, hashOf(keyOf(search), nkeyOf(search)));
      removed++;
    } else if (curLru === WARM_LRU && (itFlags(search) & ITEM_ACTIVE) !== 0) {
      itemstats.movesWithinLru[lru]++;
      moveTo(search, WARM_LRU);
      removed++;
    } else {
      return removed + pullLive(search, lru, totalBytes, evict, maxAge);
    }
    search = before;
  }
  return removed;
}

/** Moves or evicts the live item at the tail of an LRU. Returns 1 if it did, else 0. */
function pullLive(it: Ptr, lru: number, totalBytes: number, evict: boolean, maxAge: number): number {
  const active = (itFlags(it) & ITEM_ACTIVE) !== 0;
  switch (lru & LRU_MASK) {
    case HOT_LRU:
    case WARM_LRU:
      if (active) {
        itemstats.movesToWarm[lru]++;
        moveTo(it, WARM_LRU);
        return 1;
      }
      if (!isOver(it, lru, totalBytes, maxAge)) return 0;
      itemstats.movesToCold[lru]++;
      moveTo(it, COLD_LRU);
      return 1;
    case COLD_LRU:
      if (evict) {
        if (settings.evictToFree === 0) return 0;
        evictItem(it, lru);
        return 1;
      }
      if (!active || !settings.lruSegmented) return 0;
      itemstats.movesToWarm[lru]++;
      moveTo(it, WARM_LRU);
      return 1;
    default: // TEMP: only expired items go
      return 0;
  }
}

/** Whether a HOT or WARM item is too old, or its LRU too large. */
function isOver(it: Ptr, lru: number, totalBytes: number, maxAge: number): boolean {
  const percent = (lru & LRU_MASK) === HOT_LRU ? settings.hotLruPct : settings.warmLruPct;
  return lruBytes(lru) > Math.floor(totalBytes * percent / 100) || currentTime - field(it, IT_TIME) > maxAge;
}

/** Moves an item to the head of LRU `lru` of its class, and makes it inactive. */
function moveTo(it: Ptr, lru: number): void {
  itemUnlinkQ(it);
  setItFlags(it, itFlags(it) & ~ITEM_ACTIVE);
  setLruId(it, clsidOf(it) | lru);
  itemLinkQ(it);
}

/** With `slabs automove 2`, each eviction calls this function with the class. */
let wantsPage: (id: number) => void = () => undefined;

/** With `slabs automove 2`, each eviction calls `wanted` with the class of the evicted item. */
export function onEviction(wanted: (id: number) => void): void {
  wantsPage = wanted;
}

/** Unlinks a live item of LRU `lru` to make room. */
export function evictItem(it: Ptr, lru: number): void {
  itemstats.evicted[lru]++;
  itemstats.evictedTime[lru] = currentTime - field(it, IT_TIME);
  if (field(it, IT_EXPTIME) !== 0) itemstats.evictedNonzero[lru]++;
  if ((itFlags(it) & ITEM_FETCHED) === 0) itemstats.evictedUnfetched[lru]++;
  if ((itFlags(it) & ITEM_ACTIVE) !== 0) itemstats.evictedActive[lru]++;
  if ((logger.eflags & LOG_EVICTIONS) !== 0) logEviction(it);
  itemUnlink(it, hashOf(keyOf(it), nkeyOf(it)));
  if (settings.slabAutomove === 2) wantsPage(lru & CLASS_MASK);
}

// items.c: lru_maintainer_juggle
/**
 * Moves on items of a class, about `most` at most, so that HOT and WARM have no more than their shares, and active
 * items of COLD go to WARM; unlinks expired items at the tails. With a flat LRU, all items go to COLD. Returns how
 * many items it has moved or unlinked: 0 for a class that is in order.
 */
export function lruMaintainerJuggle(id: number, most = JUGGLES_MAX): number {
  let moves = 0;
  if (settings.tempLru) {
    for (let more = 1; more > 0 && moves < most; moves += more) more = lruPullTail(id, TEMP_LRU, 0, false, 0);
  }
  const segmented = settings.lruSegmented;
  let totalBytes = 0, hotAge = 0, warmAge = 0;
  if (segmented) {
    const coldAge = lruAge(id | COLD_LRU);
    hotAge = Math.trunc(coldAge * settings.hotMaxFactor);
    warmAge = Math.trunc(coldAge * settings.warmMaxFactor);
    totalBytes = lruBytes(id | HOT_LRU) + lruBytes(id | WARM_LRU) + lruBytes(id | COLD_LRU);
  }
  for (let more = 1; more > 0 && moves < most; moves += more) {
    more = lruPullTail(id, HOT_LRU, totalBytes, false, hotAge);
    if (more === 0) more = lruPullTail(id, WARM_LRU, totalBytes, false, warmAge);
    if (segmented) more += lruPullTail(id, COLD_LRU, totalBytes, false, 0);
  }
  return moves;
}

/** `lru mode`: whether classes have HOT, WARM and COLD LRUs. If turned off, items move to COLD little by little. */
export function lruModeSet(segmented: boolean): void {
  settings.lruSegmented = segmented;
}
