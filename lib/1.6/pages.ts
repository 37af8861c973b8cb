// The arena of items. It allocates runs of whole megabytes, for the pages of slab classes and for large items. C takes
// them from malloc; here the arena has a fixed size, and freed megabytes can serve either purpose again.
//
// Slab pages come from the low end and runs for large items from the high end, first fit. Pages stay allocated long;
// with separate ends, the holes that large items leave are adjacent.
import type { Ptr } from '../libc/memory';
import { NULL, takeItemsArena } from '../libc/memory';

const PAGE_SHIFT = 20;
export const PAGE_BYTES = 1 << PAGE_SHIFT;

/** By megabyte: at the first of a block its length, at its others INNER; PAGE for a slab page; 0 for a free one. */
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

/** How many megabytes are free, in one run or not. */
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

/** Whether a run of `count` megabytes would be free if all blocks, but no slab pages, were freed. */
export function runFits(count: number): boolean {
  let found = 0;
  for (let at = 0; at < runs.length && found < count; at++) found = runs[at] === PAGE ? 0 : found + 1;
  return found >= count;
}

/** Whether runAlloc returned `p`. */
export function isBlock(p: Ptr): boolean {
  return p % PAGE_BYTES === 0 && runs[pageNumber(p)] > 0;
}

/** A page, aligned to a megabyte; NULL if none is free. Its bytes keep their old values. */
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
