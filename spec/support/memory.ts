// The flat memory in specs: access and allocation.
import heap from '../../lib/libc/heap';
import { memoryInit, memoryReset } from '../../lib/libc/memory';

export { bytes, put, putz, text } from '../../scripts/sim/memory';

/** The last memory, and its sizes. */
let last: { u8: Uint8Array; sizes: string } | null = null;

/**
 * Like memoryInit, but without zeroing: reuses the last memory if its sizes are the same, since a new one takes longer
 * than the rest of a start.
 */
export function takeMemory(...sizes: readonly [small: number, large: number, items: number]): void {
  if (last !== null && last.u8 === heap.u8 && last.sizes === sizes.join()) {
    memoryReset();
    return;
  }
  memoryInit(...sizes);
  last = { u8: heap.u8, sizes: sizes.join() };
}
