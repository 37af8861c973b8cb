// crawler.c: walks over all items, in steps: to free what has expired, and to list the keys.
//
// C walks along the LRUs, or along a hash table that must not grow meanwhile. Here, every walk is along the hash table,
// which may grow: an item that is there all the time is met exactly once.
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { assocBucket, assocBuckets, hashOf } from './assoc';
import { currentTime } from './clock';
import { itemIsFlushed } from './flush';
import { itemUnlink } from './items';
import { itemstats } from './lru';
import {
  IT_EXPTIME, IT_H_NEXT, IT_REFCOUNT, ITEM_FETCHED, LRUS, MAX_NUMBER_OF_SLAB_CLASSES, clsidOf, field, itFlags, keyOf,
  lruIdOf, nkeyOf, resettable, statsState,
} from './memcached.h';
import { settings } from './settings';

/** Buckets that are looked at in one step, at most. */
export const BUCKETS_AT_ONCE = 2048;

/** Which classes a walk is for: 1 for each of them, by number. */
export type Classes = Uint8Array;

// crawler.c: lru_crawler_crawl
/** `all`, or class numbers with commas between; null if one of them is none. */
export function parseClasses(text: string): Classes | null {
  const classes = new Uint8Array(MAX_NUMBER_OF_SLAB_CLASSES);
  if (text === 'all') return classes.fill(1);
  for (const word of text.split(',').filter((part) => part !== '')) {
    const id = /^\d{1,9}$/.test(word) ? Number(word) : 0;
    if (id < 1 || id >= MAX_NUMBER_OF_SLAB_CLASSES) return null;
    classes[id] = 1;
  }
  return classes;
}

/** A walk over the buckets that there are when it begins. */
export class HashWalk {
  private readonly count = assocBuckets();
  /** The largest power of two that is not above `count`: so many buckets less a bit of the hash tells apart. */
  private readonly base = 1 << (31 - Math.clz32(this.count));
  private at = 0;
  /** A bucket now, where items of the bucket `at` can be. */
  private now = 0;

  /** All buckets are done. */
  get over(): boolean {
    return this.at >= this.count;
  }

  advance(): void {
    this.at++;
  }

  /** The first item of the bucket, or NULL. */
  first(): Ptr {
    this.now = this.at;
    return this.orLater(assocBucket(this.now));
  }

  /** The item after `it`, or NULL. */
  next(it: Ptr): Ptr {
    return this.orLater(field(it, IT_H_NEXT) >>> 0);
  }

  /** `it`, or else the first item of those buckets that were split off this one. */
  private orLater(it: Ptr): Ptr {
    const split = this.at % this.base < this.count - this.base;
    const period = split ? 2 * this.base : this.base;
    let found = it;
    while (found === NULL && this.now + period < assocBuckets()) {
      this.now += period;
      found = assocBucket(this.now);
    }
    return found;
  }
}

/** Whether clients do not get an item any more. */
export function isGone(it: Ptr): boolean {
  const exptime = field(it, IT_EXPTIME);
  return (exptime !== 0 && exptime < currentTime) || itemIsFlushed(it);
}

// The crawler: frees what has expired.

const crawlevent = new Event();
let walk: HashWalk | null = null;
let wanted: Classes = new Uint8Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** By LRU, how many more items are looked at. */
const remaining = new Float64Array(LRUS);
/** How many dumps are under way. */
let dumps = 0;

/** Nothing is under way. */
export function initLruCrawler(): void {
  walk = null;
  dumps = 0;
  noteRunning();
}

// crawler.c: start_item_crawler_thread
/** -1 if it was started already. */
export function startItemCrawlerThread(): number {
  if (settings.lruCrawler) return -1;
  settings.lruCrawler = true;
  return 0;
}

// crawler.c: stop_item_crawler_thread
/** What it has begun it finishes. */
export function stopItemCrawlerThread(): void {
  settings.lruCrawler = false;
}

function noteRunning(): void {
  statsState.lruCrawlerRunning = walk !== null || dumps > 0;
}

export function dumpStarted(): void {
  dumps++;
  resettable.lruCrawlerStarts++;
  noteRunning();
}

export function dumpEnded(): void {
  dumps--;
  noteRunning();
}

// crawler.c: lru_crawler_start
/** Begins to crawl, `most` items of each LRU of these classes at most; 0 for all. False if it is crawling already. */
export function crawl(classes: Classes, most: number): boolean {
  if (walk !== null) return false;
  walk = new HashWalk();
  wanted = classes;
  remaining.fill(most === 0 ? Infinity : most);
  resettable.lruCrawlerStarts++;
  noteRunning();
  evtimerSet(crawlevent, step, null);
  step();
  return true;
}

// crawler.c: item_crawler_thread
function step(): void {
  if (walk === null) return;
  let items = settings.crawlsPersleep;
  for (let n = 0; n < BUCKETS_AT_ONCE && items > 0 && !walk.over; n++) {
    let it = walk.first();
    while (it !== NULL) {
      const next = walk.next(it);
      crawlItem(it);
      it = next;
      items--;
    }
    walk.advance();
  }
  if (walk.over) {
    walk = null;
    noteRunning();
  } else {
    evtimerAdd(crawlevent, { tvSec: 0, tvUsec: Math.min(settings.lruCrawlerSleep, 999_999) });
  }
}

// crawler.c: crawler_expired_eval
function crawlItem(it: Ptr): void {
  const lru = lruIdOf(it);
  if (wanted[clsidOf(it)] === 0 || remaining[lru] <= 0 || field(it, IT_REFCOUNT) > 1) return;
  remaining[lru]--;
  itemstats.crawlerItemsChecked[lru]++;
  if (!isGone(it)) return;
  itemstats.crawlerReclaimed[lru]++;
  if ((itFlags(it) & ITEM_FETCHED) === 0 && !itemIsFlushed(it)) itemstats.expiredUnfetched[lru]++;
  itemUnlink(it, hashOf(keyOf(it), nkeyOf(it)));
}
