// The arena of items, in megabytes: runs of whole megabytes, for the pages of slab classes and for large items. C takes
// them from malloc; here the arena has a fixed size, and what is freed in it can be used for anything again.
//
// A slab page is taken from the low end and a run for a large item from the high end, the first that fits. Pages stay
// for long, and so the holes of large items lie side by side.
import type { Ptr } from '../libc/memory';
import { NULL, takeItemsArena } from '../libc/memory';

const PAGE_SHIFT = 20;
export const PAGE_BYTES = 1 << PAGE_SHIFT;

/** By megabyte: of the first of a block its length, of the others INNER; PAGE of a slab page; 0 of a free one. */
let runs = new Int16Array(0);
const INNER = -1;
const PAGE = -2;
let start = 0;
/** No megabyte below this one is free. */
let lowest = 0;
let freePages = 0;

/** Takes the arena of items, which must be unused. Call it once after each memoryInit. */
export function pagesInit(): void {
  const arena = takeItemsArena();
  start = arena.start;
  runs = new Int16Array((arena.end - arena.start) / PAGE_BYTES);
  lowest = 0;
  freePages = runs.length;
}

/** How many pages that many bytes fill. */
export function pagesFor(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

/** How many megabytes are free, be they in one run or not. */
export function pagesFree(): number {
  return freePages;
}

/** How many megabytes there are. */
export function pagesTotal(): number {
  return runs.length;
}

/** Which megabyte of the arena `p` is in, from 0. */
export function pageNumber(p: Ptr): number {
  return (p - start) >>> PAGE_SHIFT;
}

/** Whether there would be a run of `count` megabytes, if all blocks were freed, and no slab page. */
export function runFits(count: number): boolean {
  let found = 0;
  for (let at = 0; at < runs.length && found < count; at++) found = runs[at] === PAGE ? 0 : found + 1;
  return found >= count;
}

/** Whether runAlloc returned `p`. */
export function isBlock(p: Ptr): boolean {
  return p % PAGE_BYTES === 0 && runs[pageNumber(p)] > 0;
}

/** A megabyte, aligned to one; NULL if none is free. Its bytes are as they were left. */
export function pageAlloc(): Ptr {
  while (lowest < runs.length && runs[lowest] !== 0) lowest++;
  if (lowest === runs.length) return NULL;
  runs[lowest] = PAGE;
  freePages--;
  return start + lowest * PAGE_BYTES;
}

/** `count` megabytes in one run; NULL if there is no such run. */
export function runAlloc(count: number): Ptr {
  if (count > freePages) return NULL;
  let found = 0;
  for (let at = runs.length - 1; at >= lowest; at--) {
    found = runs[at] === 0 ? found + 1 : 0;
    if (found === count) return take(at, count);
  }
  return NULL;
}

function take(at: number, count: number): Ptr {
  runs.fill(INNER, at, at + count);
  runs[at] = count;
  freePages -= count;
  return start + at * PAGE_BYTES;
}

/** Frees what pageAlloc or runAlloc returned. Returns how many megabytes it was. */
export function runFree(p: Ptr): number {
  const at = (p - start) / PAGE_BYTES;
  const mark = Number.isInteger(at) && p >= start ? runs[at] : 0;
  const count = mark === PAGE ? 1 : mark;
  if (!(count > 0)) throw new Error(`${p} is not the start of a run`);
  runs.fill(0, at, at + count);
  freePages += count;
  if (at < lowest) lowest = at;
  return count;
}
