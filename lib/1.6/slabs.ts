// slabs.c: memory for items. A slab class has chunks of one size, and takes memory in pages of a megabyte, which are
// cut into chunks. Sizes and numbers of the classes are C's.
//
// An item larger than the largest chunk has several adjacent ones, where C has a chain of chunks. With -I, an item
// larger than a page has a block of its own, of whole megabytes. So every value is in one piece, and is read and sent
// as one. Such items belong to the largest class.
import { Errx } from '../../reactor/err';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { freeRun, runsInit, takeRun } from './chunk_runs';
import {
  IT_REFCOUNT, ITEM_CHUNKED, MAX_NUMBER_OF_SLAB_CLASSES, getHitsOf, itFlags, setField, setItFlags, slabStats,
} from './memcached.h';
import { PAGE_BYTES, isBlock, pageAlloc, pagesFor, pagesInit, pagesTotal, runAlloc, runFits, runFree } from './pages';
import { settings } from './settings';
import { freeChunk, perslab, size, slCurr, slabList, slabclassInit, takeChunk } from './slabclass';

/** The pages that belong to no class. */
export const SLAB_GLOBAL_PAGE_POOL = 0;
export const POWER_SMALLEST = 1;
const CHUNK_ALIGN_BYTES = 8;
/** sizeof(item) in C. The size of the smallest chunks derives from it, though our item is smaller. */
const C_SIZEOF_ITEM = 48;

let memLimit = 0;
let memMalloced = 0;
/** How many bytes of memMalloced are blocks. */
let blockBytes = 0;
let preallocated = false;
/** The class that slabsPickAnyForReassign chose last. */
let picked = 0;
/** The largest class. */
export let powerLargest = 0;

/** The class, by size in units of 8 bytes: most items are small enough, and need no search. */
const SMALL_BYTES = 4096;
const UNIT_SHIFT = 3;
const classOfUnit = new Uint8Array((SMALL_BYTES >>> UNIT_SHIFT) + 1);

// slabs.c: slabs_init
/**
 * Makes the classes; call it right after memoryInit. `limit` is in bytes, 0 for none. The chunks of a class are
 * `factor` times as large as those of the class below, and the smallest have `chunkSize` bytes for key and value; or
 * `slabSizes` has the chunk size of each class but the largest. `preallocate` gives every class a page, and throws Errx
 * if there are too few.
 */
export function slabsInit(
  limit: number, factor: number, chunkSize: number, slabSizes: readonly number[] | null = null, preallocate = false,
): void {
  pagesInit();
  slabclassInit();
  memLimit = Math.min(limit || Infinity, arenaBytes());
  memMalloced = 0;
  blockBytes = 0;
  preallocated = preallocate;
  picked = 0;

  const sizeMax = settings.slabChunkSizeMax;
  let bytes = C_SIZEOF_ITEM + chunkSize;
  let id = POWER_SMALLEST;
  for (; id < MAX_NUMBER_OF_SLAB_CLASSES - 1; id++) {
    if (slabSizes !== null) {
      if (id > slabSizes.length) break;
      bytes = slabSizes[id - 1];
    } else if (bytes >= sizeMax / factor) {
      break;
    }
    bytes = Math.ceil(bytes / CHUNK_ALIGN_BYTES) * CHUNK_ALIGN_BYTES;
    defineClass(id, bytes);
    if (slabSizes === null) bytes = Math.trunc(bytes * factor);
  }
  powerLargest = id;
  defineClass(id, sizeMax);
  runsInit(id);
  for (let unit = 0, fits = POWER_SMALLEST; unit < classOfUnit.length; unit++) {
    while (fits < powerLargest && size[fits] < unit << UNIT_SHIFT) fits++;
    classOfUnit[unit] = fits;
  }
  if (preallocate) slabsPreallocate();
}

function defineClass(id: number, bytes: number): void {
  size[id] = bytes;
  perslab[id] = Math.floor(settings.slabPageSize / bytes);
  if (settings.verbose > 1) {
    const chunk = String(bytes).padStart(9);
    process.stderr.write(
      `slab class ${String(id).padStart(3)}: chunk size ${chunk} perslab ${String(perslab[id]).padStart(7)}\n`,
    );
  }
}

/** The size of the arena, which no limit can exceed. */
function arenaBytes(): number {
  return pagesTotal() * PAGE_BYTES;
}

// slabs.c: slabs_preallocate
function slabsPreallocate(): void {
  for (let id = POWER_SMALLEST; id <= powerLargest; id++) {
    if (doSlabsNewslab(id)) continue;
    throw new Errx(1, 'Error while preallocating slab memory!\n' +
      `If using -L or other prealloc options, max memory must be at least ${powerLargest} megabytes.`);
  }
}

