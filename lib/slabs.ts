// slabs.c: slabs memory allocation, based on powers of 2.
import { debugSlabs } from './memcached.h';
import type { Ptr } from './libc/memory';
import { u32 } from './libc/heap';
// Pages, and the lists of free chunks, have memory of their own.
import { NULL, mallocForItems as malloc, reallocForItems as realloc } from './libc/memory';
import { strcpy } from './libc/string';
import { sprintf } from './libc/stdio';

const POWER_SMALLEST = 6;
const POWER_LARGEST = 20;
const POWER_BLOCK = 1048576;

/** Powers-of-2 allocation structures. */
interface SlabclassT {
  /** Sizes of items. */
  size: number;
  /** How many items per slab. */
  perslab: number;

  /** List of item ptrs: a `void **`. */
  slots: Ptr;
  /** Size of previous array. */
  slTotal: number;
  /** First free slot. */
  slCurr: number;

  /** Pointer to next free item at end of page, or 0. */
  endPagePtr: Ptr;
  /** Number of items remaining at end of last alloced page. */
  endPageFree: number;

  /** How many slabs were allocated for this class. */
  slabs: number;
}

const slabclass: SlabclassT[] = [];
for (let i = 0; i <= POWER_LARGEST; i++) {
  slabclass.push({
    size: 0, perslab: 0, slots: NULL, slTotal: 0, slCurr: 0, endPagePtr: NULL, endPageFree: 0, slabs: 0,
  });
}
let memLimit = 0;
let memMalloced = 0;

// slabs.c: slabs_clsid
/** The class for an object of `size` bytes; 0 for one that is too large. */
export function slabsClsid(size: number): number {
  let res = 1;

  if (size === 0) return 0;
  size--;
  while ((size >>>= 1)) res++;
  if (res < POWER_SMALLEST) res = POWER_SMALLEST;
  if (res > POWER_LARGEST) res = 0;
  return res;
}

// slabs.c: slabs_init
/** `limit` is how many bytes may be allocated; 0 for as many as there are. */
export function slabsInit(limit: number): void {
  let i: number;
  let size = 1;

  memLimit = limit;
  memMalloced = 0; // zero in C, whose main runs once in a process
  for (i = 0; i <= POWER_LARGEST; i++, size *= 2) {
    slabclass[i].size = size;
    slabclass[i].perslab = POWER_BLOCK / size;
    slabclass[i].slots = NULL;
    slabclass[i].slCurr = slabclass[i].slTotal = slabclass[i].slabs = 0;
    slabclass[i].endPagePtr = NULL;
    slabclass[i].endPageFree = 0;
  }
}

// slabs.c: slabs_newslab
function slabsNewslab(id: number): number {
  const p = slabclass[id];
  const num = p.perslab;
  const len = POWER_BLOCK;
  let ptr: Ptr;

  if (memLimit && memMalloced + len > memLimit) return 0;

  ptr = malloc(len);
  if (ptr === NULL) return 0;

  p.endPagePtr = ptr;
  p.endPageFree = num;

  p.slabs++;
  memMalloced += len;
  debugSlabs('class %d: page %d at %d', id, p.slabs, ptr);
  return 1;
}

// slabs.c: slabs_alloc
/** A chunk of class `id`; NULL when there is none. */
export function slabsAlloc(id: number): Ptr {
  let p: SlabclassT;

  if (id < POWER_SMALLEST || id > POWER_LARGEST) return NULL;

  p = slabclass[id];

  // Fail unless we have space at the end of a recently allocated page, we have something on our freelist, or we could
  // allocate a new page.
  if (!(p.endPagePtr || p.slCurr || slabsNewslab(id))) return NULL;

  // Return off our freelist, if we have one.
  if (p.slCurr) return u32[(p.slots + 4 * --p.slCurr) >>> 2];

  // If we recently allocated a whole page, return from that.
  if (p.endPagePtr) {
    const ptr = p.endPagePtr;
    if (--p.endPageFree) {
      p.endPagePtr += p.size;
    } else {
      p.endPagePtr = NULL;
    }
    return ptr;
  }

  return NULL; // shouldn't ever get here
}

// slabs.c: slabs_free
/** Gives back a chunk of class `id`. */
export function slabsFree(ptr: Ptr, id: number): void {
  let p: SlabclassT;
  let newSlots: Ptr;

  if (id < POWER_SMALLEST || id > POWER_LARGEST) return;

  p = slabclass[id];

  if (p.slCurr === p.slTotal) {
    // need more space on the free list
    const newSize = p.slTotal ? p.slTotal * 2 : 16; // 16 is arbitrary
    newSlots = realloc(p.slots, newSize * 4);
    if (newSlots === NULL) return;
    p.slots = newSlots;
    p.slTotal = newSize;
  }
  u32[(p.slots + 4 * p.slCurr++) >>> 2] = ptr;
  return;
}

// slabs.c: slabs_stats
/** Fills `buffer` with the reply to `stats slabs`. */
export function slabsStats(buffer: Ptr, buflen: number): void {
  let i: number, total: number;
  let bufcurr = buffer;

  if (buflen < 4096) {
    strcpy(buffer, 'ERROR buffer too small');
    return;
  }

  total = 0;
  for (i = POWER_SMALLEST; i <= POWER_LARGEST; i++) {
    const p = slabclass[i];
    if (p.slabs) {
      let perslab: number, slabs: number;

      slabs = p.slabs;
      perslab = p.perslab;

      bufcurr += sprintf(bufcurr, 'STAT %d:chunk_size %u\r\n', i, p.size);
      bufcurr += sprintf(bufcurr, 'STAT %d:chunks_per_page %u\r\n', i, perslab);
      bufcurr += sprintf(bufcurr, 'STAT %d:total_pages %u\r\n', i, slabs);
      bufcurr += sprintf(bufcurr, 'STAT %d:total_chunks %u\r\n', i, slabs * perslab);
      // Never allocated chunks count as used, as in C.
      bufcurr += sprintf(bufcurr, 'STAT %d:used_chunks %u\r\n', i, slabs * perslab - p.slCurr);
      bufcurr += sprintf(bufcurr, 'STAT %d:free_chunks %u\r\n', i, p.slCurr);
      bufcurr += sprintf(bufcurr, 'STAT %d:free_chunks_end %u\r\n', i, p.endPageFree);
      total++;
    }
  }
  bufcurr += sprintf(bufcurr, 'STAT active_slabs %d\r\nSTAT total_malloced %u\r\n', total, memMalloced);
  strcpy(bufcurr, 'END');
  return;
}
