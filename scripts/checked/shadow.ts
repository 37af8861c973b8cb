// The state of each byte of the flat memory: whether the program may touch it, and whether it has been written since
// it was allocated. One byte of state for each byte, so the system commits it as the memory is used.
import type { Ptr } from '../../lib/libc/memory';

/** Within a block. */
const ADDRESSABLE = 1;
/** Written since it was allocated. */
const WRITTEN = 2;
const BOTH = ADDRESSABLE | WRITTEN;
const FOUR_ADDRESSABLE = 0x01010101;
/** For longer searches, a call of a built-in is faster. */
const SHORT_BYTES = 32;

export class Shadow {
  private readonly states: Uint8Array;
  /** The states of four bytes in a word. */
  private readonly words: Uint32Array;

  /** For a memory of `size` bytes, none of them addressable yet. */
  constructor(size: number) {
    this.states = new Uint8Array(size);
    this.words = new Uint32Array(this.states.buffer);
  }

  /** `n` bytes at `p` belong to a new block, and have not been written. */
  allocate(p: Ptr, n: number): void {
    this.states.fill(ADDRESSABLE, p, p + n);
  }

  free(p: Ptr, n: number): void {
    this.states.fill(0, p, p + n);
  }

  /** Marks `n` addressable bytes as written. */
  write(p: Ptr, n: number): void {
    if (n === 1) this.states[p] = BOTH;
    else if (n === 4 && p % 4 === 0) this.words[p >>> 2] = BOTH * FOUR_ADDRESSABLE;
    else this.states.fill(BOTH, p, p + n);
  }

  /** The copy of a byte that was never written has not been written either. */
  copy(to: Ptr, from: Ptr, n: number): void {
    this.states.copyWithin(to, from, from + n);
  }

  isAddressable(p: Ptr): boolean {
    return (this.states[p] & ADDRESSABLE) !== 0;
  }

  /** Whether the word of 32 bits with that index may be touched. */
  isWordAddressable(index: number): boolean {
    return (this.words[index] & FOUR_ADDRESSABLE) === FOUR_ADDRESSABLE;
  }

  /** The first of `n` bytes at `p` that is not addressable; null if there is none. */
  firstOutside(p: Ptr, n: number): Ptr | null {
    if (!Number.isInteger(p) || p < 0 || p + n > this.states.length) return p;
    return this.firstOf(0, p, n);
  }

  /** The first of `n` addressable bytes at `p` that has not been written; null if there is none. */
  firstUnwritten(p: Ptr, n: number): Ptr | null {
    return this.firstOf(ADDRESSABLE, p, n);
  }

  private firstOf(state: number, p: Ptr, n: number): Ptr | null {
    const { states } = this;
    if (n > SHORT_BYTES) {
      const found = states.subarray(p, p + n).indexOf(state);
      return found === -1 ? null : p + found;
    }
    for (let i = p; i < p + n; i++) if (states[i] === state) return i;
    return null;
  }
}
