// The one flat memory that C's heap becomes: a pointer is the number of a byte in it, NULL is 0.
// malloc is a binary buddy allocator: blocks are powers of two, and a freed block joins its other half again.
// What is large (MMAP_THRESHOLD, as glibc calls the like) comes from an arena of its own behind the small blocks, so that
// these stay below 2^31, where byte access is fastest.
import { Errx } from '../../reactor/err';
import { setHeap, u32, u8 } from './heap';

/** A pointer: the number of a byte in the flat memory (u32). */
export type Ptr = number;

export const NULL = 0;

/** The smallest block, in bytes, as a power of two; nothing is aligned to less. */
const MIN_ORDER = 8;
const MAX_ORDER = 32;
export const MMAP_THRESHOLD = 1 << 20;
export const MEMORY_MAX = 2 ** 32;

/** What `order` says of a block's first unit beside its order. */
const FREE = 0x40;

/** A part of the memory with its own free blocks. `start` and `end` are multiples of the smallest block. */
interface Arena {
  start: Ptr;
  end: Ptr;
  /** By order, the first free block or NULL; the blocks are linked through their first two words (next, previous). */
  free: Uint32Array;
}

/** What lies before the arenas: NULL, and static storage. */
const STATIC_SIZE = 1 << 16;
let staticEnd = 1 << MIN_ORDER;

let orders = new Uint8Array(0);
let small: Arena;
let large: Arena;
let used = 0;

/**
 * Takes a new memory, all zero, whatever was in the old one: `smallSize` bytes for requests below MMAP_THRESHOLD, and
 * `largeSize` for the others; both are rounded to it. The system commits pages as they are touched. Throws Errx when the
 * system cannot give as much, or both are more than MEMORY_MAX.
 */
export function memoryInit(smallSize: number, largeSize: number): void {
  const smallEnd = roundUp(smallSize);
  const size = smallEnd + roundUp(largeSize);
  if (!(size <= MEMORY_MAX)) throw new Errx(1, `failed to allocate memory: ${size} bytes are more than ${MEMORY_MAX}`);
  let buffer: ArrayBuffer;
  try {
    buffer = new ArrayBuffer(size);
    orders = new Uint8Array(size / (1 << MIN_ORDER));
  } catch {
    throw new Errx(1, `failed to allocate memory: ${size} bytes are not to be had`);
  }
  setHeap(buffer);
  small = arena(STATIC_SIZE, smallEnd);
  large = arena(smallEnd, size);
  used = 0;
}

/**
 * Static storage, good in every memory that memoryInit takes: for what C has on its stack and passes by address
 * (`char temp[256]`). A module takes it once, as it is loaded.
 */
export function bss(size: number): Ptr {
  const p = staticEnd;
  staticEnd = Math.ceil((p + size) / 4) * 4;
  if (staticEnd > STATIC_SIZE) throw new Error(`no ${size} bytes of static storage left`);
  return p;
}

/** malloc(3). NULL when there is no block for `size` bytes. */
export function malloc(size: number): Ptr {
  let order = MIN_ORDER;
  while (2 ** order < size) order++;
  let p = takeBlock(size < MMAP_THRESHOLD ? small : large, order);
  if (p === NULL && size >= MMAP_THRESHOLD) p = takeBlock(small, order);
  if (p !== NULL) {
    orders[p >>> MIN_ORDER] = order;
    used += 2 ** order;
  }
  return p;
}

/** free(3). Throws for what malloc did not give. */
export function free(p: Ptr): void {
  if (p === NULL) return;
  const order = blockOrder(p);
  used -= 2 ** order;
  const home = p < large.start ? small : large;
  let block = p;
  let blockSize = order;
  while (blockSize < MAX_ORDER) {
    const buddy = (block ^ (2 ** blockSize)) >>> 0;
    if (buddy < home.start || buddy + 2 ** blockSize > home.end) break;
    if (orders[buddy >>> MIN_ORDER] !== (blockSize | FREE)) break;
    unlinkBlock(home, buddy, blockSize);
    orders[block >>> MIN_ORDER] = 0;
    block = Math.min(block, buddy);
    blockSize++;
  }
  linkBlock(home, block, blockSize);
}

/** realloc(3). NULL, and the old block stays, when there is no block for `size` bytes. */
export function realloc(p: Ptr, size: number): Ptr {
  if (p === NULL) return malloc(size);
  const oldSize = 2 ** blockOrder(p);
  if (size <= oldSize && size > oldSize / 2) return p;
  const newPtr = malloc(size);
  if (newPtr === NULL) return NULL;
  u8.copyWithin(newPtr, p, p + Math.min(oldSize, size));
  free(p);
  return newPtr;
}

/** struct mallinfo (mallinfo(3)), as far as this allocator knows such things; bytes and counts. */
export interface Mallinfo {
  arena: number;
  ordblks: number;
  smblks: number;
  hblks: number;
  hblkhd: number;
  usmblks: number;
  fsmblks: number;
  uordblks: number;
  fordblks: number;
  keepcost: number;
}

export function mallinfo(): Mallinfo {
  let ordblks = 0;
  for (const { free: lists } of [small, large]) {
    for (const first of lists) {
      for (let p = first; p !== NULL; p = u32[p >>> 2]) ordblks++;
    }
  }
  const total = u8.length;
  return {
    arena: total, ordblks, smblks: 0, hblks: 0, hblkhd: 0, usmblks: 0, fsmblks: 0,
    uordblks: used, fordblks: total - used, keepcost: 0,
  };
}

function roundUp(size: number): number {
  return Math.ceil(size / MMAP_THRESHOLD) * MMAP_THRESHOLD;
}

/** An arena whose bytes from `start` to `end` are free, in the largest aligned blocks that they make. */
function arena(start: Ptr, end: Ptr): Arena {
  const made: Arena = { start, end, free: new Uint32Array(MAX_ORDER + 1) };
  let p = start;
  while (p < end) {
    let order = MIN_ORDER;
    while (order < MAX_ORDER && p % 2 ** (order + 1) === 0 && p + 2 ** (order + 1) <= end) order++;
    linkBlock(made, p, order);
    p += 2 ** order;
  }
  return made;
}

/** The order of the block that malloc gave at `p`. */
function blockOrder(p: Ptr): number {
  const order = p % (1 << MIN_ORDER) === 0 ? orders[p >>> MIN_ORDER] : 0;
  if (!order || order & FREE) throw new Error(`free() or realloc() of ${p}, which is not allocated`);
  return order;
}

function takeBlock(from: Arena, order: number): Ptr {
  let found = order;
  while (found <= MAX_ORDER && from.free[found] === NULL) found++;
  if (found > MAX_ORDER) return NULL;
  const p = from.free[found];
  unlinkBlock(from, p, found);
  while (found > order) {
    found--;
    linkBlock(from, p + 2 ** found, found);
  }
  return p;
}

function linkBlock(home: Arena, p: Ptr, order: number): void {
  const next = home.free[order];
  u32[p >>> 2] = next;
  u32[(p >>> 2) + 1] = NULL;
  if (next !== NULL) u32[(next >>> 2) + 1] = p;
  home.free[order] = p;
  orders[p >>> MIN_ORDER] = order | FREE;
}

function unlinkBlock(home: Arena, p: Ptr, order: number): void {
  const next = u32[p >>> 2];
  const prev = u32[(p >>> 2) + 1];
  if (next !== NULL) u32[(next >>> 2) + 1] = prev;
  if (prev !== NULL) u32[prev >>> 2] = next;
  else home.free[order] = next;
  orders[p >>> MIN_ORDER] = 0;
}
