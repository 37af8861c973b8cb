// items.c: the LRU lists and their counters. Each slab class has four lists, HOT, WARM, COLD and TEMP, from the item
// linked last (the head) to the item linked first (the tail). An LRU's number is its class with two bits above.
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { currentTime } from './clock';
import { IT_NEXT, IT_PREV, IT_TIME, LRUS, field, lruIdOf, ntotalOf, setField } from './memcached.h';

/** The first and the last item, or NULL, as signed words. */
const heads = new Int32Array(LRUS);
const tails = new Int32Array(LRUS);
/** The number of items, and their bytes with headers. */
const sizes = new Uint32Array(LRUS);
const sizesBytes = new Float64Array(LRUS);
/** The item that the crawler looks at next, or NULL, as a signed word. */
const crawling = new Int32Array(1);

/** itemstats_t, by LRU. */
export const itemstats = {
  evicted: new Float64Array(LRUS),
  evictedNonzero: new Float64Array(LRUS),
  reclaimed: new Float64Array(LRUS),
  outofmemory: new Float64Array(LRUS),
  tailrepairs: new Float64Array(LRUS),
  /** Reclaimed items that no client had fetched. */
  expiredUnfetched: new Float64Array(LRUS),
  /** Evicted items that no client had fetched. */
  evictedUnfetched: new Float64Array(LRUS),
  /** Evicted items that were active, so due to move to WARM. */
  evictedActive: new Float64Array(LRUS),
  crawlerReclaimed: new Float64Array(LRUS),
  crawlerItemsChecked: new Float64Array(LRUS),
  lrutailReflocked: new Float64Array(LRUS),
  movesToCold: new Float64Array(LRUS),
  movesToWarm: new Float64Array(LRUS),
  movesWithinLru: new Float64Array(LRUS),
  directReclaims: new Float64Array(LRUS),
  /** For the last evicted item, the seconds since it was stored or bumped. */
  evictedTime: new Float64Array(LRUS),
};

/** Empties all lists, and sets all counters to 0. */
export function lruInit(): void {
  heads.fill(NULL);
  tails.fill(NULL);
  sizes.fill(0);
  sizesBytes.fill(0);
  crawling[0] = NULL;
  itemStatsReset();
}

// items.c: item_stats_reset
export function itemStatsReset(): void {
  for (const counts of Object.values(itemstats)) counts.fill(0);
}

// items.c: do_item_link_q
/** Puts an item at the head of its LRU (lruIdOf). */
export function itemLinkQ(it: Ptr): void {
  const id = lruIdOf(it);
  const head = heads[id];
  setField(it, IT_PREV, NULL);
  setField(it, IT_NEXT, head);
  if (head !== NULL) setField(head >>> 0, IT_PREV, it | 0);
  else tails[id] = it | 0;
  heads[id] = it | 0;
  sizes[id]++;
  sizesBytes[id] += ntotalOf(it);
}

// items.c: do_item_unlink_q
export function itemUnlinkQ(it: Ptr): void {
  const id = lruIdOf(it);
  const next = field(it, IT_NEXT);
  const prev = field(it, IT_PREV);
  if (crawling[0] === (it | 0)) crawling[0] = prev;
  if (prev === NULL) heads[id] = next;
  else setField(prev >>> 0, IT_NEXT, next);
  if (next === NULL) tails[id] = prev;
  else setField(next >>> 0, IT_PREV, prev);
  sizes[id]--;
  sizesBytes[id] -= ntotalOf(it);
}

/** Puts `newIt`, a copy of `it`, in the place of `it` in its LRU. */
export function itemReplaceQ(it: Ptr, newIt: Ptr): void {
  const id = lruIdOf(it);
  const next = field(it, IT_NEXT), prev = field(it, IT_PREV);
  if (crawling[0] === (it | 0)) crawling[0] = newIt | 0;
  if (prev === NULL) heads[id] = newIt | 0;
  else setField(prev >>> 0, IT_NEXT, newIt | 0);
  if (next === NULL) tails[id] = newIt | 0;
  else setField(next >>> 0, IT_PREV, newIt | 0);
}

/** The item linked last, or NULL; follow IT_NEXT. */
export function lruHead(id: number): Ptr {
  return heads[id] >>> 0;
}

/** The item linked first, or NULL; follow IT_PREV. */
export function lruTail(id: number): Ptr {
  return tails[id] >>> 0;
}

// items.c: do_item_linktail_q
/** Starts the crawler at the tail of an LRU. It crawls one LRU at a time. */
export function crawlFromTail(id: number): void {
  crawling[0] = tails[id];
}

// items.c: do_item_crawl_q
/**
 * The next item of that LRU toward its head, or NULL. Items may be linked and unlinked meanwhile. (C's crawler is an
 * item itself, and moves up in the list.)
 */
export function crawlOn(): Ptr {
  const it = crawling[0] >>> 0;
  if (it !== NULL) crawling[0] = field(it, IT_PREV);
  return it;
}

// items.c: do_get_lru_size
/** How many items an LRU has. */
export function lruSize(id: number): number {
  return sizes[id];
}

/** Bytes of all items of an LRU, with headers. */
export function lruBytes(id: number): number {
  return sizesBytes[id];
}

/** Seconds since the tail item of an LRU was stored or bumped; 0 for an empty LRU. */
export function lruAge(id: number): number {
  return tails[id] === NULL ? 0 : currentTime - field(tails[id] >>> 0, IT_TIME);
}
