// items.c: the LRU maintainer. Between requests, it moves items on from HOT and WARM, frees what has expired at the
// ends of the LRUs, and decides when the crawler looks for expired items everywhere.
//
// C has a thread for it. Here, it has a timer: at each step it does what takes well under a millisecond, and a class
// with more to do goes on in the next step.
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import { currentTime } from './clock';
import { HISTO_MINUTES, crawl, crawlerstats } from './crawler';
import { lruMaintainerJuggle } from './items';
import { LOG_SYSEVENTS, logText, logger } from './logger';
import { lruSize } from './lru';
import { LRUS, MAX_NUMBER_OF_SLAB_CLASSES, resettable } from './memcached.h';
import { settings } from './settings';
import { beginStep, stepIsOver } from './step_time';

/** How long it may sleep, in microseconds. */
const MIN_LRU_MAINTAINER_SLEEP = 1000;
const MAX_LRU_MAINTAINER_SLEEP = 999_999;
/** How many items are moved or freed in one step, about. */
const MOVES_AT_ONCE = 500;
/** And how many between two looks at the time. */
const MOVES_PER_LOOK = 50;

/** The largest number of a class. */
const LARGEST = MAX_NUMBER_OF_SLAB_CLASSES - 1;

const maintainerEvent = new Event();
/** By class, microseconds until it is looked at again, and how long it is left alone after having been in order. */
const nextJuggles = new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES);
const backoffJuggles = new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** The class that a step begins with: the one behind that for which the last full step had no time left. */
let first = 1;
/** How many items may still be moved in this step. */
let left = 0;
let lastSleep = 0;
let lastCrawlerCheck = 0;

// items.c: start_lru_maintainer_thread
/** It goes on for as long as the event loop runs. Call it when there is no item yet. */
export function startLruMaintainerThread(): void {
  settings.lruMaintainerThread = true;
  nextJuggles.fill(0);
  backoffJuggles.fill(0);
  nextCrawls.fill(0);
  nextCrawlWait.fill(0);
  first = 1;
  lastCrawlerCheck = 0;
  evtimerSet(maintainerEvent, lruMaintainerThread, null);
  sleep(MIN_LRU_MAINTAINER_SLEEP);
}

function sleep(microseconds: number): void {
  lastSleep = Math.max(microseconds, MIN_LRU_MAINTAINER_SLEEP);
  evtimerAdd(maintainerEvent, { tvSec: 0, tvUsec: lastSleep });
}

// items.c: lru_maintainer_thread
/** A step. */
function lruMaintainerThread(): void {
  resettable.lruMaintainerJuggles++;
  beginStep();
  left = MOVES_AT_ONCE;
  let toSleep = MAX_LRU_MAINTAINER_SLEEP;
  const begin = first;
  for (let n = 1; n <= LARGEST; n++) {
    const id = (begin + n - 2) % LARGEST + 1;
    nextJuggles[id] = Math.max(nextJuggles[id] - lastSleep, 0);
    // C waits until its time is over. Here it goes along with others, so that there are fewer wake-ups.
    if (nextJuggles[id] <= backoffJuggles[id] / 2 && left > 0) {
      nextJuggles[id] = backoff(id, juggle(id));
      if (left <= 0) first = id % LARGEST + 1;
    }
    toSleep = Math.min(toSleep, nextJuggles[id]);
  }
  if (settings.lruCrawler && lastCrawlerCheck !== currentTime) {
    lastCrawlerCheck = currentTime;
    lruMaintainerCrawlerCheck();
  }
  sleep(toSleep);
}

/** Goes on with a class until it is in order, or the step is over. Returns how many of its items were moved. */
function juggle(id: number): number {
  let moves = 0;
  let more: number;
  do {
    more = lruMaintainerJuggle(id, MOVES_PER_LOOK);
    moves += more;
    left = stepIsOver() ? 0 : left - more;
  } while (more >= MOVES_PER_LOOK && left > 0);
  return moves;
}

