// items.c: items, and the list of each slab class from the most to the least recently used.
import type { Item } from './memcached.h';
import { ITEM_LINKED, SIZEOF_ITEM, debugItems, item, stats, theItem } from './memcached.h';
import { assocDelete, assocInsert } from './memcached';
import { slabsAlloc, slabsClsid, slabsFree } from './slabs';
import type { Ptr } from './libc/memory';
import { u32 } from './libc/heap';
import { NULL, bss, free, malloc } from './libc/memory';
import { memcpy, memset, strcpy, strlen } from './libc/string';
import type { Ref } from './libc/stdio';
import { sprintf } from './libc/stdio';
import { time } from './libc/time';

/*
 * NOTE: slab ids are taken to be below LARGEST_ID. That's true in the powers-of-2 implementation, but if that changes
 * this should be changed too.
 */

const LARGEST_ID = 32;
/** `item *[LARGEST_ID]` each. */
const heads = new Uint32Array(LARGEST_ID);
const tails = new Uint32Array(LARGEST_ID);
const sizes = new Uint32Array(LARGEST_ID);

// items.c: item_init
export function itemInit(): void {
  let i: number;
  for (i = 0; i < LARGEST_ID; i++) {
    heads[i] = NULL;
    tails[i] = NULL;
    sizes[i] = 0;
  }
}

// items.c: item_alloc
/** An unlinked item with `key` and room for `nbytes` of data; null when it is too large or there is no memory. */
export function itemAlloc(key: Ptr, flags: number, exptime: number, nbytes: number): Item | null {
  let ntotal: number, len: number;
  let it: Item | null;
  let id: number;

  len = strlen(key) + 1; if (len % 4) len += 4 - (len % 4);
  ntotal = SIZEOF_ITEM + len + nbytes;

  id = slabsClsid(ntotal);
  if (id === 0) return null;

  it = item(slabsAlloc(id));
  if (it === null) {
    // Try to get one off the right LRU. Don't necessarily unlink the tail because it may be locked: refcount > 0.
    // Search up from tail an item with refcount == 0 and unlink it; give up after 50 tries.

    let tries = 50;
    let search: Item | null;

    if (id >= LARGEST_ID) return null; // DEVIATION: class 32 is refused: it is one past the arrays
    if (tails[id] === NULL) return null;

    for (search = item(tails[id]); tries > 0 && search; tries--, search = search.prev) {
      if (search.refcount === 0) {
        debugItems('evict %k', search.key);
        itemUnlink(search);
        break;
      }
    }
    it = item(slabsAlloc(id));
    if (it === null) return null;
  }

  it.slabsClsid = id;

  it.next = it.prev = null;
  it.refcount = 0;
  it.itFlags = 0;
  it.key = it.end;
  it.data = it.key + len;
  strcpy(it.key, key);
  it.exptime = exptime;
  it.nbytes = nbytes;
  it.ntotal = ntotal;
  it.flags = flags;
  return it;
}

// items.c: item_free
export function itemFree(it: Item): void {
  slabsFree(it.ptr, it.slabsClsid);
}

// items.c: item_link_q
function itemLinkQ(it: Item): void { // item is the new head
  if (it.slabsClsid > LARGEST_ID) return;
  const head = it.slabsClsid; // heads[head] is C's *head
  const tail = it.slabsClsid;
  it.prev = null;
  it.next = item(heads[head]);
  if (it.next) it.next.prev = it;
  heads[head] = it.ptr;
  if (tails[tail] === NULL) tails[tail] = it.ptr;
  sizes[head]++;
  return;
}

// items.c: item_unlink_q
function itemUnlinkQ(it: Item): void {
  if (it.slabsClsid > LARGEST_ID) return;
  const head = it.slabsClsid;
  const tail = it.slabsClsid;
  const { next, prev } = it;
  if (heads[head] === it.ptr) heads[head] = next === null ? NULL : next.ptr;
  if (tails[tail] === it.ptr) tails[tail] = prev === null ? NULL : prev.ptr;
  if (next) next.prev = prev;
  if (prev) prev.next = next;
  sizes[head]--;
  return;
}

// items.c: item_link
/** Makes an item findable, and the most recently used of its class. */
export function itemLink(it: Item): number {
  it.itFlags |= ITEM_LINKED;
  it.time = time();
  assocInsert(it.key, it);

  stats.currBytes += it.ntotal;
  stats.currItems += 1;
  stats.totalItems += 1;

  itemLinkQ(it);
  debugItems('link %k', it.key);

  return 1;
}

