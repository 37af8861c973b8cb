// thread.c: item_trylock. The server has one thread and needs no locks. Only `debugitem lock` locks an item, by its
// hash, and then the page mover and evictions must leave it alone.
import type { Ptr } from '../libc/memory';
import { hashOf } from './assoc';
import { keyOf, nkeyOf } from './memcached.h';

const locked = new Set<number>();
/** Whether any item is locked. */
let some = false;

export function lock(hv: number): void {
  locked.add(hv);
  some = true;
}

export function unlock(hv: number): void {
  locked.delete(hv);
  some = locked.size > 0;
}

/** Whether the page mover and evictions must leave the item alone. */
export function isLocked(it: Ptr): boolean {
  return some && locked.has(hashOf(keyOf(it), nkeyOf(it)));
}
