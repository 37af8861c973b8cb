// items.c: statistics of items: `stats items`, the totals in `stats`, and `stats cachedump`. Names and their order are
// C's. Each function passes its results to a callback, and so knows no protocol.
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { itemstats, lruAge, lruBytes, lruHead, lruSize } from './lru';
import {
  COLD_LRU, HOT_LRU, ITEM_KEY_BINARY, IT_NEXT, MAX_NUMBER_OF_SLAB_CLASSES, TEMP_LRU, WARM_LRU, field, itFlags,
  lruHits,
} from './memcached.h';
import { settings } from './settings';

type AddStat = (name: string, value: number) => void;

function ofClass(counts: Float64Array, id: number): number {
  return counts[id | HOT_LRU] + counts[id | WARM_LRU] + counts[id | COLD_LRU] + counts[id | TEMP_LRU];
}

function ofAll(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** How many items a class has. */
export function itemsOfClass(id: number): number {
  return lruSize(id | HOT_LRU) + lruSize(id | WARM_LRU) + lruSize(id | COLD_LRU) + lruSize(id | TEMP_LRU);
}

/** Bytes of all items of a class, with headers. */
export function bytesOfClass(id: number): number {
  return lruBytes(id | HOT_LRU) + lruBytes(id | WARM_LRU) + lruBytes(id | COLD_LRU) + lruBytes(id | TEMP_LRU);
}

// items.c: item_stats
/** The lines of `stats items` about a class: none if it has no item. */
export function itemStats(id: number, add: AddStat): void {
  const number = itemsOfClass(id);
  if (number === 0) return;
  const maintained = settings.lruMaintainerThread;
  add('number', number);
  if (maintained) {
    add('number_hot', lruSize(id | HOT_LRU));
    add('number_warm', lruSize(id | WARM_LRU));
    add('number_cold', lruSize(id | COLD_LRU));
    if (settings.tempLru) add('number_temp', lruSize(id | TEMP_LRU));
    add('age_hot', lruAge(id | HOT_LRU));
    add('age_warm', lruAge(id | WARM_LRU));
  }
  add('age', lruAge(id | COLD_LRU));
  add('mem_requested', bytesOfClass(id));
  add('evicted', ofClass(itemstats.evicted, id));
  add('evicted_nonzero', ofClass(itemstats.evictedNonzero, id));
  add('evicted_time', itemstats.evictedTime[id | COLD_LRU]);
  add('outofmemory', ofClass(itemstats.outofmemory, id));
  add('tailrepairs', ofClass(itemstats.tailrepairs, id));
  add('reclaimed', ofClass(itemstats.reclaimed, id));
  add('expired_unfetched', ofClass(itemstats.expiredUnfetched, id));
  add('evicted_unfetched', ofClass(itemstats.evictedUnfetched, id));
  if (maintained) add('evicted_active', ofClass(itemstats.evictedActive, id));
  add('crawler_reclaimed', ofClass(itemstats.crawlerReclaimed, id));
  add('crawler_items_checked', ofClass(itemstats.crawlerItemsChecked, id));
  add('lrutail_reflocked', ofClass(itemstats.lrutailReflocked, id));
  if (!maintained) return;
  add('moves_to_cold', ofClass(itemstats.movesToCold, id));
  add('moves_to_warm', ofClass(itemstats.movesToWarm, id));
  add('moves_within_lru', ofClass(itemstats.movesWithinLru, id));
  add('direct_reclaims', ofClass(itemstats.directReclaims, id));
  add('hits_to_hot', lruHits[id | HOT_LRU]);
  add('hits_to_warm', lruHits[id | WARM_LRU]);
  add('hits_to_cold', lruHits[id | COLD_LRU]);
  add('hits_to_temp', lruHits[id | TEMP_LRU]);
}

// items.c: item_stats_totals
/** The lines of `stats` about the items of all classes. */
export function itemStatsTotals(add: AddStat): void {
  const maintained = settings.lruMaintainerThread;
  add('expired_unfetched', ofAll(itemstats.expiredUnfetched));
  add('evicted_unfetched', ofAll(itemstats.evictedUnfetched));
  if (maintained) add('evicted_active', ofAll(itemstats.evictedActive));
  add('evictions', ofAll(itemstats.evicted));
  add('reclaimed', ofAll(itemstats.reclaimed));
  add('crawler_reclaimed', ofAll(itemstats.crawlerReclaimed));
  add('crawler_items_checked', ofAll(itemstats.crawlerItemsChecked));
  add('lrutail_reflocked', ofAll(itemstats.lrutailReflocked));
  if (!maintained) return;
  add('moves_to_cold', ofAll(itemstats.movesToCold));
  add('moves_to_warm', ofAll(itemstats.movesToWarm));
  add('moves_within_lru', ofAll(itemstats.movesWithinLru));
  add('direct_reclaims', ofAll(itemstats.directReclaims));
  add('lru_bumps_dropped', 0); // a hit moves its item at once: there is no queue that could be full
}

// items.c: item_cachedump
/**
 * Calls `show` for items of the COLD LRU of a class, from its head, until it has shown `limit` items (0 for all), or
 * `show` returns false. Skips items with binary keys.
 */
export function itemCachedump(id: number, limit: number, show: (it: Ptr) => boolean): void {
  if (id >= MAX_NUMBER_OF_SLAB_CLASSES) return;
  let shown = 0;
  for (let it = lruHead(id | COLD_LRU); it !== NULL; it = field(it, IT_NEXT) >>> 0) {
    if ((itFlags(it) & ITEM_KEY_BINARY) !== 0) continue;
    if (!show(it)) return;
    shown++;
    if (shown === limit) return;
  }
}

/** The numbers by which the page mover decides which class needs a page. */
export interface ItemStatsAutomove {
  evicted: number;
  outofmemory: number;
  /** Seconds since the item at the tail of COLD was stored or bumped. */
  age: number;
}

// items.c: fill_item_stats_automove
export function itemStatsAutomove(id: number): ItemStatsAutomove {
  return {
    evicted: itemstats.evicted[id | COLD_LRU],
    outofmemory: itemstats.outofmemory[id | HOT_LRU],
    age: lruAge(id | COLD_LRU),
  };
}
