// assoc.c: the hash table. The items of a bucket form a list through IT_H_NEXT. The table grows by linear hashing, a
// bucket with each insert, where C has a thread that moves the items of the whole table. The hash has a random key, so
// that clients cannot choose keys that collide. A command computes it once and passes it on as `hv`, a signed word.
import { Errx } from '../../reactor/err';
import { getrandom } from '../../reactor/syscalls';
import { dv, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { IT_H_NEXT, field, keyOf, nkeyOf, setField } from './memcached.h';

const HASHPOWER_DEFAULT = 16;
/** No item takes less memory. */
const MIN_ITEM_BYTES = 48;

/** The first item of each bucket. */
let buckets = new Int32Array(0);
/** There are mask + 1 + split buckets: the first `split` and the last `split` use one more bit of the hash. */
let mask = 0;
let split = 0;
let count = 0;
let k0 = 0, k1 = 0;

// assoc.c: assoc_init
/**
 * Makes an empty table of 2 ** hashpower buckets, 0 for the default; without `grows` it stays so (C then has no
 * maintenance thread). Throws Errx. Call it after memoryInit.
 */
export function assocInit(hashpower: number, grows = true): void {
  const initial = 2 ** (hashpower || HASHPOWER_DEFAULT);
  const most = grows ? Math.ceil(Math.max(u8.length / MIN_ITEM_BYTES, initial)) : initial;
  try {
    buckets = new Int32Array(most); // the system commits a page on first touch
  } catch {
    throw new Errx(1, 'Failed to init hashtable.');
  }
  mask = initial - 1;
  split = 0;
  count = 0;
  const seed = new Int32Array(2);
  getrandom(new Uint8Array(seed.buffer));
  [k0, k1] = seed;
}

function bucketOf(hv: number): number {
  const bucket = hv & mask;
  return bucket < split ? hv & (mask * 2 + 1) : bucket;
}

// assoc.c: assoc_find
/** The item of a key, or NULL. */
export function assocFind(key: Ptr, nkey: number, hv: number): Ptr {
  let at = buckets[bucketOf(hv)];
  while (at !== NULL) {
    const it = at >>> 0;
    if (nkeyOf(it) === nkey && sameBytes(keyOf(it), key, nkey)) return it;
    at = field(it, IT_H_NEXT);
  }
  return NULL;
}

// assoc.c: assoc_insert
/** The table must have no item with the same key. */
export function assocInsert(it: Ptr, hv: number): void {
  chain(it, bucketOf(hv));
  count++;
  if (count > mask + 1 + split) splitBucket();
}

function chain(it: Ptr, bucket: number): void {
  setField(it, IT_H_NEXT, buckets[bucket]);
  buckets[bucket] = it | 0;
}

// assoc.c: assoc_delete
/** Throws if the item is not in the table. */
export function assocDelete(it: Ptr, hv: number): void {
  putInPlaceOf(it, hv, field(it, IT_H_NEXT));
  setField(it, IT_H_NEXT, NULL);
  count--;
}

/** Puts `newIt`, a copy of `it`, in the place of `it`, which must be in the table. */
export function assocReplace(it: Ptr, newIt: Ptr, hv: number): void {
  setField(newIt, IT_H_NEXT, field(it, IT_H_NEXT));
  putInPlaceOf(it, hv, newIt | 0);
  setField(it, IT_H_NEXT, NULL);
}

/** Makes the link that leads to `it` in its chain lead to `next`, a signed word. */
function putInPlaceOf(it: Ptr, hv: number, next: number): void {
  const bucket = bucketOf(hv);
  let at = buckets[bucket];
  if (at === (it | 0)) {
    buckets[bucket] = next;
  } else {
    let before = NULL;
    while (at !== (it | 0)) {
      if (at === NULL) throw new Error(`item ${it} is not in the hash table`);
      before = at >>> 0;
      at = field(before, IT_H_NEXT);
    }
    setField(before, IT_H_NEXT, next);
  }
}

/** Spreads the items of one bucket over that bucket and a new one. */
function splitBucket(): void {
  if (mask + 1 + split >= buckets.length) return;
  let at = buckets[split];
  buckets[split] = NULL;
  split++;
  while (at !== NULL) {
    const it = at >>> 0;
    at = field(it, IT_H_NEXT);
    chain(it, bucketOf(hashOf(keyOf(it), nkeyOf(it))));
  }
  if (split > mask) {
    mask = mask * 2 + 1;
    split = 0;
  }
}

function sameBytes(a: Ptr, b: Ptr, n: number): boolean {
  const words = dv;
  let i = 0;
  for (; i + 4 <= n; i += 4) if (words.getInt32(a + i, true) !== words.getInt32(b + i, true)) return false;
  const bytes = u8;
  for (; i < n; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

/** hash_power_level: log2 of the number of buckets. It rounds up above three halves, where C doubles its table. */
export function assocHashPower(): number {
  return 32 - Math.clz32(mask) + (split > (mask + 1) / 2 ? 1 : 0);
}

/** hash_bytes: bytes of the buckets. */
export function assocHashBytes(): number {
  return assocBuckets() * 4;
}

/** hash_is_expanding: whether some of the buckets are split, and some are not. */
export function assocIsExpanding(): boolean {
  return split > 0;
}

/** How many buckets there are. */
export function assocBuckets(): number {
  return mask + 1 + split;
}

/** The first item of a bucket, or NULL. */
export function assocBucket(bucket: number): Ptr {
  return buckets[bucket] >>> 0;
}

// hash.c: hash
/** HalfSipHash-1-3 of the `n` bytes at `key` (Aumasson and Bernstein, SipHash), as a signed word. */
export function hashOf(key: Ptr, n: number): number {
  const words = dv;
  let v0 = k0, v1 = k1, v2 = 0x6c796765 ^ k0, v3 = 0x74656462 ^ k1;
  const end = key + (n & ~3);
  for (let p = key; p <= end; p += 4) {
    const word = p < end ? words.getInt32(p, true) : lastWord(p, n);
    v3 ^= word;
    v0 = (v0 + v1) | 0; v1 = (v1 << 5) | (v1 >>> 27); v1 ^= v0; v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0; v3 = (v3 << 8) | (v3 >>> 24); v3 ^= v2;
    v0 = (v0 + v3) | 0; v3 = (v3 << 7) | (v3 >>> 25); v3 ^= v0;
    v2 = (v2 + v1) | 0; v1 = (v1 << 13) | (v1 >>> 19); v1 ^= v2; v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  v2 ^= 0xff;
  for (let i = 0; i < 3; i++) {
    v0 = (v0 + v1) | 0; v1 = (v1 << 5) | (v1 >>> 27); v1 ^= v0; v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0; v3 = (v3 << 8) | (v3 >>> 24); v3 ^= v2;
    v0 = (v0 + v3) | 0; v3 = (v3 << 7) | (v3 >>> 25); v3 ^= v0;
    v2 = (v2 + v1) | 0; v1 = (v1 << 13) | (v1 >>> 19); v1 ^= v2; v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}

/** The last bytes, less than a word, with the low byte of the length as the top byte. */
function lastWord(p: Ptr, n: number): number {
  const bytes = u8;
  let word = n << 24;
  const left = n & 3;
  if (left > 0) word |= bytes[p];
  if (left > 1) word |= bytes[p + 1] << 8;
  if (left > 2) word |= bytes[p + 2] << 16;
  return word;
}
