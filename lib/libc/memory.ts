// The flat memory, which is C's heap. A pointer is the number of a byte in it; NULL is 0.
//
// malloc is a binary buddy allocator: block sizes are powers of two, and a freed block joins its other half again. The
// small blocks that were freed last stay as they are, for the next request of their size (like glibc's fastbins).
//
// There are three arenas, so that no use of memory can starve another. Small blocks, which every connection needs, lie
// lowest, where byte access is fastest. Large blocks, for long lines and long replies, have an arena of their own. So
// have items, which -m limits.
import { endianness } from 'node:os';
import { Errx } from '../../reactor/err';
import { ENOMEM, setErrno } from '../../reactor/errno.h';
import { setHeap, u32, u8 } from './heap';

/** A pointer: the number of a byte in the flat memory (u32). */
export type Ptr = number;

export const NULL = 0;

/** The smallest block has 2 ** MIN_ORDER bytes. Every block is aligned to that. */
const MIN_ORDER = 8;
const MAX_ORDER = 32;
/** The arena of large blocks serves requests above this size. */
export const SMALL_MAX_BYTES = 1 << 15;
export const MEMORY_MAX_BYTES = 2 ** 32;
/** Every arena's size is a multiple of this. */
const ARENA_UNIT_BYTES = 1 << 20;

/** Flags beside the order of a block in `orders`: the block is free, or kept for the next request. */
const FREE = 0x40;
const KEPT = 0x80;

/** We keep freed blocks up to this order, at most KEPT_MAX of each order. */
const KEPT_MAX_ORDER = 12;
const KEPT_MAX = 256;

/** A part of the memory with its own free blocks. `start` and `end` are multiples of the smallest block. */
interface Arena {
  start: Ptr;
  end: Ptr;
  /** By order, the first free block or NULL; the blocks are linked through their first two words (next, previous). */
  free: Uint32Array;
}

/** The space before the arenas, for NULL and static storage. */
const STATIC_SIZE_BYTES = 1 << 16;
let staticEnd = 1 << MIN_ORDER;
/** Between two pieces of it, so that an overrun of one does not reach another. */
const STATIC_GAP_BYTES = 16;
/** What bss has given out; sizes in bytes. */
export const statics: { start: Ptr; size: number }[] = [];

let orders = new Uint8Array(0);
let small: Arena;
let large: Arena;
let items: Arena;
let used = 0;

/** By order, a stack of the blocks of the small arena that were freed last. */
const kept = Array.from({ length: KEPT_MAX_ORDER + 1 }, () => new Uint32Array(KEPT_MAX));
const keptCount = new Uint32Array(KEPT_MAX_ORDER + 1);

/**
 * Allocates a new memory, all zero, and drops the old one. Its three arenas have `smallSize` bytes for requests up to
 * SMALL_MAX_BYTES, `largeSize` for larger ones, `itemsSize` for mallocForItems, each rounded up to a megabyte. The
 * system commits a page when it is first touched. Throws Errx if the system has less, if it is more than
 * MEMORY_MAX_BYTES, or on a big-endian machine, whose words have their bytes in another order than C's of 2003.
 */
export function memoryInit(smallSize: number, largeSize = 0, itemsSize = 0, byteOrder = endianness()): void {
  if (byteOrder !== 'LE') throw new Errx(1, 'failed to allocate memory: this needs a little-endian machine');
  const smallEnd = roundUp(smallSize);
  const largeEnd = smallEnd + roundUp(largeSize);
  const size = largeEnd + roundUp(itemsSize);
  if (!(size <= MEMORY_MAX_BYTES)) {
    throw new Errx(1, `failed to allocate memory: ${size} bytes are more than ${MEMORY_MAX_BYTES}`);
  }
  let buffer: ArrayBuffer;
  try {
    buffer = new ArrayBuffer(size);
    orders = new Uint8Array(size / (1 << MIN_ORDER));
  } catch {
    throw new Errx(1, `failed to allocate memory: ${size} bytes are not to be had`);
  }
  setHeap(buffer);
  layOut(smallEnd, largeEnd, size);
}

/** All blocks are free, as they were after memoryInit. Bytes stay as they are. */
export function memoryReset(): void {
  orders.fill(0);
  layOut(small.end, large.end, items.end);
}

function layOut(smallEnd: Ptr, largeEnd: Ptr, size: number): void {
  small = arena(STATIC_SIZE_BYTES, smallEnd);
  large = arena(smallEnd, largeEnd);
  items = arena(largeEnd, size);
  keptCount.fill(0);
  used = 0;
}

/**
 * Static storage, which stays valid in every memory of memoryInit. It is for what C has on its stack and passes by
 * address (`char temp[256]`). A module allocates it once, when it is loaded.
 */
