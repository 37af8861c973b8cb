// items.c: the LRU maintainer. Between requests, it moves items out of HOT and WARM, frees expired items at the tails
// of the LRUs, and decides when the crawler searches whole LRUs for expired items.
//
// C uses a thread. Here, a timer runs it in steps of well under a millisecond; a class with more to do continues in the
// next step.
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
/** About how many items one step moves or frees. */
const MOVES_AT_ONCE = 500;
/** Items between two checks of the time. */
const MOVES_PER_LOOK = 50;

/** The highest class number. */
const LARGEST = MAX_NUMBER_OF_SLAB_CLASSES - 1;

const maintainerEvent = new Event();
/** By class: microseconds until it is checked again, and the length of that wait, which grows while nothing moves. */
const nextJuggles = new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES);
const backoffJuggles = new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** The class that a step begins with: the one after the class in which a step last ran out of time. */
let first = 1;
/** How many items may still be moved in this step. */
let left = 0;
let lastSleep = 0;
let lastCrawlerCheck = 0;

// items.c: start_lru_maintainer_thread
/** Starts the maintainer, which runs while the event loop does. Call it before there is any item. */
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
/** Runs one step. */
function lruMaintainerThread(): void {
  resettable.lruMaintainerJuggles++;
  beginStep();
  left = MOVES_AT_ONCE;
  let toSleep = MAX_LRU_MAINTAINER_SLEEP;
  const begin = first;
  for (let n = 1; n <= LARGEST; n++) {
    const id = (begin + n - 2) % LARGEST + 1;
    nextJuggles[id] = Math.max(nextJuggles[id] - lastSleep, 0);
    // C waits until a class is due. Here it joins the others after half its wait, which saves wake-ups.
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

/** Moves items of a class until none has to move, or the step is over. Returns how many were moved. */
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

/** Microseconds until a class is checked again: fewer if `moves` items had to move, more each time that none had. */
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

/** Maximum seconds between two crawls of an LRU. */
const MAX_MAINTCRAWL_WAIT = 60 * 60;
const MINUTE = 60;
/** Minimum seconds between two crawls of an LRU. */
const MIN_CRAWL_WAIT = 5;
/** By LRU: when it is crawled next, by the server's clock, and the current wait in seconds. */
const nextCrawls = new Float64Array(LRUS);
const nextCrawlWait = new Float64Array(LRUS);
/** Items that will have expired by the next crawl, as crawlWait last found. */
let expiringSoon = 0;
/** By HOT_LRU >>> 6 and so on. */
const lruNames = ['hot', 'warm', 'cold', 'temp'];

// items.c: lru_maintainer_crawler_check
/**
 * Crawls the LRUs whose time has come. The wait after a crawl approaches, by a minute each time, the minute in which
 * more than 1 % of the items that can expire will have expired. If none will expire, it grows by a minute each time, up
 * to an hour.
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

/** A crawl pays only for more expired items than this. */
function lowWatermark(lru: number): number {
  return Math.floor((crawlerstats.seen[lru] - crawlerstats.noexp[lru]) / 100) + 1;
}

/** Tells watchers of sysevents what the last crawl of an LRU found, and when the next one is due. */
function logCrawl(lru: number): void {
  const s = crawlerstats;
  logText(LOG_SYSEVENTS, ` type=lru_crawler crawler=${lru & (MAX_NUMBER_OF_SLAB_CLASSES - 1)} lru=${lruNames[lru >>> 6]}` +
    ` low_mark=${lowWatermark(lru)} next_reclaims=${expiringSoon} since_run=${currentTime - s.endTime[lru]}` +
    ` next_run=${nextCrawls[lru] - currentTime} elapsed=${s.endTime[lru] - s.startTime[lru]}` +
    ` examined=${s.seen[lru]} reclaimed=${s.reclaimed[lru]}`);
}
