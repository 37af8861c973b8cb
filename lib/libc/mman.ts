// <sys/mman.h>: mlockall of what is a C program's memory here, the flat one.
import { mlock } from '../../reactor/ffi';
import { u8 } from './heap';

/** Locks the flat memory; of the rest V8 gives pages back to the system, which it cannot when they are locked. 0 or -1. */
export function mlockall(): number {
  return mlock(u8);
}
