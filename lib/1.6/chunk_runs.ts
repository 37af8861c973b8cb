// Items that are larger than a chunk and have no block of their own. Such an item takes several adjacent chunks of the
// largest class. (C chains chunks from anywhere. Here, a value is contiguous.)
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import {
  IT_NEXT, IT_REFCOUNT, ITEM_CHUNKED, ITEM_SLABBED, field, itFlags, setField, setItFlags,
} from './memcached.h';
import { PAGE_BYTES, pageNumber, pagesTotal } from './pages';
import { freeChunk, perslab, size, slots, unlinkFreeChunk } from './slabclass';

/** How many free chunks takeRun checks for free neighbours. */
const SEARCHES_MAX = 256;

/** The largest class. */
let id = 0;
/** By chunk of the arena, as if all pages were of that class: 1 if its item begins in an earlier chunk. */
let inner = new Uint8Array(0);

/** Call it after the classes have their sizes, and the arena exists. */
export function runsInit(largest: number): void {
  id = largest;
  inner = new Uint8Array(pagesTotal() * perslab[id]); // the system commits a page on first touch
}

function pageOf(p: Ptr): Ptr {
  return p - p % PAGE_BYTES;
}

function indexOf(p: Ptr): number {
  return pageNumber(p) * perslab[id] + Math.floor(p % PAGE_BYTES / size[id]);
}

/** The first chunk of the item in chunk `p` of the largest class; `p` itself if it is the first chunk, or free. */
export function runHead(p: Ptr): Ptr {
  let head = p;
  while (inner[indexOf(head)] === 1) head -= size[id];
  return head;
}

/** How many chunks of the largest class the item at `p` has; 1 if `p` is a free chunk. */
export function runLength(p: Ptr): number {
  const bytes = size[id], end = pageOf(p) + perslab[id] * bytes;
  let next = p + bytes;
  while (next < end && inner[indexOf(next)] === 1) next += bytes;
  return (next - p) / bytes;
}

/** Takes `count` adjacent free chunks of one page of the largest class for an item with one reference; or NULL. */
export function takeRun(count: number): Ptr {
  let at = slots[id];
  for (let tries = SEARCHES_MAX; tries > 0 && at !== NULL; tries--) {
    const it = runAround(at >>> 0, count);
    if (it !== NULL) return take(it, count);
    at = field(at >>> 0, IT_NEXT);
  }
  return NULL;
}

/** The start of `count` adjacent free chunks of one page, `p` among them, or NULL. */
function runAround(p: Ptr, count: number): Ptr {
  const bytes = size[id], page = pageOf(p), end = page + perslab[id] * bytes;
  let first = p, last = p + bytes;
  while (last - first < count * bytes && first > page && isFree(first - bytes)) first -= bytes;
  while (last - first < count * bytes && last < end && isFree(last)) last += bytes;
  return last - first === count * bytes ? first : NULL;
}

function isFree(p: Ptr): boolean {
  return inner[indexOf(p)] === 0 && itFlags(p) === ITEM_SLABBED;
}

function take(it: Ptr, count: number): Ptr {
  const bytes = size[id];
  for (let i = 0, p = it; i < count; i++, p += bytes) {
    unlinkFreeChunk(id, p);
    if (i > 0) inner[indexOf(p)] = 1;
  }
  setItFlags(it, ITEM_CHUNKED);
  setField(it, IT_REFCOUNT, 1);
  return it;
}

/** Splits an item that is no longer needed into single chunks. Returns how many. */
export function splitRun(it: Ptr): number {
  const count = runLength(it);
  const at = indexOf(it);
  inner.fill(0, at + 1, at + count);
  return count;
}

/** Frees the chunks of an item. */
export function freeRun(it: Ptr): void {
  const bytes = size[id];
  for (let i = splitRun(it) - 1; i >= 0; i--) freeChunk(it + i * bytes, id);
}
