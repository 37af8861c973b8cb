// items.c: an item's life, from its allocation, for which others may have to go, to its last reference.
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
/** To find memory for an item, we look at the end of an LRU so many times. */
const PULLS_MAX = 10;
/** How many items the LRU maintainer moves on in one go. */
const JUGGLES_MAX = 500;
/**
 * With every so many allocations of a class, and with the first in a second, some of its items are moved on or found to
 * have expired, for the maintainer may be late.
 */
const JUGGLE_INTERVAL = 16;
const INLINE_JUGGLES_MAX = 40;
const allocations = new Uint8Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** By class, when that was done last. */
const juggled = new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES);

/** The cas number that was given last, as signed words. */
let casHi = 0, casLo = 1;

/** No items. Call it after memoryInit. */
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
/** Gives an item the next cas number; 0 with -C. */
export function nextCas(it: Ptr): void {
  if (!settings.useCas) return;
  casLo = (casLo + 1) | 0;
  if (casLo === 0) casHi = (casHi + 1) | 0;
  setField(it, IT_CAS_LO, casLo);
  setField(it, IT_CAS_HI, casHi);
}

/** The cas number that was given last. */
export function casId(): bigint {
  return (BigInt(casHi >>> 0) << 32n) | BigInt(casLo >>> 0);
}

// items.c: set_cas_id
export function setCasId(cas: bigint): void {
  casHi = Number(BigInt.asIntN(32, cas >> 32n));
  casLo = Number(BigInt.asIntN(32, cas));
}

/** Gives an item that cas number; none with -C. */
export function setCas(it: Ptr, hi: number, lo: number): void {
  if (!settings.useCas) return;
  setField(it, IT_CAS_LO, lo);
  setField(it, IT_CAS_HI, hi);
}

// items.c: item_make_header
/** Bytes of an item with its header; `nbytes` is its data with their \r\n. */
export function itemSize(nkey: number, flags: number, nbytes: number): number {
  return SIZEOF_ITEM + (flags === 0 ? 0 : 4) + nkey + 1 + nbytes;
}

// items.c: item_size_ok
/** Whether such an item may be stored at all: if itemAlloc fails then, there is no memory. */
export function itemSizeOk(nkey: number, flags: number, nbytes: number): boolean {
  return slabsClsid(itemSize(nkey, flags, nbytes)) !== 0;
}

/** How many items of class `id` may go to make room for another. */
function evictable(id: number): number {
  return lruSize(id | HOT_LRU) + lruSize(id | WARM_LRU) + lruSize(id | COLD_LRU);
}

// items.c: do_item_alloc_pull
function itemAllocPull(ntotal: number, id: number): Ptr {
  const large = ntotal > settings.slabChunkSizeMax;
  if (large && !slabsLargeFits(ntotal)) return NULL;
  // A large item may take the place of many. No item is moved to make one hole of several: when enough is free, but not
  // in one piece, the next of the class goes, until the hole is there. And many large items may have to go for a page,
  // when other classes have got theirs above the limit.
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
    // C leaves WARM to its maintainer, which here may not have had its turn.
    if (lruPullTail(id, HOT_LRU, 0, false, 0) === 0) lruPullTail(id, WARM_LRU, 0, false, 0);
  }
  if (i > 0) itemstats.directReclaims[id] += i;
  return it;
}

// items.c: do_item_alloc
/**
 * An item that is not linked yet, with room for `nbytes` of data (\r\n included); its one reference is the caller's.
 * `exptime` is by the server's clock. NULL if it is too large, or there is no memory.
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
/** Frees an item that was never linked, or is not any more. */
export function itemFree(it: Ptr): void {
  slabsFree(it, clsidOf(it));
}

/** Takes a reference: the item stays as it is, whatever becomes of its key. */
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
/** Makes an item findable, with a new cas number. There must be no other item of its key. */
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
/** Makes an item findable as it was before a restart. Its one reference is that of the link. */
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
/** Makes it findable no more. Nothing happens if it is not. */
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
 * Moves a linked item to `newIt`, which is as large as it: the copy takes its place in the LRU and in the hash table.
 * `it` is linked no more, and has lost the reference of the link; others may still read it. (C links the copy anew, so
 * that an item becomes young by being moved.)
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
/** The item of a key, without a reference; NULL if there is none. One that is flushed or expired is unlinked here. */
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
/** A client was given the item. Two such hits make it active, which saves it; a flat LRU moves it to the head. */
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
/** Notes that an item is in use. It moves to the head of its LRU (flat, once a minute), or from COLD to WARM. */
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
/** The item of a key, as itemGet gives it, with a new expiry by the server's clock; it counts as a hit. */
export function itemTouch(key: Ptr, nkey: number, exptime: number, hv: number): Ptr {
  const it = itemGet(key, nkey, hv);
  if (it === NULL) return NULL;
  itemBump(it);
  setField(it, IT_EXPTIME, exptime);
  return it;
}

// proto_text.c: process_flush_all_command
/**
 * flush_all: all items are gone that were stored before now, or before the time `at` of the server's clock, once that
 * has come; 0 is now. It replaces a flush that is still to come.
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
 * Looks at the end of an LRU of class `id`. Items there that have expired are unlinked. A live one is moved on, if it
 * is active, if its LRU has more than its share of `totalBytes`, or if it is older than `maxAge` seconds. In COLD, it
 * is unlinked if `evict` says so. Returns how many were unlinked or moved.
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

/** The item at the end of an LRU is live: 1 if it is moved or evicted. */
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
    default: // TEMP: only what has expired goes
      return 0;
  }
}

/** Whether a HOT or WARM item is too old, or its LRU too large. */
function isOver(it: Ptr, lru: number, totalBytes: number, maxAge: number): boolean {
  const percent = (lru & LRU_MASK) === HOT_LRU ? settings.hotLruPct : settings.warmLruPct;
  return lruBytes(lru) > Math.floor(totalBytes * percent / 100) || currentTime - field(it, IT_TIME) > maxAge;
}

/** Puts an item to the head of that LRU of its class; it is not active any more. */
function moveTo(it: Ptr, lru: number): void {
  itemUnlinkQ(it);
  setItFlags(it, itFlags(it) & ~ITEM_ACTIVE);
  setLruId(it, clsidOf(it) | lru);
  itemLinkQ(it);
}

/** With `slabs automove 2`, what is called at each eviction, with the class. */
let wantsPage: (id: number) => void = () => undefined;

/** From now on, `wanted` is called with the class of each item that is evicted, with `slabs automove 2`. */
export function onEviction(wanted: (id: number) => void): void {
  wantsPage = wanted;
}

/** Unlinks a live item of that LRU to make room. */
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
 * Moves items of a class on, about `most` at most, so that HOT and WARM have no more than their shares, and active
 * items of COLD are saved; what has expired at the ends is unlinked. With a flat LRU, all goes to COLD. Returns how
 * many items were moved or unlinked: 0 for a class that is in order.
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

/** `lru mode`: whether classes have HOT, WARM and COLD LRUs. Turned off, items move to COLD little by little. */
export function lruModeSet(segmented: boolean): void {
  settings.lruSegmented = segmented;
}
