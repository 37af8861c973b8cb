// slabs.c: memory for items. A slab class has chunks of one size, and takes memory by pages of a megabyte, which are
// cut into chunks. Sizes and numbers of the classes are C's.
//
// An item that is larger than the largest chunk has a block of its own, of whole megabytes, where C has a chain of
// chunks: so every value is in one piece, and is read and sent as one. Such an item belongs to the largest class.
import { Errx } from '../../reactor/err';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import {
  IT_NEXT, IT_PREV, IT_REFCOUNT, ITEM_CHUNKED, ITEM_SLABBED, MAX_NUMBER_OF_SLAB_CLASSES, field, getHitsOf, itFlags,
  setField, setItFlags, setLruId, setNkey, slabStats,
} from './memcached.h';
import { PAGE_BYTES, pageAlloc, pagesFor, pagesInit, runAlloc, runFree } from './pages';
import { settings } from './settings';

/** The pages of no class. */
export const SLAB_GLOBAL_PAGE_POOL = 0;
export const POWER_SMALLEST = 1;
const CHUNK_ALIGN_BYTES = 8;
/** sizeof(item) in C. The smallest chunks are reckoned from it, though our item is smaller. */
const C_SIZEOF_ITEM = 48;

// slabclass_t, a field each. A class is an index.
/** Bytes of a chunk. */
const size = new Uint32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** Chunks of a page. */
const perslab = new Uint32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** The first free chunk. Free chunks are linked as items are, and have ITEM_SLABBED. */
const slots = new Int32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** How many chunks are free. */
const slCurr = new Uint32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** slab_list: the pages, in the order in which the class got them. */
const slabList: Ptr[][] = Array.from({ length: MAX_NUMBER_OF_SLAB_CLASSES }, () => []);

let memLimit = 0;
let memMalloced = 0;
/** How much of that is blocks of large items. */
let largeBytes = 0;
let preallocated = false;
/** The largest class. */
export let powerLargest = 0;

/** By size in units of 8 bytes, the class: most items are that small, and need no search. */
const SMALL_BYTES = 4096;
const UNIT_SHIFT = 3;
const classOfUnit = new Uint8Array((SMALL_BYTES >>> UNIT_SHIFT) + 1);

// slabs.c: slabs_init
/**
 * Makes the classes, in a memory that memoryInit has just made. `limit` is in bytes, 0 for none. The chunks of a class
 * are `factor` times as large as those of the class below, and the smallest have `chunkSize` bytes for key and value;
 * or `slabSizes` has the size of each class but the largest. `preallocate` gives every class a page, and throws Errx if
 * there are not as many.
 */