// slabs.c: slabs_clsid
/** The class for an item of `bytes` bytes, header and key included; 0 for one that is too large. */
export function slabsClsid(bytes: number): number {
  if (bytes === 0 || bytes > settings.itemSizeMax) return 0;
  if (bytes <= SMALL_BYTES) return classOfUnit[(bytes + 7) >>> UNIT_SHIFT];
  let low = POWER_SMALLEST, high = powerLargest;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (size[middle] < bytes) low = middle + 1;
    else high = middle;
  }
  return low;
}

// slabs.c: do_slabs_newslab
/** Gives the class a page. False if none is available. */
function doSlabsNewslab(id: number): boolean {
  let page = slabList[SLAB_GLOBAL_PAGE_POOL].pop() ?? NULL;
  if (page === NULL) {
    // Even above the limit, a class without pages gets one: else no item of its size could ever be stored.
    if (exceedsLimit(PAGE_BYTES) && (preallocated || slabList[id].length > 0)) return false;
    page = pageAlloc();
    if (page === NULL) return false;
    memMalloced += PAGE_BYTES;
  }
  addPage(page, id);
  return true;
}

function exceedsLimit(bytes: number): boolean {
  return memMalloced + bytes > memLimit;
}

// slabs.c: split_slab_page_into_freelist
function splitSlabPageIntoFreelist(page: Ptr, id: number): void {
  const count = perslab[id], bytes = size[id];
  for (let i = 0, p = page; i < count; i++, p += bytes) freeChunk(p, id);
}

// slabs.c: slabs_alloc
/** Allocates an item of `bytes` bytes, which belong to class `id`, with a refcount of 1. NULL if there is no memory. */
export function slabsAlloc(bytes: number, id: number): Ptr {
  if (bytes > size[id]) return allocLarge(bytes, id);
  const it = takeChunk(id);
  return it === NULL && doSlabsNewslab(id) ? takeChunk(id) : it;
}

/** Allocates `count` adjacent chunks of those that the class has. Only the largest class gives more than one. */
export function slabsAllocNoNewpage(count: number, id: number): Ptr {
  return count > 1 ? takeRun(count) : takeChunk(id);
}

function allocLarge(bytes: number, id: number): Ptr {
  if (isForBlock(bytes)) return allocBlock(bytes);
  const count = Math.ceil(bytes / size[id]);
  const it = takeRun(count);
  return it === NULL && doSlabsNewslab(id) ? takeRun(count) : it;
}

/**
 * Whether an item larger than a chunk gets a block. If items can be larger than a page, those that fill a page get
 * blocks, too, so that all of these can replace each other.
 */
function isForBlock(bytes: number): boolean {
  return bytes > PAGE_BYTES || (settings.itemSizeMax > PAGE_BYTES && bytes > PAGE_BYTES - size[powerLargest]);
}

function allocBlock(bytes: number): Ptr {
  const count = pagesFor(bytes);
  releasePool(0);
  if (exceedsLimit(count * PAGE_BYTES)) {
    // As with pages: above the limit, a class that has nothing may get one.
    const first = count === 1 && blockBytes === 0 && slabList[powerLargest].length === 0;
    if (preallocated || !first) return NULL;
  }
  const it = runAlloc(count);
  if (it === NULL) return NULL;
  memMalloced += count * PAGE_BYTES;
  blockBytes += count * PAGE_BYTES;
  setItFlags(it, ITEM_CHUNKED);
  setField(it, IT_REFCOUNT, 1);
  return it;
}

/** Whether class `id` has blocks, which may have to be evicted before it can get a page. */
export function slabsHasBlocks(id: number): boolean {
  return id === powerLargest && blockBytes > 0;
}

/** Whether an item of `bytes` bytes can be allocated at all, if others of its class are evicted for it. */
export function slabsLargeFits(bytes: number): boolean {
  if (!isForBlock(bytes)) return true;
  releasePool(0);
  const count = pagesFor(bytes);
  const hasRoom = count === 1 || memMalloced - blockBytes + count * PAGE_BYTES <= memLimit;
  return hasRoom && runFits(count);
}

// slabs.c: slabs_free
/** `id` must be the class given to slabsAlloc. */
export function slabsFree(it: Ptr, id: number): void {
  if ((itFlags(it) & ITEM_CHUNKED) === 0) {
    freeChunk(it, id);
  } else if (isBlock(it)) {
    const bytes = runFree(it) * PAGE_BYTES;
    memMalloced -= bytes;
    blockBytes -= bytes;
  } else {
    freeRun(it);
  }
}

// slabs.c: slabs_adjust_mem_limit
/**
 * Sets the memory limit to `limit` bytes. Returns false, and changes nothing, if memory was preallocated, or if the
 * arena is smaller: it is allocated at start and never grows.
 */
