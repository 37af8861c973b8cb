// In place of Judy: an associative array from C strings to pointers, with the calls JSLG, JSLI and JSLD (get, insert,
// delete). It is a chained hash table outside of the flat memory. It copies no keys: it points to the inserted key,
// which must not move until it is deleted. It grows by linear hashing, one bucket with each insert, so that
// no request waits for a whole rehash. The hash is HalfSipHash-1-3 with a random key, so that clients cannot choose
// keys that collide.
import { Errx } from '../reactor/err';
import { getrandom } from '../reactor/syscalls';
import type { Ptr } from './libc/memory';
import { dv, u8 } from './libc/heap';
import { NULL } from './libc/memory';
import { firstOf, lowestOf, nulsOf, strcmp } from './libc/string';

/**
 * A node is three words: key, value, and LINK. LINK has the next node of the bucket in its low bits, and above them the
 * topmost bits of the node's own hash, so that a search rarely compares a wrong key. Node 0 is C's null pointer.
 */
const KEY = 0;
const VALUE = 1;
const LINK = 2;
const WORDS = 3;
const INDEX_BITS = 26;
const INDEX = (1 << INDEX_BITS) - 1;

const MIN_BUCKETS = 1 << 16;
/** No item takes less of the flat memory. */
const MIN_ITEM_BYTES = 64;

/** `Pvoid_t`: an associative array with room for every item that fits the flat memory. Only used pages take memory. */
export class Judy {
  private readonly nodes: Int32Array;
  /** How many nodes were ever used, node 0 included. */
  private used = 1;
  private freeNodes = 0;
  private count = 0;

  /** By bucket, the first node. */
  private readonly buckets: Uint32Array;
  /** There are mask + 1 + split buckets: the first `split` and the last `split` use one more bit of the hash. */
  private mask = MIN_BUCKETS - 1;
  private split = 0;

  private readonly k0: number;
  private readonly k1: number;

  constructor() {
    const room = Math.min(Math.max(u8.length / MIN_ITEM_BYTES, MIN_BUCKETS), INDEX);
    try {
      this.nodes = new Int32Array((room + 1) * WORDS);
      this.buckets = new Uint32Array(room + MIN_BUCKETS);
    } catch {
      throw new Errx(1, `failed to allocate memory: a table for ${room} items is not to be had`);
    }
    const seed = new Int32Array(2);
    getrandom(new Uint8Array(seed.buffer));
    [this.k0, this.k1] = seed;
  }

  /** The node of `key`, or 0. */
  find(key: Ptr): number {
    return this.findHashed(key, halfSipHash(key, this.k0, this.k1));
  }

  private findHashed(key: Ptr, hash: number): number {
    const { nodes } = this;
    const tag = hash >>> INDEX_BITS;
    let node = this.buckets[this.bucket(hash)];
    while (node !== 0) {
      const at = node * WORDS;
      const link = nodes[at + LINK];
      if (link >>> INDEX_BITS === tag && strcmp(nodes[at + KEY] >>> 0, key) === 0) return node;
      node = link & INDEX;
    }
    return 0;
  }

  /** The node of `key`, which may be new. The node points to this key from now on. 0 if there is no room. */
  insert(key: Ptr): number {
    const { nodes } = this;
    const hash = halfSipHash(key, this.k0, this.k1);
    const found = this.findHashed(key, hash);
    if (found !== 0) {
      nodes[found * WORDS + KEY] = key;
      return found;
    }
    const node = this.newNode();
    if (node === 0) return 0;
    nodes[node * WORDS + KEY] = key;
    nodes[node * WORDS + VALUE] = NULL;
    this.link(node, hash);
    this.count++;
    if (this.count > this.mask + 1 + this.split) this.splitBucket();
    return node;
  }

  /** 1 if `key` was there, 0 otherwise. */
  delete(key: Ptr): number {
    const hash = halfSipHash(key, this.k0, this.k1);
    const node = this.findHashed(key, hash);
    if (node === 0) return 0;
    this.unlink(node, hash);
    this.nodes[node * WORDS + LINK] = this.freeNodes;
    this.freeNodes = node;
    this.count--;
    return 1;
  }

