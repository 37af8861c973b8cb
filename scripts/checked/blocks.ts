// The blocks of the checked memory, those in use and those that were freed last, with the stacks of both.
import type { Ptr } from '../../lib/libc/memory';

/** So many freed blocks are remembered. */
const FREED_MAX = 1 << 14;
/** A byte so far from a block is told as being beside it. */
const BESIDE_BYTES = 64;

/** Frames of a stack that are kept, those of the checks included. */
const FRAMES = 24;
const OWN_FRAME = /[\\/]scripts[\\/]checked[\\/]/;

/** A call stack. Its text is made when it is read for the first time, which takes longer than to keep it. */
export interface Trace {
  readonly stack?: string;
}

/** Where the program is. */
export function trace(): Trace {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const holder: Trace = {};
  Error.captureStackTrace(holder, trace);
  Error.stackTraceLimit = stackTraceLimit;
  return holder;
}

/** A line for each function, from the innermost on, without those of the checks. */
export function textOf({ stack = '' }: Trace): string {
  return stack.split('\n').slice(1).filter((line) => !OWN_FRAME.test(line)).join('\n');
}

export interface Block {
  readonly start: Ptr;
  size: number;
  /** What allocated it: 'malloc', 'slabs_alloc'. */
  readonly by: string;
  readonly allocated: Trace;
  freed: Trace | null;
}

export class Blocks {
  private readonly live = new Map<Ptr, Block>();
  /** A ring: the next one is put to `nextFreed`. */
  private readonly freed: Block[] = [];
  private nextFreed = 0;

  add(start: Ptr, size: number, by: string, allocated: Trace): Block {
    const block: Block = { start, size, by, allocated, freed: null };
    this.live.set(start, block);
    return block;
  }

  /** The block in use that starts at `p`. */
  at(p: Ptr): Block | null {
    return this.live.get(p) ?? null;
  }

  free(block: Block, freed: Trace): void {
    this.live.delete(block.start);
    block.freed = freed;
    this.freed[this.nextFreed] = block;
    this.nextFreed = (this.nextFreed + 1) % FREED_MAX;
  }

  /** Those in use, in the order in which they were allocated. */
  inUse(): Block[] {
    return [...this.live.values()];
  }

  /** The block that was freed last of those with the byte `p`. */
  freedAt(p: Ptr): Block | null {
    for (let i = 1; i <= this.freed.length; i++) {
      const block = this.freed[(this.nextFreed - i + FREED_MAX) % FREED_MAX];
      if (p >= block.start && p < block.start + block.size) return block;
    }
    return null;
  }

  /** The block in use with the byte `p`, or the one that is nearest to it, if one is near. */
  near(p: Ptr): Block | null {
    let nearest: Block | null = null;
    let least = BESIDE_BYTES;
    for (const block of this.live.values()) {
      const distance = Math.max(block.start - p, p - (block.start + block.size - 1), 0);
      if (distance > least) continue;
      nearest = block;
      least = distance;
    }
    return nearest;
  }
}
