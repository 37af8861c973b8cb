// slabs_mover.c: takes a page from one slab class and gives it to another. What is stored in the page is copied to free
// chunks of its class; what nobody can get any more goes; where the class is full, its oldest items go.
//
// C has a thread for it. Here, it has a timer, and each step does what takes less than a millisecond. An item that
// somebody holds is copied, too; its chunk is waited for.
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

/** Chunks that are looked at, and items that are evicted or freed, in one step, about. */
export const MOVES_AT_ONCE = 400;
/** A page for which so many rounds were not enough gets room by evictions. */
const SLAB_MOVE_MAX_LOOPS = 5000;
/** How often an item is evicted to find room for another. */
const PULLS_MAX = 10;
/** Between two steps, in microseconds. */
const STEP_SLEEP = 1000;
/** Between two rounds through a page in which something is busy, at most. */
const BACKOFF_MAX = 5000;
/** Between two looks at whether a page should be moved: at first, and after some. */
const LOOK_SLEEP = 100_000;
const LOOKS_AT_FIRST = 10;
const LATER_LOOK_SLEEP = 1_000_000;
/** How many items of an LRU are looked at to find a block. */
const BLOCK_SEARCHES_MAX = 100;

/** it_flags of a chunk of the page that is done: it is on no list, and in use by nobody. */
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
/** By chunk, 1 where it is cleared. */
let completed = new Uint8Array(0);
/** The chunk that is looked at next, by number. */
let at = 0;
/** Memory for the next item that is moved, and how many chunks that is. */
let newIt: Ptr = NULL;
let newChunks = 0;
let busyItems = 0;
let busyLoops = 0;
let busyNomem = 0;
let rescues = 0;
let chunkRescues = 0;
let inlineReclaim = 0;
/** Whether a block has gone for it. */
let blockGone = false;
let backoff = 1;
/** How much may still be done in this step. */
let left = 0;

let automover: SlabAutomove | null = null;
let automoveVersion = 0;
let lastAutomove = 0;
let looks = 0;

// slabs_mover.c: start_slab_maintenance_thread
/** It goes on for as long as the event loop runs. Call it when there is no item yet, after itemInit. */
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
 * Moves a page from class `from` (-1 for any that has one to spare) to class `to`; either can be the global pool. It is
 * moved after this call. With `evict`, items may have to go for it.
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

/** `slabs automove`: whether and how pages move by themselves. */
export function slabsAutomoveSet(how: number): void {
  settings.slabAutomove = how;
  if (started && !running) sleep(LOOK_SLEEP);
}

// slabs_mover.c: slab_rebalance_thread
/** A step. */
function slabRebalanceThread(): void {
  if (!running && !slabRebalanceCheckAutomove()) {
    // Where nothing moves by itself, the mover sleeps until it is told to.
    if (settings.slabAutomove !== 0) sleep(looks++ > LOOKS_AT_FIRST ? LATER_LOOK_SLEEP : LOOK_SLEEP);
    return;
  }
  looks = 0;
  left = MOVES_AT_ONCE;
  sleep(movePage());
}

/** Goes on with the page, and returns how long to sleep then. */
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
  return STEP_SLEEP;
}

/** Something in the page was busy: the next round begins at its start. */
function endRound(): void {
  resettable.slabReassignBusyItems += busyItems;
  at = busyItems = 0;
  busyLoops++;
  backoff = Math.min(backoff * 2, BACKOFF_MAX);
}

// slabs_mover.c: slab_rebalance_start
/** False if there is no page to be moved any more. */
function slabRebalanceStart(): boolean {
  if (slabsLimitReached() && slabsPageCount(SLAB_GLOBAL_PAGE_POOL) === 0) allowEvictions = true;
  statsState.slabReassignRunning = true;
  page = slabsPeekPage(source);
  if (page === NULL) return source === powerLargest && slabsPageCount(source) > 1; // of blocks
  chunkBytes = slabsSize(source);
  pageEnd = page + chunkBytes * slabsPerslab(source);
  completed = new Uint8Array(slabsPerslab(source));
  return true;
}

// slabs_mover.c: slab_rebalance_finish
/** The page is empty: it is given away. */
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

/** No page is being moved. */
function forget(): number {
  running = statsState.slabReassignRunning = allowEvictions = blockGone = false;
  page = newIt = NULL;
  at = newChunks = busyItems = busyLoops = busyNomem = rescues = chunkRescues = inlineReclaim = 0;
  backoff = 1;
  return STEP_SLEEP;
}

// slabs_mover.c: slab_rebalance_check_automove
/** Whether a page is to be moved now. */
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
  // To the pool, pages go one after the other; else there is one in a second.
  if (move.to !== SLAB_GLOBAL_PAGE_POOL) lastAutomove = currentTime;
  return result === Reassign.ok;
}

// Room for what is in the page.

// slabs_mover.c: slab_rebalance_prep
/** Sees to it that there is memory for an item of `chunks` chunks, if there can be. */
function slabRebalancePrep(chunks: number): void {
  if (newIt !== NULL && newChunks !== chunks) {
    slabsFree(newIt, source);
    newIt = NULL;
  }
  newChunks = chunks;
  if (newIt === NULL) newIt = slabRebalanceAlloc(false);
  if (newIt !== NULL) return;
  if (!allowEvictions && busyLoops > SLAB_MOVE_MAX_LOOPS) {
    // The class was not full when this page was begun, and is now. Or else there is memory that no class has.
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
/** Memory of the class that is not in the page; what is in the page, and free, is cleared. */
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

/** Those chunks of the page are in use by nobody any more. */
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
/** Looks at the chunk of that number, and empties it if it can. */
function moveFrom(chunk: number): void {
  left--;
  const p = page + chunk * chunkBytes;
  const it = source === powerLargest ? runHead(p) : p;
  if ((itFlags(it) & ITEM_SLABBED) === 0) slabRebalancePrep(chunksOf(it));
  // Now it may be gone, or still there.
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
    busy('busy_floating'); // somebody writes to it, or still reads it
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
    hold(it); // or it would be put on the list of free chunks
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

// Blocks: items of the largest class that are larger than a page. None of them is moved.

/** Lets the oldest of them go that nobody holds, until there is room for a page. */
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
