// The blocks of the checked memory, in use and lately freed, each with its call stacks.
import type { Ptr } from '../../lib/libc/memory';

/** So many freed blocks are remembered. */
const FREED_MAX = 1 << 14;
/** Up to this distance a byte is reported as beside a block. */
const BESIDE_BYTES = 64;

/** Stack frames that are kept, those of the checks included. */
const FRAMES = 24;
const OWN_FRAME = /[\\/]scripts[\\/]checked[\\/]/;

/** A call stack. V8 makes its text on the first read, which costs more than keeping the stack. */
export interface Trace {
  readonly stack?: string;
}

/** The stack of the caller. */
export function trace(): Trace {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const holder: Trace = {};
  Error.captureStackTrace(holder, trace);
  Error.stackTraceLimit = stackTraceLimit;
  return holder;
}

/** A line per function, innermost first, without the frames of the checks. */
export function textOf({ stack = '' }: Trace): string {
  return stack.split('\n').slice(1).filter((line) => !OWN_FRAME.test(line)).join('\n');
}

export interface Block {
  readonly start: Ptr;
  size: number;
  /** The allocating function: 'malloc', 'slabs_alloc'. */
  readonly by: string;
  readonly allocated: Trace;
  freed: Trace | null;
}

export class Blocks {
  private readonly live = new Map<Ptr, Block>();
  /** A ring buffer: `nextFreed` is the next slot to fill. */
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

  /** The blocks in use, in order of allocation. */
  inUse(): Block[] {
    return [...this.live.values()];
  }

  /** The most recently freed block that contained the byte `p`. */
  freedAt(p: Ptr): Block | null {
    for (let i = 1; i <= this.freed.length; i++) {
      const block = this.freed[(this.nextFreed - i + FREED_MAX) % FREED_MAX];
      if (p >= block.start && p < block.start + block.size) return block;
    }
    return null;
  }

  /** The block in use that contains the byte `p`, or the nearest within BESIDE_BYTES. */
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
