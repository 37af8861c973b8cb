// Judy's place: an associative array from C strings to pointers, by the calls JSLG, JSLI and JSLD (get, insert, delete).
// A chained hash table outside the flat memory that keeps no key of its own: it points to the key that was inserted,
// which must stay where it is as long as it is in. It grows in steps, a few buckets with each insert, so that no request
// waits for all. The hash is HalfSipHash-1-3 with a random key: nobody outside can choose keys that collide.
import { getrandom } from '../reactor/syscalls';
import type { Ptr } from './libc/memory';
import { NULL, dv } from './libc/memory';
import { hasNul, strcmp } from './libc/string';

/** A node is four words: key, value, hash, and the next node of its bucket. Node 0 is C's null pointer. */
const KEY = 0;
const VALUE = 1;
const HASH = 2;
const NEXT = 3;
/** Nodes come in blocks, so that their room grows without being copied. */
const BLOCK_BITS = 14;
const BLOCK_SIZE = 1 << BLOCK_BITS;

const MIN_BUCKETS = 1 << 16;
/** Buckets that one insert moves while the table grows; one would do to be done before it has to grow again. */
const MOVES = 4;

/** `Pvoid_t`: one associative array. */
export class Judy {
  private blocks: Uint32Array[] = [];
  private nodes = 1;
  private freeNodes = 0;
  private count = 0;
  /** By hash, the first node. While it grows, the nodes of old buckets from `moved` on are still in `old`. */
  private buckets = new Uint32Array(MIN_BUCKETS);
  private old: Uint32Array | null = null;
  private moved = 0;
  private readonly k0: number;
  private readonly k1: number;

  constructor() {
    const seed = new Uint32Array(2);
    getrandom(new Uint8Array(seed.buffer));
    [this.k0, this.k1] = seed;
  }

  /** The node of `key`, or 0. */
  find(key: Ptr): number {
    return this.findHashed(key, halfSipHash(key, this.k0, this.k1));
  }

  private findHashed(key: Ptr, hash: number): number {
    let node = this.first(hash);
    while (node !== 0) {
      const block = this.blocks[node >>> BLOCK_BITS];
      const at = (node & (BLOCK_SIZE - 1)) << 2;
      if (block[at + HASH] === hash && strcmp(block[at + KEY], key) === 0) return node;
      node = block[at + NEXT];
    }
    return 0;
  }

  /** The node of `key`, which is made if it is not there; its key is then the one given. */
  insert(key: Ptr): number {
    if (this.old !== null) this.move();
    const hash = halfSipHash(key, this.k0, this.k1);
    const found = this.findHashed(key, hash);
    if (found !== 0) {
      this.set(found, KEY, key);
      return found;
    }
    if (this.count >= this.buckets.length && this.old === null) this.grow();
    const node = this.newNode();
    this.set(node, KEY, key);
    this.set(node, VALUE, NULL);
    this.set(node, HASH, hash);
    this.link(node, hash);
    this.count++;
    return node;
  }

  /** 1 if it was there, 0 otherwise. */
  delete(key: Ptr): number {
    const node = this.find(key);
    if (node === 0) return 0;
    this.unlink(node);
    this.set(node, NEXT, this.freeNodes);
    this.freeNodes = node;
    this.count--;
    return 1;
  }

  value(node: number): Ptr {
    return this.get(node, VALUE);
  }

  setValue(node: number, value: Ptr): void {
    this.set(node, VALUE, value);
  }

  private get(node: number, field: number): number {
    return this.blocks[node >>> BLOCK_BITS][((node & (BLOCK_SIZE - 1)) << 2) + field];
  }

  private set(node: number, field: number, word: number): void {
    this.blocks[node >>> BLOCK_BITS][((node & (BLOCK_SIZE - 1)) << 2) + field] = word;
  }

  /** The buckets in which `hash` is at present. */
  private home(hash: number): Uint32Array {
    if (this.old !== null && (hash & (this.old.length - 1)) >= this.moved) return this.old;
    return this.buckets;
  }

  private first(hash: number): number {
    const home = this.home(hash);
    return home[hash & (home.length - 1)];
  }

  private link(node: number, hash: number): void {
    const home = this.home(hash);
    const bucket = hash & (home.length - 1);
    this.set(node, NEXT, home[bucket]);
    home[bucket] = node;
  }

  private unlink(node: number): void {
    const hash = this.get(node, HASH);
    const home = this.home(hash);
    const bucket = hash & (home.length - 1);
    const next = this.get(node, NEXT);
    if (home[bucket] === node) {
      home[bucket] = next;
      return;
    }
    let before = home[bucket];
    while (this.get(before, NEXT) !== node) before = this.get(before, NEXT);
    this.set(before, NEXT, next);
  }

  private newNode(): number {
    if (this.freeNodes !== 0) {
      const node = this.freeNodes;
      this.freeNodes = this.get(node, NEXT);
      return node;
    }
    if (this.nodes >>> BLOCK_BITS >= this.blocks.length) this.blocks.push(new Uint32Array(BLOCK_SIZE * 4));
    return this.nodes++;
  }

  private grow(): void {
    this.old = this.buckets;
    this.moved = 0;
    this.buckets = new Uint32Array(this.old.length * 2);
  }

  private move(): void {
    for (let i = 0; i < MOVES && this.old !== null; i++) {
      let node = this.old[this.moved++];
      while (node !== 0) {
        const next = this.get(node, NEXT);
        this.link(node, this.get(node, HASH));
        node = next;
      }
      if (this.moved === this.old.length) this.old = null;
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

/** HalfSipHash-1-3 of the C string at `key`: a keyed hash of 32 bits (Aumasson and Bernstein, SipHash). */
function halfSipHash(key: Ptr, k0: number, k1: number): number {
  let v0 = k0 | 0, v1 = k1 | 0, v2 = 0x6c796765 ^ k0, v3 = 0x74656462 ^ k1;
  let p = key;
  let word = dv.getInt32(p, true);
  let finishing = 0; // rounds that are still to come after the last word, which bring a word of zero
  if (hasNul(word)) {
    word = lastWord(word, 0);
    finishing = 4;
  }
  for (;;) {
    v3 ^= word;
    v0 = (v0 + v1) | 0; v1 = (v1 << 5) | (v1 >>> 27); v1 ^= v0; v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0; v3 = (v3 << 8) | (v3 >>> 24); v3 ^= v2;
    v0 = (v0 + v3) | 0; v3 = (v3 << 7) | (v3 >>> 25); v3 ^= v0;
    v2 = (v2 + v1) | 0; v1 = (v1 << 13) | (v1 >>> 19); v1 ^= v2; v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (finishing === 0) {
      p += 4;
      word = dv.getInt32(p, true);
      if (hasNul(word)) {
        word = lastWord(word, p - key);
        finishing = 4;
      }
    } else if (--finishing === 0) {
      return (v1 ^ v3) >>> 0;
    } else if (finishing === 3) {
      v2 ^= 0xff;
      word = 0;
    }
  }
}

/** The last word of a key: the bytes before the NUL that is in `word`, and above them the low byte of the key's length. */
function lastWord(word: number, before: number): number {
  if ((word & 0xff) === 0) return before << 24;
  if ((word & 0xff00) === 0) return (word & 0xff) | ((before + 1) << 24);
  if ((word & 0xff0000) === 0) return (word & 0xffff) | ((before + 2) << 24);
  return (word & 0xffffff) | ((before + 3) << 24);
}