export function slabsInit(
  limit: number, factor: number, chunkSize: number, slabSizes: readonly number[] | null = null, preallocate = false,
): void {
  pagesInit();
  size.fill(0);
  perslab.fill(0);
  slots.fill(NULL);
  slCurr.fill(0);
  for (const pages of slabList) pages.length = 0;
  memLimit = limit;
  memMalloced = 0;
  largeBytes = 0;
  preallocated = preallocate;

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
/** Gives the class a page. False if there is none to be had. */
function doSlabsNewslab(id: number): boolean {
  let page = slabList[SLAB_GLOBAL_PAGE_POOL].pop() ?? NULL;
  if (page === NULL) {
    // Whatever the limit, a class that has nothing gets one page: else nothing of its size could ever be stored.
    if (exceedsLimit(PAGE_BYTES) && (preallocated || slabList[id].length > 0)) return false;
    page = pageAlloc();
    if (page === NULL) return false;
    memMalloced += PAGE_BYTES;
  }
  slabList[id].push(page);
  splitSlabPageIntoFreelist(page, id);
  return true;
}

function exceedsLimit(bytes: number): boolean {
  return memLimit !== 0 && memMalloced + bytes > memLimit;
}

// slabs.c: split_slab_page_into_freelist
function splitSlabPageIntoFreelist(page: Ptr, id: number): void {
  const count = perslab[id], bytes = size[id];
  for (let i = 0, p = page; i < count; i++, p += bytes) freeChunk(p, id);
}

// slabs.c: slabs_alloc
/** Memory for an item of `bytes` bytes, which are of class `id`. Its refcount is 1. NULL if there is none to be had. */
export function slabsAlloc(bytes: number, id: number): Ptr {
  if (bytes > size[id]) return allocLarge(bytes);
  if (slots[id] === NULL && !doSlabsNewslab(id)) return NULL;
  const it = slots[id] >>> 0;
  const next = field(it, IT_NEXT);
  slots[id] = next;
  if (next !== NULL) setField(next >>> 0, IT_PREV, NULL);
  slCurr[id]--;
  setItFlags(it, 0);
  setField(it, IT_REFCOUNT, 1);
  return it;
}

function allocLarge(bytes: number): Ptr {
  const count = pagesFor(bytes);
  releasePool(0);
  if (exceedsLimit(count * PAGE_BYTES)) {
    // As with pages: the class may have one, if it has nothing.
    const first = count === 1 && largeBytes === 0 && slabList[powerLargest].length === 0;
    if (preallocated || !first) return NULL;
  }
  const it = runAlloc(count);
  if (it === NULL) return NULL;
  memMalloced += count * PAGE_BYTES;
  largeBytes += count * PAGE_BYTES;
  setItFlags(it, ITEM_CHUNKED);
  setField(it, IT_REFCOUNT, 1);
  return it;
}

/** Whether class `id` has blocks of large items, which may have to go before it can get a page. */
export function slabsHasLarge(id: number): boolean {
  return id === powerLargest && largeBytes > 0;
}

/** Whether a block for an item of `bytes` bytes can be had at all, if other large items make room for it. */
export function slabsLargeFits(bytes: number): boolean {
  const others = memMalloced - largeBytes - slabList[SLAB_GLOBAL_PAGE_POOL].length * PAGE_BYTES;
  const needed = pagesFor(bytes) * PAGE_BYTES;
  return memLimit === 0 || needed === PAGE_BYTES || others + needed <= memLimit;
}

// slabs.c: slabs_free
/** `id` is the class that slabsAlloc was given, and the item's flags still tell whether it has a block of its own. */
export function slabsFree(it: Ptr, id: number): void {
  if ((itFlags(it) & ITEM_CHUNKED) === 0) {
    freeChunk(it, id);
    return;
  }
  const bytes = runFree(it) * PAGE_BYTES;
  memMalloced -= bytes;
  largeBytes -= bytes;
}

// slabs.c: do_slabs_free
function freeChunk(p: Ptr, id: number): void {
  const first = slots[id];
  setItFlags(p, ITEM_SLABBED);
  setLruId(p, id);
  setNkey(p, 0);
  setField(p, IT_REFCOUNT, 0);
  setField(p, IT_PREV, NULL);
  setField(p, IT_NEXT, first);
  if (first !== NULL) setField(first >>> 0, IT_PREV, p | 0);
  slots[id] = p | 0;
  slCurr[id]++;
}

// slabs.c: slabs_adjust_mem_limit
/** From now on `limit` bytes. False, and nothing is changed, if the memory was preallocated. */
export function slabsAdjustMemLimit(limit: number): boolean {
  if (preallocated) return false;
  settings.maxbytes = limit;
  memLimit = limit;
  if (limit !== 0) releasePool(limit);
  return true;
}

/** From now on `limit` bytes, Infinity for none. Whatever is above it stays. */
export function slabsSetLimit(limit: number): void {
  memLimit = limit;
}

// slabs.c: memory_release
/** Frees pages of the global pool, as long as more than `limit` bytes are allocated. */
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
 * What `stats slabs` tells about a class: nothing if it has no page. A megabyte of a large item is told as a page whose
 * chunks are all used.
 */
export function slabsStats(id: number, add: (name: string, value: number) => void): void {
  const pages = slabsPageCount(id) + (id === powerLargest ? largeBytes / PAGE_BYTES : 0);
  if (pages === 0 || id === SLAB_GLOBAL_PAGE_POOL) return;
  const chunks = pages * perslab[id];
  add('chunk_size', size[id]);
  add('chunks_per_page', perslab[id]);
  add('total_pages', pages);
  add('total_chunks', chunks);
  add('used_chunks', chunks - slCurr[id]);
  add('free_chunks', slCurr[id]);
  add('free_chunks_end', 0); // C has it always 0, too
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

/** Whether as much is allocated as may be. */
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
/** How many pages a class has, or SLAB_GLOBAL_PAGE_POOL. */
export function slabsPageCount(id: number): number {
  return slabList[id].length;
}
