// slabs_mover.c: takes a page from one slab class and gives it to another. Live items in the page are copied to free
// chunks of their class; expired and flushed ones are unlinked; if the class is full, its oldest items are evicted.
//
// C uses a thread. Here, a timer runs steps of less than a millisecond. An item with further references is copied, too;
// then the mover waits until its old chunk is free.
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerDel, evtimerSet } from '../../reactor/evtimer';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { hashOf } from './assoc';
import { runHead, runLength, splitRun } from './chunk_runs';
import { currentTime } from './clock';
import { isGone } from './crawler';
import { isLocked } from './item_locks';
import { evictItem, hold, itemRelocate, itemUnlink, lruPullTail, onEviction } from './items';
import { LOG_SYSEVENTS, logText, logger } from './logger';
import { lruTail } from './lru';
import {
  COLD_LRU, HOT_LRU, IT_PREV, IT_REFCOUNT, ITEM_FETCHED, ITEM_LINKED, ITEM_SLABBED, TEMP_LRU, WARM_LRU,
  field, itFlags, keyOf, lruIdOf, nkeyOf, resettable, setField, setItFlags, setNkey, statsState,
} from './memcached.h';
import { isBlock } from './pages';
import { settings } from './settings';
import { SlabAutomove } from './slab_automove';
import { unlinkFreeChunk } from './slabclass';
import {
  SLAB_GLOBAL_PAGE_POOL, powerLargest, slabsAlloc, slabsAllocNoNewpage, slabsClassCheck, slabsFinalizePageMove,
  slabsFree, slabsLimitReached, slabsNewPage, slabsPageCount, slabsPeekPage, slabsPerslab, slabsPickAnyForReassign,
  slabsSize,
} from './slabs';
import { beginStep, stepIsOver } from './step_time';

/** About how many chunks are checked, and items evicted or freed, in one step. */
export const MOVES_AT_ONCE = 400;
/** If a page needs more rounds than this, items are evicted, or a new page is taken. */
const SLAB_MOVE_MAX_LOOPS = 5000;
/** How many evictions to try to find room for an item. */
const PULLS_MAX = 10;
/** Microseconds between two steps. */
const STEP_SLEEP = 1000;
/** Maximum microseconds between two rounds through a page with busy items. */
const BACKOFF_MAX = 5000;
/** Microseconds between two checks whether a page should move: the first ones, and later. */
const LOOK_SLEEP = 100_000;
const LOOKS_AT_FIRST = 10;
const LATER_LOOK_SLEEP = 1_000_000;
/** How many items of an LRU are searched to find a block. */
const BLOCK_SEARCHES_MAX = 100;

/** it_flags of a cleared chunk in the page: it is on no list, and not in use. */
const CLEARED = ITEM_SLABBED | ITEM_FETCHED;

export enum Reassign { ok, running, badclass, nospare, same }

const moverEvent = new Event();
/** Whether pages can be moved: not with -o no_slab_reassign. */
let started = false;
/** Whether a page is being moved, or will be at the next step. */
let running = false;

// struct slab_rebalance: the page that is being moved.
let source = 0;
let destination = 0;
let allowEvictions = false;
/** NULL until the first step. */
let page: Ptr = NULL;
let pageEnd: Ptr = NULL;
let chunkBytes = 0;
/** By chunk: 1 if it is cleared. */
let completed = new Uint8Array(0);
/** The number of the chunk to check next. */
let at = 0;
/** Memory for the next item to move, and its size in chunks. */
let newIt: Ptr = NULL;
let newChunks = 0;
let busyItems = 0;
let busyLoops = 0;
let busyNomem = 0;
let rescues = 0;
let chunkRescues = 0;
let inlineReclaim = 0;
/** Whether a block was evicted for the page. */
let blockGone = false;
let backoff = 1;
/** How much of MOVES_AT_ONCE is left in this step. */
let left = 0;

let automover: SlabAutomove | null = null;
let automoveVersion = 0;
let lastAutomove = 0;
let looks = 0;

// slabs_mover.c: start_slab_maintenance_thread
/** Starts the mover, which runs while the event loop does. Call it after itemInit, before there is any item. */
export function startSlabMaintenanceThread(): void {
  forget();
  started = settings.slabReassign;
  if (!started) return;
  automover = new SlabAutomove();
  automoveVersion = settings.slabAutomoveVersion;
  lastAutomove = looks = 0;
  onEviction((id) => slabsReassign(-1, id, true));
  evtimerSet(moverEvent, slabRebalanceThread, null);
  sleep(LOOK_SLEEP);
}

function sleep(microseconds: number): void {
  evtimerDel(moverEvent);
  evtimerAdd(moverEvent, { tvSec: Math.floor(microseconds / 1_000_000), tvUsec: microseconds % 1_000_000 });
}

// slabs_mover.c: slabs_reassign
/**
 * Moves a page from class `from` (-1 for any with one to spare) to class `to`; either can be the global pool. The move
 * happens after this call. With `evict`, items may be evicted for it.
 */
