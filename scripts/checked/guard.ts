// Decides whether an access to the flat memory is valid, and reports one that is not.
import type { Ptr } from '../../lib/libc/memory';
import type { Block } from './blocks';
import { Blocks, textOf, trace } from './blocks';
import { Shadow } from './shadow';

export type Fault =
  | 'outside of a block' | 'use after free' | 'double free' | 'free of what is no block' | 'a red zone was written to'
  | 'a freed block was written to' | 'bytes were sent that were never written';

/** An error of the program: what it did, where, and which block it was about. */
export class MemoryViolation extends Error {
  override readonly name = 'MemoryViolation';

  /** `address`: the first wrong byte. `touched`, `allocated` and `freed` are stacks; null if there is none. */
  constructor(
    readonly fault: Fault, access: string, readonly address: Ptr, block: Block | null, readonly touched: string,
    readonly allocated: string | null, readonly freed: string | null,
  ) {
    super(`${fault}: ${access}${block === null ? '' : `, ${place(address, block)}`}`);
    this.stack = [
      `${this.name}: ${this.message}`, touched, ...told('allocated', allocated), ...told('freed', freed),
    ].join('\n');
  }
}

function told(what: string, stack: string | null): string[] {
  return stack === null ? [] : [`  ${what}`, stack];
}

function place(address: Ptr, { start, size, by }: Block): string {
  const block = `a block of ${size} bytes (${by})`;
  if (address < start) return `${start - address} before ${block}`;
  return address < start + size ? `${address - start} into ${block}` : `${address - start - size} behind ${block}`;
}

export class Guard {
  shadow = new Shadow(0);
  blocks = new Blocks();
  readonly violations: MemoryViolation[] = [];
  /** Above 0 while an allocator runs, which may touch everything. */
  open = 0;

  /** A new memory: all blocks are forgotten. */
  reset(size: number): void {
    this.shadow = new Shadow(size);
    this.blocks = new Blocks();
  }

  /** Runs `work`, which may touch everything. */
  opened<T>(work: () => T): T {
    this.open++;
    try {
      return work();
    } finally {
      this.open--;
    }
  }

  /** Runs `work` checked, though an allocator has called it. */
  closed<T>(work: () => T): T {
    const { open } = this;
    this.open = 0;
    try {
      return work();
    } finally {
      this.open = open;
    }
  }

  /** Throws unless all `n` bytes at `p` are in blocks. */
  read(p: Ptr, n: number): void {
    if (this.open === 0) this.check(p, n, 'read');
  }

  /** The same, and marks the bytes as written. */
  write(p: Ptr, n: number): void {
    if (this.open > 0) return;
    this.check(p, n, 'write');
    this.shadow.write(p, n);
  }

  copy(to: Ptr, from: Ptr, n: number): void {
    this.read(from, n);
    if (this.open > 0) return;
    this.check(to, n, 'write');
    this.shadow.copy(to, from, n);
  }

  /** Throws unless all bytes that leave the program have been written. */
  send(p: Ptr, n: number): void {
    this.read(p, n);
    const wrong = this.shadow.firstUnwritten(p, n);
    if (wrong === null) return;
    this.violate('bytes were sent that were never written', `${n} bytes at ${p}`, wrong, this.blocks.near(wrong));
  }

  /** The new block may be touched; nothing has been written to it. */
  allocate(p: Ptr, size: number, by: string): Block {
    this.shadow.allocate(p, size);
    return this.blocks.add(p, size, by, trace());
  }

  /** Static storage, which is never freed, and zero at first. */
  allocateStatic(p: Ptr, size: number): void {
    this.allocate(p, size, 'static');
    this.shadow.write(p, size);
  }

  /** The block that starts at `p` needs no more than `size` bytes. */
  trim(p: Ptr, size: number): void {
    const block = this.blocks.at(p);
    if (block === null || block.size <= size) return;
    this.shadow.free(p + size, block.size - size);
    block.size = size;
  }

  /** Nothing may touch the block from now on. */
  free(block: Block): void {
    this.shadow.free(block.start, block.size);
    this.blocks.free(block, trace());
  }

  /** The block that starts at `p`, which is about to be freed. Throws if there is none. */
  blockToFree(p: Ptr, by: string): Block {
    const block = this.blocks.at(p);
    if (block !== null) return block;
    const freed = this.blocks.freedAt(p);
    if (freed?.start === p) return this.violate('double free', `${by} of ${p}`, p, freed);
    return this.violate('free of what is no block', `${by} of ${p}`, p, freed ?? this.blocks.near(p));
  }

  /** Records a violation, and throws it. */
  violate(fault: Fault, access: string, address: Ptr, block: Block | null): never {
    const touched = textOf(trace());
    const { allocated = null, freed = null } = block ?? {};
    const violation = new MemoryViolation(
      fault, access, address, block, touched, allocated && textOf(allocated), freed && textOf(freed),
    );
    this.violations.push(violation);
    throw violation;
  }

  private check(p: Ptr, n: number, access: string): void {
    const wrong = this.shadow.firstOutside(p, n);
    if (wrong === null) return;
    const freed = this.blocks.freedAt(wrong);
    const near = this.blocks.near(wrong);
    const said = `${access} of ${n} ${n === 1 ? 'byte' : 'bytes'} at ${p}`;
    // If it is both behind a block in use and in a freed one, reports the former: overruns are more common.
    if (near !== null && isWithin(p, near)) this.violate('outside of a block', said, wrong, near);
    if (freed !== null) this.violate('use after free', said, wrong, freed);
    this.violate('outside of a block', said, wrong, near);
  }
}

function isWithin(p: Ptr, block: Block): boolean {
  return p >= block.start && p < block.start + block.size;
}
