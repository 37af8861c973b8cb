// The flat memory of all runs in this process: allocated once, and zeroed when a run begins. Parts of the items' arena
// are zeroed when they are allocated.
import * as memory from '../../lib/libc/memory';
import { NULL, memoryInit, memoryReset } from '../../lib/libc/memory';
import type { Ptr } from '../../lib/libc/memory';
import { u8 } from '../../lib/libc/heap';
import * as pages from '../../lib/1.6/pages';
import { replace } from '../checked/replace';
import { isChecked } from './checking';

const MIB = 1 << 20;
const SMALL_BYTES = MIB;
const LARGE_BYTES = 5 * MIB;
const ITEMS_BYTES = 10 * MIB;

/** Where the memory of items begins. */
export const ITEMS_START: Ptr = SMALL_BYTES + LARGE_BYTES;
/** Static storage, which modules fill once, ends here. */
const STATIC_END = 1 << 16;

let isTaken = false;

export function freshMemory(): void {
  if (!isTaken || isChecked()) {
    memoryInit(SMALL_BYTES, LARGE_BYTES, ITEMS_BYTES);
    isTaken = true;
    return;
  }
  memoryReset();
  u8.fill(0, STATIC_END, ITEMS_START);
}

function cleared(p: Ptr, length: number): Ptr {
  if (p !== NULL) u8.fill(0, p, p + length);
  return p;
}

replace(memory, 'mallocForItems', (original) => (size) => cleared(original(size), size));
replace(pages, 'pageAlloc', (original) => () => cleared(original(), MIB));
replace(pages, 'runAlloc', (original) => (count) => cleared(original(count), count * MIB));