export function slabsReassign(from: number, to: number, evict: boolean): Reassign {
  if (running) return Reassign.running;
  if (from === to) return Reassign.same;
  const chosen = from === -1 ? slabsPickAnyForReassign(to) : from;
  if (!slabsClassCheck(chosen) || !slabsClassCheck(to)) return Reassign.badclass;
  if (slabsPageCount(chosen) < 2) return Reassign.nospare;
  source = chosen;
  destination = to;
  allowEvictions = evict;
  running = true;
  sleep(0);
  return Reassign.ok;
}

/** `slabs automove`: sets whether and how pages move automatically. */
export function slabsAutomoveSet(how: number): void {
  settings.slabAutomove = how;
  if (started && !running) sleep(LOOK_SLEEP);
}

// slabs_mover.c: slab_rebalance_thread
/** Runs one step. */
function slabRebalanceThread(): void {
  if (!running && !slabRebalanceCheckAutomove()) {
    // Without automove, the mover sleeps until slabsReassign is called.
    if (settings.slabAutomove !== 0) sleep(looks++ > LOOKS_AT_FIRST ? LATER_LOOK_SLEEP : LOOK_SLEEP);
    return;
  }
  looks = 0;
  left = MOVES_AT_ONCE;
  sleep(movePage());
}

/** Continues with the page. Returns how many microseconds to sleep. */
function movePage(): number {
  if (page === NULL && !slabRebalanceStart()) return forget();
  if (source === SLAB_GLOBAL_PAGE_POOL) return slabRebalanceFinish();
  if (page === NULL) return moveBlock();
  beginStep();
  do {
    const next = completed.indexOf(0, at);
    if (next !== -1) {
      moveFrom(next);
    } else if (busyItems === 0) {
      return slabRebalanceFinish();
    } else {
      endRound();
      if (backoff >= STEP_SLEEP) return Math.min(backoff, BACKOFF_MAX);
    }
  } while (left > 0 && !stepIsOver());
  // A step that ran out of time has done little, so the next one comes in the loop's next turn.
  return left > 0 ? 0 : STEP_SLEEP;
}

/** Something in the page was busy: the next round begins at the first chunk. */
function endRound(): void {
  resettable.slabReassignBusyItems += busyItems;
  at = busyItems = 0;
  busyLoops++;
  backoff = Math.min(backoff * 2, BACKOFF_MAX);
}

// slabs_mover.c: slab_rebalance_start
/** False if there is no longer a page to move. */
function slabRebalanceStart(): boolean {
  if (slabsLimitReached() && slabsPageCount(SLAB_GLOBAL_PAGE_POOL) === 0) allowEvictions = true;
  statsState.slabReassignRunning = true;
  page = slabsPeekPage(source);
  if (page === NULL) return source === powerLargest && slabsPageCount(source) > 1; // its pages are blocks
  chunkBytes = slabsSize(source);
  pageEnd = page + chunkBytes * slabsPerslab(source);
  completed = new Uint8Array(slabsPerslab(source));
  return true;
}

// slabs_mover.c: slab_rebalance_finish
/** Gives the page, which is empty, away. */
function slabRebalanceFinish(): number {
  if (newIt !== NULL) slabsFree(newIt, source);
  slabsFinalizePageMove(source, destination, page);
  return pageMoved();
}

function pageMoved(): number {
  resettable.slabsMoved++;
  resettable.slabReassignRescues += rescues;
  resettable.slabReassignChunkRescues += chunkRescues;
  resettable.slabReassignInlineReclaim += inlineReclaim;
  resettable.slabReassignBusyNomem += busyNomem;
  return forget();
}

/** Resets the state: no page is moving. */
function forget(): number {
  running = statsState.slabReassignRunning = allowEvictions = blockGone = false;
  page = newIt = NULL;
  at = newChunks = busyItems = busyLoops = busyNomem = rescues = chunkRescues = inlineReclaim = 0;
  backoff = 1;
  return STEP_SLEEP;
}

// slabs_mover.c: slab_rebalance_check_automove
/** Starts the automover's next move, if any. */
function slabRebalanceCheckAutomove(): boolean {
  if (settings.slabAutomove === 0 || lastAutomove === currentTime) return false;
  if (automover === null || settings.slabAutomoveVersion !== automoveVersion) {
    automover = new SlabAutomove();
    automoveVersion = settings.slabAutomoveVersion;
  }
  const move = automover.run();
  if (move === null) return false;
  const result = slabsReassign(move.from, move.to, false);
  if ((logger.eflags & LOG_SYSEVENTS) !== 0) {
    const state = result === Reassign.ok ? 'ok' : 'fail';
    logText(LOG_SYSEVENTS, ` type=slab_move src=${move.from} dst=${move.to} state=${state}`);
  }
  // Pages move to the pool one after the other; other moves are one per second at most.
  if (move.to !== SLAB_GLOBAL_PAGE_POOL) lastAutomove = currentTime;
  return result === Reassign.ok;
}

// Memory for the items in the page.