export function slabsAdjustMemLimit(limit: number): boolean {
  if (preallocated || limit > arenaBytes()) return false;
  settings.maxbytes = limit;
  memLimit = limit;
  releasePool(limit);
  return true;
}

/** Sets the memory limit to `limit` bytes, Infinity for none. Memory above it stays allocated. */
export function slabsSetLimit(limit: number): void {
  memLimit = limit;
}

// slabs.c: memory_release
/** Frees pages of the global pool while more than `limit` bytes are allocated. */
function releasePool(limit: number): void {
  const pool = slabList[SLAB_GLOBAL_PAGE_POOL];
  while (memMalloced > limit) {
    const page = pool.pop();
    if (page === undefined) return;
    memMalloced -= runFree(page) * PAGE_BYTES;
  }
}

// slabs.c: do_slabs_stats
/**
 * Adds the lines of `stats slabs` for a class: none if it has no page. A megabyte of a block counts as a page whose
 * chunks are all used.
 */
export function slabsStats(id: number, add: (name: string, value: number) => void): void {
  const pages = slabsPageCount(id);
  if (pages === 0 || id === SLAB_GLOBAL_PAGE_POOL) return;
  const chunks = pages * perslab[id];
  add('chunk_size', size[id]);
  add('chunks_per_page', perslab[id]);
  add('total_pages', pages);
  add('total_chunks', chunks);
  add('used_chunks', chunks - slCurr[id]);
  add('free_chunks', slCurr[id]);
  add('free_chunks_end', 0); // always 0 in C, too
  add('get_hits', getHitsOf(id));
  add('cmd_set', slabStats.setCmds[id]);
  add('delete_hits', slabStats.deleteHits[id]);
  add('incr_hits', slabStats.incrHits[id]);
  add('decr_hits', slabStats.decrHits[id]);
  add('cas_hits', slabStats.casHits[id]);
  add('cas_badval', slabStats.casBadval[id]);
  add('touch_hits', slabStats.touchHits[id]);
}

/** mem_malloced: bytes of all pages and blocks. */
export function slabsTotalMalloced(): number {
  return memMalloced;
}

/** Whether all memory that may be allocated is. */
export function slabsLimitReached(): boolean {
  return memMalloced >= memLimit;
}

// slabs.c: slabs_size
/** Bytes of a chunk. */
export function slabsSize(id: number): number {
  return size[id];
}

// slabs.c: slabs_available_chunks
/** How many chunks are free. */
export function slabsAvailableChunks(id: number): number {
  return slCurr[id];
}

// slabs.c: slabs_page_count
/** How many pages a class, or SLAB_GLOBAL_PAGE_POOL, has. A megabyte of a block counts as a page. */
export function slabsPageCount(id: number): number {
  return slabList[id].length + (id === powerLargest ? blockBytes / PAGE_BYTES : 0);
}

// For the page mover.

// slabs.c: slabs_class_check
export function slabsClassCheck(id: number): boolean {
  return id >= SLAB_GLOBAL_PAGE_POOL && id <= powerLargest;
}

// slabs.c: slabs_peek_page
/** The page that a class, or the pool, got first; NULL if it has fewer than two pages. */
export function slabsPeekPage(id: number): Ptr {
  return slabList[id].length < 2 ? NULL : slabList[id][0];
}

/** Chunks per page. */
export function slabsPerslab(id: number): number {
  return perslab[id];
}

/**
 * Gives class `to`, or the pool, a page that belongs to no class yet, after blocks were evicted for it. False if there
 * is no room.
 */
export function slabsNewPage(to: number): boolean {
  const page = exceedsLimit(PAGE_BYTES) ? NULL : pageAlloc();
  if (page === NULL) return false;
  memMalloced += PAGE_BYTES;
  addPage(page, to);
  return true;
}

// slabs.c: slabs_finalize_page_move
/** Moves `page`, the first of class `from`, to class `to` or the pool. Its chunks must be unused, and on no list. */
export function slabsFinalizePageMove(from: number, to: number, page: Ptr): void {
  if (slabList[from].shift() !== page) throw new Error(`page ${page} is not the first of class ${from}`);
  addPage(page, to);
}

function addPage(page: Ptr, id: number): void {
  slabList[id].push(page);
  if (id === SLAB_GLOBAL_PAGE_POOL) releasePool(memLimit);
  else splitSlabPageIntoFreelist(page, id);
}

// slabs.c: slabs_pick_any_for_reassign
/** A class other than `to` with a page to spare, the next one at each call; -1 if there is none. */
export function slabsPickAnyForReassign(to: number): number {
  for (let tries = MAX_NUMBER_OF_SLAB_CLASSES; tries > 0; tries--) {
    picked = picked % (MAX_NUMBER_OF_SLAB_CLASSES - 1) + 1;
    if (picked !== to && slabsPageCount(picked) > 1) return picked;
  }
  return -1;
}
