// <sys/mman.h>: mlockall of what is a C program's memory here, the flat one.
import { mlock } from '../../reactor/ffi';
import { u8 } from './heap';

/** Locks the flat memory alone: V8 returns pages of its own to the system, and dies when it cannot. 0 or -1. */
export function mlockall(): number {
  return mlock(u8);
}
