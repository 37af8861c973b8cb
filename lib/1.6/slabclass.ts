// slabclass_t of slabs.c: the fields of slab classes, as arrays by class number, and the lists of free chunks.
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import {
  IT_NEXT, IT_PREV, IT_REFCOUNT, ITEM_SLABBED, MAX_NUMBER_OF_SLAB_CLASSES, field, setField, setItFlags, setLruId,
  setNkey,
} from './memcached.h';

/** Bytes of a chunk. */
const size = new Uint32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** Chunks per page. */
const perslab = new Uint32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** The first free chunk, as a signed word. Free chunks are linked as items are, and have ITEM_SLABBED. */
const slots = new Int32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** How many chunks are free. */
const slCurr = new Uint32Array(MAX_NUMBER_OF_SLAB_CLASSES);
/** slab_list: the pages, in the order in which the class got them. */
const slabList: Ptr[][] = Array.from({ length: MAX_NUMBER_OF_SLAB_CLASSES }, () => []);

// Exported by a list, so that tsc keeps them as constants here (no `exports.` lookup).
export { perslab, size, slCurr, slabList, slots };

/** Empties all classes. */
export function slabclassInit(): void {
  size.fill(0);
  perslab.fill(0);
  slots.fill(NULL);
  slCurr.fill(0);
  for (const pages of slabList) pages.length = 0;
}

/** Takes the first free chunk of a class, with a refcount of 1 and no flags; NULL if there is none. */
export function takeChunk(id: number): Ptr {
  const it = slots[id] >>> 0;
  if (it === NULL) return NULL;
  const next = field(it, IT_NEXT);
  slots[id] = next;
  if (next !== NULL) setField(next >>> 0, IT_PREV, NULL);
  slCurr[id]--;
  setItFlags(it, 0);
  setField(it, IT_REFCOUNT, 1);
  return it;
}

// slabs.c: do_slabs_unlink_free_chunk
/** Takes a free chunk off the list, wherever it is. */
export function unlinkFreeChunk(id: number, it: Ptr): void {
  const next = field(it, IT_NEXT), prev = field(it, IT_PREV);
  if (next !== NULL) setField(next >>> 0, IT_PREV, prev);
  if (prev !== NULL) setField(prev >>> 0, IT_NEXT, next);
  else slots[id] = next;
  slCurr[id]--;
}

// slabs.c: do_slabs_free
export function freeChunk(p: Ptr, id: number): void {
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
