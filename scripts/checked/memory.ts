// A checking mode of the flat memory, for runs on the simulated backend: what AddressSanitizer and Valgrind do for C.
// It replaces functions of the program's modules, so an unchecked program pays nothing for it.
import heap from '../../lib/libc/heap';
import * as memory from '../../lib/libc/memory';
import { CheckedAllocator } from './allocator';
import { checkCalls } from './calls';
import { checkChunks } from './chunks';
import type { MemoryViolation } from './guard';
import { textOf } from './blocks';
import { Guard } from './guard';
import { replace } from './replace';
import { CheckedDataView, checkedBytes, checkedWords } from './views';

export { MemoryViolation } from './guard';
export type { Fault } from './guard';

export interface CheckedMemory {
  /** All violations so far; each was also thrown where it happened, and may have been caught there. */
  readonly violations: readonly MemoryViolation[];
  /**
   * Looks at the red zones and the freed blocks that are not reused yet: finds writes that bypassed the checks.
   * Throws the violation. Call it between two steps of a run.
   */
  verify(): void;
  /** Runs `look`, which may read everything, free chunks too: for invariants. */
  unchecked<T>(look: () => T): T;
  /** Blocks in use, those of slabs included, with the stack that allocated each: for finding leaks. */
  live(): { start: memory.Ptr; size: number; by: string; readonly allocated: string }[];
  /** Gives the modules their own functions back. The next memoryInit makes an unchecked memory. */
  restore(): void;
}

/**
 * Every memoryInit from now on makes a checked memory. An access outside of a block, or to a freed one, a double free,
 * a write to a red zone, and sending bytes that were never written are violations. A process has one checked memory
 * at a time.
 */
export function checkedMemory(): CheckedMemory {
  const guard = new Guard();
  let raw: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  const allocator = new CheckedAllocator(guard, () => raw);

  const restores = [
    replace(memory, 'memoryInit', (original) => (...args) => {
      original(...args);
      raw = heap.u8;
      guard.reset(raw.length);
      allocator.reset();
      for (const { start, size } of memory.statics) guard.allocateStatic(start, size);
      heap.u8 = checkedBytes(raw, guard);
      heap.u32 = checkedWords(heap.u32, guard);
      heap.i32 = checkedWords(heap.i32, guard);
      heap.dv = new CheckedDataView(raw.buffer, guard);
    }),
    replace(memory, 'bss', (original) => (size) => {
      const start = original(size);
      guard.allocateStatic(start, size);
      return start;
    }),
    ...allocator.install(),
    ...checkCalls(guard, () => raw),
    ...checkChunks(guard, () => raw),
  ];

  return {
    violations: guard.violations,
    verify: () => { allocator.verify(); },
    unchecked: (look) => guard.opened(look),
    live: () => guard.blocks.inUse().map((block) => ({
      start: block.start,
      size: block.size,
      by: block.by,
      // Lazy: making a stack's text is slow.
      get allocated() { return textOf(block.allocated); },
    })),
    restore: () => {
      for (const restore of restores.reverse()) restore();
    },
  };
}