// items.c: item_unlink
/** Removes it from the hash table and the LRU, and frees it unless it is held (refcount > 0). */
export function itemUnlink(it: Item): void {
  debugItems('unlink %k', it.key);
  it.itFlags &= ~ITEM_LINKED;
  assocDelete(it.key);
  itemUnlinkQ(it);
  stats.currBytes -= it.ntotal;
  stats.currItems -= 1;
  if (it.refcount === 0) itemFree(it);
  return;
}

// items.c: item_remove
/** Drops one reference, and frees the item if that was the last one and it is unlinked. */
export function itemRemove(it: Item): void {
  if (it.refcount) it.refcount--;
  if (it.refcount === 0 && (it.itFlags & ITEM_LINKED) === 0) {
    itemFree(it);
  }
}

// items.c: item_update
/** Makes it the most recently used of its class. */
export function itemUpdate(it: Item): void {
  itemUnlinkQ(it);
  it.time = time();
  itemLinkQ(it);
}

// items.c: item_replace
export function itemReplace(it: Item, newIt: Item): number {
  itemUnlink(it);
  return itemLink(newIt);
}

/** What item_cachedump has on its stack in C. */
const temp = bss(512); // DEVIATION: a line has up to 287 bytes [1.2.0]

// items.c: item_cachedump
/** The items of a class, most recently used first, in a block that the caller frees, of `bytes` bytes. Or NULL. */
export function itemCachedump(slabsClsid: number, limit: number, bytes: Ref): Ptr {
  const memlimit = 2 * 1024 * 1024;
  let buffer: Ptr;
  let bufcurr: number;
  let it: Item | null;
  let len: number;
  let shown = 0;

  if (slabsClsid >= LARGEST_ID) return NULL; // DEVIATION: class 32 is refused: it is one past the arrays
  it = item(heads[slabsClsid]);

  buffer = malloc(memlimit);
  if (buffer === NULL) return NULL;
  bufcurr = 0;

  while (true) {
    if (limit && shown >= limit) break;
    if (!it) break;
    sprintf(temp, 'ITEM %s [%u b; %lu s]\r\n', it.key, it.nbytes - 2, it.time);
    len = strlen(temp);
    if (bufcurr + len + 5 > memlimit) break; // 5 is END\r\n
    memcpy(buffer + bufcurr, temp, len); // DEVIATION: no NUL is written one past the buffer [1.1.12]
    bufcurr += len;
    shown++;
    it = it.next;
  }

  memcpy(buffer + bufcurr, 'END\r\n', 5);
  bufcurr += 5;

  bytes.value = bufcurr;
  return buffer;
}

// items.c: item_stats
/** Fills `buffer` with the reply to `stats items`. */
export function itemStats(buffer: Ptr, buflen: number): void {
  let i: number;
  let bufcurr = buffer;
  const now = time();

  if (buflen < 4096) {
    strcpy(buffer, 'SERVER_ERROR out of memory');
    return;
  }

  for (i = 0; i < LARGEST_ID; i++) {
    if (tails[i])
      bufcurr += sprintf(
        bufcurr, 'STAT items:%u:number %u\r\nSTAT items:%u:age %lu\r\n', i, sizes[i], i, now - theItem(tails[i]).time,
      );
  }
  strcpy(bufcurr, 'END');
  return;
}

// items.c: item_stats_sizes
/** Dumps out how many objects there are of each size, with a granularity of 32 bytes; as itemCachedump otherwise. */
export function itemStatsSizes(bytes: Ref): Ptr {
  const numBuckets = 32768; // max 1MB object, divided into 32 bytes size buckets
  const histogram = malloc(numBuckets * 4); // an unsigned int *
  const buf = malloc(1024 * 1024 * 2);
  let i: number;

  if (histogram === NULL || buf === NULL) {
    if (histogram) free(histogram);
    if (buf) free(buf);
    return NULL;
  }

  // Build the histogram.
  memset(histogram, 0, numBuckets * 4); // DEVIATION: the histogram is cleared, not buf [1.1.12]
  for (i = 0; i < LARGEST_ID; i++) {
    let iter = item(heads[i]);
    while (iter) {
      let bucket = Math.trunc(iter.ntotal / 32);
      if (iter.ntotal % 32) bucket++;
      if (bucket < numBuckets) u32[(histogram + 4 * bucket) >>> 2]++;
      iter = iter.next;
    }
  }

  // Write the buffer.
  bytes.value = 0;
  for (i = 0; i < numBuckets; i++) {
    if (u32[(histogram + 4 * i) >>> 2]) {
      bytes.value += sprintf(buf + bytes.value, '%u %u\r\n', i * 32, u32[(histogram + 4 * i) >>> 2]);
    }
  }
  bytes.value += sprintf(buf + bytes.value, 'END\r\n');

  free(histogram);
  return buf;
}