  /** As a signed word, since V8 would allocate an object for an unsigned one above 2^31. */
  value(node: number): number {
    return this.nodes[node * WORDS + VALUE];
  }

  setValue(node: number, value: Ptr): void {
    this.nodes[node * WORDS + VALUE] = value;
  }

  private bucket(hash: number): number {
    const bucket = hash & this.mask;
    return bucket < this.split ? hash & (this.mask * 2 + 1) : bucket;
  }

  private link(node: number, hash: number): void {
    const { buckets } = this;
    const bucket = this.bucket(hash);
    this.nodes[node * WORDS + LINK] = ((hash >>> INDEX_BITS) << INDEX_BITS) | buckets[bucket];
    buckets[bucket] = node;
  }

  private unlink(node: number, hash: number): void {
    const { buckets, nodes } = this;
    const bucket = this.bucket(hash);
    const next = nodes[node * WORDS + LINK] & INDEX;
    if (buckets[bucket] === node) {
      buckets[bucket] = next;
      return;
    }
    let before = buckets[bucket];
    while ((nodes[before * WORDS + LINK] & INDEX) !== node) before = nodes[before * WORDS + LINK] & INDEX;
    nodes[before * WORDS + LINK] = (nodes[before * WORDS + LINK] & ~INDEX) | next;
  }

  private newNode(): number {
    const node = this.freeNodes;
    if (node !== 0) {
      this.freeNodes = this.nodes[node * WORDS + LINK];
      return node;
    }
    return this.used * WORDS < this.nodes.length ? this.used++ : 0;
  }

  /** Spreads the nodes of one bucket over that bucket and a new one. */
  private splitBucket(): void {
    const { buckets, nodes, split } = this;
    let node = buckets[split];
    buckets[split] = 0;
    this.split++;
    while (node !== 0) {
      const next = nodes[node * WORDS + LINK] & INDEX;
      this.link(node, halfSipHash(nodes[node * WORDS + KEY] >>> 0, this.k0, this.k1));
      node = next;
    }
    if (this.split > this.mask) {
      this.mask = this.mask * 2 + 1;
      this.split = 0;
    }
  }
}

/** JudySLGet: the place of the value of `key` in the array, or 0. */
export function JSLG(array: Judy, key: Ptr): number {
  return array.find(key);
}

/** JudySLIns: the place of the value of `key`, which is NULL if the key was not in the array before. */
export function JSLI(array: Judy, key: Ptr): number {
  return array.insert(key);
}

/** JudySLDel: 1 if `key` was in the array, 0 otherwise. */
export function JSLD(array: Judy, key: Ptr): number {
  return array.delete(key);
}

/** HalfSipHash-1-3 of the C string at `key`: a keyed hash (Aumasson and Bernstein, SipHash), as a signed word. */
function halfSipHash(key: Ptr, k0: number, k1: number): number {
  const words = dv;
  let v0 = k0, v1 = k1, v2 = 0x6c796765 ^ k0, v3 = 0x74656462 ^ k1;
  let p = key;
  for (;;) {
    let word = words.getInt32(p, true);
    const nuls = nulsOf(word);
    // The last word: the bytes before the NUL, and above them the low byte of the key's length.
    if (nuls !== 0) word = (word & ((lowestOf(nuls) >>> 7) - 1)) | ((p - key + firstOf(nuls)) << 24);
    v3 ^= word;
    v0 = (v0 + v1) | 0; v1 = (v1 << 5) | (v1 >>> 27); v1 ^= v0; v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0; v3 = (v3 << 8) | (v3 >>> 24); v3 ^= v2;
    v0 = (v0 + v3) | 0; v3 = (v3 << 7) | (v3 >>> 25); v3 ^= v0;
    v2 = (v2 + v1) | 0; v1 = (v1 << 13) | (v1 >>> 19); v1 ^= v2; v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (nuls !== 0) break;
    p += 4;
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
