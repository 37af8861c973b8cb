// A checking mode of the flat memory, for runs on the simulated backend: what AddressSanitizer and Valgrind do for C.
// It replaces functions of the program's modules, so a program that is not checked is as it would be without this.
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
  /** Those that were found; each has also been thrown where it came about, and may have been caught there. */
  readonly violations: readonly MemoryViolation[];
  /**
   * Looks at the red zones, and at what was freed and is not used again yet: finds what was written past the checks.
   * Throws the violation. Call it between two steps of a run.
   */
  verify(): void;
  /** Runs `look`, which may read everything, free chunks too: for invariants. */
  unchecked<T>(look: () => T): T;
  /** Blocks in use, those of slabs included: where each was allocated, for whoever looks for a leak. */
  live(): { start: memory.Ptr; size: number; by: string; allocated: string }[];
  /** The modules have their own functions again. The next memoryInit makes a memory that is not checked. */
  restore(): void;
}

/**
 * Every memoryInit from now on makes a checked memory. An access outside of a block, or to a freed one, a double free,
 * a red zone that was written to, and bytes that are sent though nobody wrote them are violations. A process has one
 * checked memory at a time.
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
    live: () => guard.blocks.inUse().map(({ start, size, by, allocated }) => {
      return { start, size, by, allocated: textOf(allocated) };
    }),
    restore: () => {
      for (const restore of restores.reverse()) restore();
    },
  };
}