// slabs_mover.c: slab_rebalance_prep
/** Sets newIt to memory for an item of `chunks` chunks; to NULL if there is none. */
function slabRebalancePrep(chunks: number): void {
  if (newIt !== NULL && newChunks !== chunks) {
    slabsFree(newIt, source);
    newIt = NULL;
  }
  newChunks = chunks;
  if (newIt === NULL) newIt = slabRebalanceAlloc(false);
  if (newIt !== NULL) return;
  if (!allowEvictions && busyLoops > SLAB_MOVE_MAX_LOOPS) {
    // If memory has run out since this page was begun, evict. If not, the class can take a new page.
    if (slabsLimitReached()) allowEvictions = true;
    else newIt = slabRebalanceAlloc(true);
  }
  if (!allowEvictions) return;
  for (let i = 0; i < PULLS_MAX && newIt === NULL && left > 0; i++) {
    left--;
    if (lruPullTail(source, COLD_LRU, 0, true, 0) === 0 && settings.lruSegmented &&
        lruPullTail(source, HOT_LRU, 0, false, 0) === 0) {
      lruPullTail(source, WARM_LRU, 0, false, 0); // C leaves WARM to its maintainer
    }
    newIt = slabRebalanceAlloc(false);
  }
}

// slabs_mover.c: slab_rebalance_alloc
/** Allocates memory of the class outside the page. Free chunks that it meets in the page are cleared. */
function slabRebalanceAlloc(newPage: boolean): Ptr {
  while (left > 0) {
    const it = newPage ? slabsAlloc(newChunks * chunkBytes, source) : slabsAllocNoNewpage(newChunks, source);
    if (it < page || it >= pageEnd) return it; // NULL, too
    inlineReclaim += newChunks;
    left -= newChunks;
    clear(it, newChunks);
  }
  return NULL;
}

/** Marks chunks of the page as cleared: they are no longer in use. */
function clear(it: Ptr, chunks: number): void {
  if (chunks > 1) splitRun(it);
  for (let i = 0, p = it; i < chunks; i++, p += chunkBytes) {
    setItFlags(p, CLEARED);
    setNkey(p, 0);
    setField(p, IT_REFCOUNT, 0);
    completed[(p - page) / chunkBytes] = 1;
  }
}

// The page itself.

function busy(status: string): void {
  busyItems++;
  resettable.slabReassignLastBusyStatus = status;
}

// slabs_mover.c: slab_rebalance_move, _slabs_locked_cb
/** Empties the chunk of that number, if it can. */
function moveFrom(chunk: number): void {
  left--;
  const p = page + chunk * chunkBytes;
  const it = source === powerLargest ? runHead(p) : p;
  if ((itFlags(it) & ITEM_SLABBED) === 0) slabRebalancePrep(chunksOf(it));
  // slabRebalancePrep may have freed the item.
  const chunks = chunksOf(it);
  at = (it - page) / chunkBytes + chunks;
  const flags = itFlags(it);
  if (flags === CLEARED) return;
  if ((flags & ITEM_SLABBED) !== 0) {
    unlinkFreeChunk(source, it);
    clear(it, 1);
  } else if ((flags & ITEM_LINKED) !== 0) {
    moveLinked(it, chunks);
  } else {
    busy('busy_floating'); // a connection still fills it or sends it
  }
}

/** How many chunks the item has; 1 for a free chunk. */
function chunksOf(it: Ptr): number {
  return source === powerLargest ? runLength(it) : 1;
}

function moveLinked(it: Ptr, chunks: number): void {
  if (isLocked(it)) {
    busy('locked');
    return;
  }
  const hv = hashOf(keyOf(it), nkeyOf(it));
  const held = field(it, IT_REFCOUNT) > 1;
  if (isGone(it)) {
    hold(it); // else its chunk would go to the free list
    itemUnlink(it, hv);
    setField(it, IT_REFCOUNT, field(it, IT_REFCOUNT) - 1);
  } else if (newIt === NULL) {
    busyNomem++;
    busy(held ? 'busy_active' : 'from_lru');
    return;
  } else {
    itemRelocate(it, newIt, hv);
    newIt = NULL;
    rescues++;
    if (chunks > 1) chunkRescues += chunks;
  }
  if (held) busy('busy_active');
  else clear(it, chunks);
}

// Blocks: items of the largest class that fill a page or more. They are evicted, never moved.

/** Evicts the oldest block without further references, until there is room for a page. */
function moveBlock(): number {
  if ((destination !== SLAB_GLOBAL_PAGE_POOL || blockGone) && slabsNewPage(destination)) return pageMoved();
  if (slabsPageCount(source) < 2 || settings.evictToFree === 0) return forget();
  const it = oldestBlock();
  if (it === NULL) {
    busy('busy_active');
    endRound();
    return BACKOFF_MAX;
  }
  evictItem(it, lruIdOf(it));
  blockGone = true;
  return STEP_SLEEP;
}

function oldestBlock(): Ptr {
  for (const lru of [COLD_LRU, HOT_LRU, WARM_LRU, TEMP_LRU]) {
    let it = lruTail(source | lru);
    for (let i = 0; i < BLOCK_SEARCHES_MAX && it !== NULL; i++) {
      if (isBlock(it) && field(it, IT_REFCOUNT) === 1) return it;
      it = field(it, IT_PREV) >>> 0;
    }
  }
  return NULL;
}
