// crawler.c: walks over items, in steps: along the LRUs to free expired items, and to count those that will expire;
// along the hash table to list the keys. Unlike in C, the table may grow during a walk: an item that stays in it is
// visited exactly once.
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { assocBucket, assocBuckets, hashOf } from './assoc';
import { currentTime } from './clock';
import { itemIsFlushed } from './flush';
import { itemUnlink } from './items';
import { crawlFromTail, crawlOn, itemstats } from './lru';
import {
  COLD_LRU, HOT_LRU, IT_EXPTIME, IT_H_NEXT, IT_REFCOUNT, ITEM_FETCHED, LRUS, MAX_NUMBER_OF_SLAB_CLASSES, TEMP_LRU,
  WARM_LRU, field, itFlags, keyOf, nkeyOf, resettable, statsState,
} from './memcached.h';
import { settings } from './settings';
import { beginStep, stepIsOver } from './step_time';

/** Maximum number of buckets per step. */
export const BUCKETS_AT_ONCE = 2048;

/** The classes that a walk is for: 1 at the number of each. */
export type Classes = Uint8Array;

// crawler.c: lru_crawler_crawl
/** Parses `all`, or class numbers separated by commas; null if one of them is not a class. */
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

/** A walk over the buckets that exist when it begins. */
export class HashWalk {
  private readonly count = assocBuckets();
  /** The largest power of two up to `count`: its log2 is the number of hash bits of a bucket that is not split. */
  private readonly base = 1 << (31 - Math.clz32(this.count));
  private at = 0;
  /** A current bucket, in which items of the initial bucket `at` can be. */
  private now = 0;

  /** Whether all buckets are done. */
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

