// crawler.c: walks over items, in steps: along the LRUs to free what has expired, and to count what will; along the
// hash table to list the keys. That may grow meanwhile, as it may not in C: an item that is there all the time is met
// exactly once.
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

/** Which LRUs a crawl is for: 1 for each of them, by number. */
export type Lrus = Uint8Array;

/** Unexpired items are counted by the minutes that they have left: 0 to 59, and what has an hour in 60. */
export const HISTO_MINUTES = 61;

/** crawlerstats_t, by LRU: what the last crawl along it has found. */
export const crawlerstats = {
  /** Live items with an expiry, by LRU and, within it, by minutes left. */
  histo: new Uint32Array(LRUS * HISTO_MINUTES),
  /** Live items. */
  seen: new Uint32Array(LRUS),
  /** Those of them that never expire. */
  noexp: new Uint32Array(LRUS),
  /** How many it has freed, and from when until when it went: in seconds of the server's clock. */
  reclaimed: new Uint32Array(LRUS),
  startTime: new Uint32Array(LRUS),
  endTime: new Uint32Array(LRUS),
  /** 1 when the crawl is through, until somebody has read this. */
  runComplete: new Uint8Array(LRUS),
};

/** An automatic crawl waits so long after one that a client wanted meanwhile, in seconds. */
const BLOCK_AUTOMATIC = 60;

/** And it sleeps at least as long between steps, in microseconds: it is in no hurry, and clients need the processor. */
const AUTOMATIC_SLEEP_MIN = 1000;

/** Items between two looks at the time. */
const ITEMS_PER_LOOK = 20;

const crawlevent = new Event();
/** Where the crawl still has to go. */
const todo: Lrus = new Uint8Array(LRUS);
/** By LRU, how many more items are looked at. */
const remaining = new Float64Array(LRUS);
/** The LRU that it is at; -1 while there is no crawl. */
let at = -1;
/** Whether it began by itself. */
let automatic = false;
let blockedUntil = 0;
/** How many dumps are under way. */
let dumps = 0;

/** Nothing is under way. */
export function initLruCrawler(): void {
  todo.fill(0);
  for (const counts of Object.values(crawlerstats)) counts.fill(0);
  at = -1;
  blockedUntil = 0;
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
 * Begins to crawl, `most` items of each of these LRUs at most; 0 for all. False if it is crawling already; but a crawl
 * that begins by itself joins one that began so.
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

/** To the first LRU that is still to be done. */
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