export function bss(size: number): Ptr {
  const p = staticEnd;
  staticEnd = Math.ceil((p + size + STATIC_GAP_BYTES) / 4) * 4;
  if (staticEnd > STATIC_SIZE_BYTES) throw new Error(`no ${size} bytes of static storage left`);
  statics.push({ start: p, size });
  return p;
}

/** malloc(3). Returns NULL with ENOMEM if there is no block for `size` bytes. */
export function malloc(size: number): Ptr {
  if (size > SMALL_MAX_BYTES) return allocate(large, size);
  const order = orderFor(size);
  if (order > KEPT_MAX_ORDER || keptCount[order] === 0) return allocate(small, size);
  const p = kept[order][--keptCount[order]];
  orders[p >>> MIN_ORDER] = order;
  used += 1 << order;
  return p;
}

/** malloc(3), from the arena of items. */
export function mallocForItems(size: number): Ptr {
  return allocate(items, size);
}

/**
 * The whole arena of items, from `start` to `end` (multiples of a megabyte), for a caller with an allocator of its own:
 * nothing is left for mallocForItems. Throws if a block of it is in use.
 */
export function takeItemsArena(): { start: Ptr; end: Ptr } {
  const { start, end } = items;
  let unused = 0;
  for (let order = MIN_ORDER; order <= MAX_ORDER; order++) {
    for (let p = items.free[order]; p !== NULL; p = items.free[order]) {
      unlinkBlock(items, p, order);
      unused += 2 ** order;
    }
  }
  if (unused !== end - start) throw new Error('the arena of items is in use');
  used += unused;
  return { start, end };
}

/** free(3). Throws if `p` did not come from malloc. */
export function free(p: Ptr): void {
  if (p === NULL) return;
  const order = blockOrder(p);
  if (order <= KEPT_MAX_ORDER && p < small.end && keptCount[order] < KEPT_MAX) {
    used -= 1 << order; // 2 ** order is a call of pow
    orders[p >>> MIN_ORDER] = order | KEPT;
    kept[order][keptCount[order]++] = p;
    return;
  }
  used -= 2 ** order;
  join(p < small.end ? small : p < large.end ? large : items, p, order);
}

/** realloc(3). Returns NULL with errno, and leaves the old block, if there is no block for `size` bytes. */
export function realloc(p: Ptr, size: number): Ptr {
  return p === NULL ? malloc(size) : move(p, size, malloc);
}

/** realloc(3) for a block of mallocForItems. */
export function reallocForItems(p: Ptr, size: number): Ptr {
  return p === NULL ? mallocForItems(size) : move(p, size, mallocForItems);
}

function move(p: Ptr, size: number, allocateNew: (size: number) => Ptr): Ptr {
  const oldSize = 2 ** blockOrder(p);
  if (size <= oldSize && size > oldSize / 2) return p;
  const newPtr = allocateNew(size);
  if (newPtr === NULL) return NULL;
  u8.copyWithin(newPtr, p, p + Math.min(oldSize, size));
  free(p);
  return newPtr;
}

/** struct mallinfo (mallinfo(3)), as far as it fits this allocator; bytes and counts. */
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
  consolidate();
  let ordblks = 0;
  for (const { free: lists } of [small, large, items]) {
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
  return Math.ceil(size / ARENA_UNIT_BYTES) * ARENA_UNIT_BYTES;
}

/** The order of the smallest block that holds `size` bytes. `size` is at most MEMORY_MAX_BYTES. */
function orderFor(size: number): number {
  return size <= 1 << MIN_ORDER ? MIN_ORDER : 32 - Math.clz32(size - 1);
}

function allocate(from: Arena, size: number): Ptr {
  const order = size <= MEMORY_MAX_BYTES ? orderFor(size) : MAX_ORDER + 1;
  let p = takeBlock(from, order);
  if (p === NULL && from === small && consolidate()) p = takeBlock(from, order);
  if (p === NULL) {
    setErrno(ENOMEM);
    return NULL;
  }
  orders[p >>> MIN_ORDER] = order;
  used += 2 ** order;
  return p;
}

/** Frees the blocks kept for the next request. False if there were none. */
function consolidate(): boolean {
  let freed = false;
  for (const [order, blocks] of kept.entries()) {
    freed ||= keptCount[order] > 0;
    for (let i = 0; i < keptCount[order]; i++) join(small, blocks[i], order);
    keptCount[order] = 0;
  }
  return freed;
}

/** Frees a block, and joins it with its other half as long as that is free, too. */
function join(home: Arena, p: Ptr, order: number): void {
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

/** An arena from `start` to `end`, all free, in the largest possible aligned blocks. */
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

/** The order of the block at `p`, which malloc returned. */
function blockOrder(p: Ptr): number {
  const order = p % (1 << MIN_ORDER) === 0 ? orders[p >>> MIN_ORDER] : 0;
  if (!order || order & (FREE | KEPT)) throw new Error(`free() or realloc() of ${p}, which is not allocated`);
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