/** How long a class is left alone, now that so many of its items had to move: longer each time that none had. */
function backoff(id: number, moves: number): number {
  const before = backoffJuggles[id];
  let after = Math.floor(before / 2);
  if (moves > 0) {
    if (after < MIN_LRU_MAINTAINER_SLEEP) after = 0;
  } else {
    after = before === 0 ? MIN_LRU_MAINTAINER_SLEEP : before + Math.floor(before / 8);
    after = Math.min(after, MAX_LRU_MAINTAINER_SLEEP);
  }
  backoffJuggles[id] = after;
  return after;
}

// When to crawl.

/** An LRU is crawled at least once in so many seconds. */
const MAX_MAINTCRAWL_WAIT = 60 * 60;
const MINUTE = 60;
/** Seconds between two crawls of an LRU, at least. */
const MIN_CRAWL_WAIT = 5;
/** By LRU, when it is crawled next, and how many seconds lay between the last crawls. */
const nextCrawls = new Float64Array(LRUS);
const nextCrawlWait = new Float64Array(LRUS);
/** How many items will have expired then, as crawlWait found last. */
let expiringSoon = 0;
/** By HOT_LRU and its like. */
const lruNames = ['hot', 'warm', 'cold', 'temp'];

// items.c: lru_maintainer_crawler_check
/**
 * Crawls the LRUs whose time has come. How long one is left alone depends on its last crawl: until the minute in which
 * more than 1 % of those items that can expire will have done so, approached by a minute each time; where none expires,
 * a minute longer each time, up to an hour.
 */
function lruMaintainerCrawlerCheck(): void {
  const todo = new Uint8Array(LRUS);
  let largest = 0;
  for (let lru = 1; lru < LRUS; lru++) {
    if (crawlerstats.runComplete[lru] === 1) {
      crawlerstats.runComplete[lru] = 0;
      nextCrawlWait[lru] = crawlWait(lru);
      nextCrawls[lru] = currentTime + nextCrawlWait[lru] + MIN_CRAWL_WAIT;
      if ((logger.eflags & LOG_SYSEVENTS) !== 0) logCrawl(lru);
    }
    if (currentTime > nextCrawls[lru]) {
      largest = Math.max(largest, lruSize(lru));
      todo[lru] = 1;
      nextCrawls[lru] = currentTime + MIN_CRAWL_WAIT;
    }
  }
  if (!todo.includes(1)) return;
  const limit = settings.lruCrawlerTocrawl;
  crawl(todo, limit > 0 && limit < largest ? limit : largest, true);
}

/** Seconds until an LRU is crawled again. */
function crawlWait(lru: number): number {
  let wait = nextCrawlWait[lru];
  const { histo } = crawlerstats;
  const watermark = lowWatermark(lru);
  let expiring = 0;
  for (let minute = 0; minute < HISTO_MINUTES - 1; minute++) {
    expiring += histo[lru * HISTO_MINUTES + minute];
    if (expiring <= watermark) continue;
    if (wait < minute * MINUTE) wait += MINUTE;
    else if (wait >= MINUTE) wait -= MINUTE;
    break;
  }
  expiringSoon = expiring;
  if (expiring === 0) wait += MINUTE;
  return Math.min(wait, MAX_MAINTCRAWL_WAIT);
}

/** It does not pay to crawl for fewer items. */
function lowWatermark(lru: number): number {
  return Math.floor((crawlerstats.seen[lru] - crawlerstats.noexp[lru]) / 100) + 1;
}

/** For those who watch: what the last crawl along an LRU has found, and when the next one is. */
function logCrawl(lru: number): void {
  const s = crawlerstats;
  logText(LOG_SYSEVENTS, ` type=lru_crawler crawler=${lru & (MAX_NUMBER_OF_SLAB_CLASSES - 1)} lru=${lruNames[lru >>> 6]}` +
    ` low_mark=${lowWatermark(lru)} next_reclaims=${expiringSoon} since_run=${currentTime - s.endTime[lru]}` +
    ` next_run=${nextCrawls[lru] - currentTime} elapsed=${s.endTime[lru] - s.startTime[lru]}` +
    ` examined=${s.seen[lru]} reclaimed=${s.reclaimed[lru]}`);
}