  /** `it`; if NULL, the first item of the next bucket that was split off bucket `at`. */
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

/** Whether an item has expired or was flushed. */
export function isGone(it: Ptr): boolean {
  const exptime = field(it, IT_EXPTIME);
  return (exptime !== 0 && exptime < currentTime) || itemIsFlushed(it);
}

// The crawler, which frees expired items.

/** The LRUs that a crawl is for: 1 at the number of each. */
export type Lrus = Uint8Array;

/** Live items are counted by the minutes that they have left: 0 to 59, and 60 for an hour or more. */
export const HISTO_MINUTES = 61;

/** crawlerstats_t: the results of the last crawl along each LRU. */
export const crawlerstats = {
  /** Live items with an expiry, by LRU and, within it, by minutes left. */
  histo: new Uint32Array(LRUS * HISTO_MINUTES),
  /** Live items. */
  seen: new Uint32Array(LRUS),
  /** Live items that never expire. */
  noexp: new Uint32Array(LRUS),
  /** How many items the crawl has freed, and when it began and ended, in seconds of the server's clock. */
  reclaimed: new Uint32Array(LRUS),
  startTime: new Uint32Array(LRUS),
  endTime: new Uint32Array(LRUS),
  /** 1 when the crawl is complete, until the LRU maintainer has read this. */
  runComplete: new Uint8Array(LRUS),
};

/** Seconds without automatic crawls, after a client or the maintainer found a crawl running and could not start one. */
const BLOCK_AUTOMATIC = 60;

/** Minimum sleep between steps of an automatic crawl, in microseconds: it can wait, and clients need the processor. */
const AUTOMATIC_SLEEP_MIN = 1000;

/** Items between two checks of the time. */
const ITEMS_PER_LOOK = 20;

const crawlevent = new Event();
/** The LRUs that the crawl has not finished. */
const todo: Lrus = new Uint8Array(LRUS);
/** How many more items the crawl may visit in each LRU. */
const remaining = new Float64Array(LRUS);
/** The LRU that is being crawled; -1 if there is no crawl. */
let at = -1;
/** Whether the maintainer began the crawl. */
let automatic = false;
let blockedUntil = 0;
/** How many dumps are running. */
let dumps = 0;

/** Resets to no crawl and no dump. */
export function initLruCrawler(): void {
  todo.fill(0);
  for (const counts of Object.values(crawlerstats)) counts.fill(0);
  at = -1;
  blockedUntil = 0;
  dumps = 0;
  noteRunning();
}

// crawler.c: start_item_crawler_thread
/** -1 if the crawler was started already. */
export function startItemCrawlerThread(): number {
  if (settings.lruCrawler) return -1;
  settings.lruCrawler = true;
  return 0;
}

// crawler.c: stop_item_crawler_thread
/** A crawl that has begun goes on to its end. */
export function stopItemCrawlerThread(): void {
  settings.lruCrawler = false;
}

function noteRunning(): void {
  statsState.lruCrawlerRunning = at !== -1 || dumps > 0;
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

/** All LRUs of these classes. */
export function lrusOf(classes: Classes): Lrus {
  const lrus = new Uint8Array(LRUS);
  for (const kind of [HOT_LRU, WARM_LRU, COLD_LRU, TEMP_LRU]) lrus.set(classes, kind);
  return lrus;
}

// crawler.c: lru_crawler_start
/**
 * Begins to crawl these LRUs, at most `most` items of each; 0 for all. False if a crawl is running already, or if
 * automatic crawls (`byItself`) are blocked. But an automatic crawl joins a running automatic one.
 */
export function crawl(lrus: Lrus, most: number, byItself = false): boolean {
  if (at !== -1 && !(byItself && automatic)) {
    blockedUntil = currentTime + BLOCK_AUTOMATIC;
    return false;
  }
  if (byItself && blockedUntil > currentTime) return false;
  let starts = 0;
  for (let lru = 0; lru < LRUS; lru++) {
    if (lrus[lru] === 0 || todo[lru] !== 0) continue;
    todo[lru] = 1;
    crawlerstats.startTime[lru] = currentTime;
    remaining[lru] = most === 0 ? Infinity : most;
    starts++;
  }
  if (starts === 0) return true;
  resettable.lruCrawlerStarts++;
  if (at !== -1) return true;
  automatic = byItself;
  nextLru();
  noteRunning();
  evtimerSet(crawlevent, itemCrawlerThread, null);
  itemCrawlerThread();
  return true;
}

/** Goes to the first LRU that is not finished. */
function nextLru(): void {
  at = todo.indexOf(1);
  if (at === -1) return;
  crawlerstats.seen[at] = crawlerstats.noexp[at] = crawlerstats.reclaimed[at] = 0;
  crawlerstats.histo.fill(0, at * HISTO_MINUTES, (at + 1) * HISTO_MINUTES);
  crawlFromTail(at);
}

// crawler.c: lru_crawler_class_done
function lruDone(): void {
  todo[at] = 0;
  crawlerstats.runComplete[at] = 1;
  crawlerstats.endTime[at] = currentTime;
  nextLru();
}

// crawler.c: item_crawler_thread
function itemCrawlerThread(): void {
  beginStep();
  for (let items = settings.crawlsPersleep; items > 0 && at !== -1; items--) {
    const it = crawlOn();
    if (it === NULL || remaining[at]-- <= 0) lruDone();
    else crawlItem(it, at);
    if (items % ITEMS_PER_LOOK === 0 && stepIsOver()) break;
  }
  if (at === -1) {
    noteRunning();
    return;
  }
  const sleep = Math.min(settings.lruCrawlerSleep, 999_999);
  evtimerAdd(crawlevent, { tvSec: 0, tvUsec: automatic ? Math.max(sleep, AUTOMATIC_SLEEP_MIN) : sleep });
}

function crawlItem(it: Ptr, lru: number): void {
  if (field(it, IT_REFCOUNT) > 1) return;
  itemstats.crawlerItemsChecked[lru]++;
  crawlerExpiredEval(it, lru);
}

// crawler.c: crawler_expired_eval
function crawlerExpiredEval(it: Ptr, lru: number): void {
  const exptime = field(it, IT_EXPTIME);
  if (isGone(it)) {
    itemstats.crawlerReclaimed[lru]++;
    crawlerstats.reclaimed[lru]++;
    if ((itFlags(it) & ITEM_FETCHED) === 0 && !itemIsFlushed(it)) itemstats.expiredUnfetched[lru]++;
    itemUnlink(it, hashOf(keyOf(it), nkeyOf(it)));
    return;
  }
  crawlerstats.seen[lru]++;
  if (exptime === 0) {
    crawlerstats.noexp[lru]++;
  } else {
    const minutes = Math.floor((exptime - currentTime) / 60);
    crawlerstats.histo[lru * HISTO_MINUTES + Math.min(minutes, HISTO_MINUTES - 1)]++;
  }
}
