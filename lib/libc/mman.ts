// <sys/mman.h>: calls for the flat memory, which is the C program's memory here.
import { ENOSYS, setErrno } from '../../reactor/errno.h';
import { loadKoffi } from '../../reactor/koffi';
import { u8 } from './heap';

/** Linux's value. */
const MADV_HUGEPAGE = 14;
/** The largest page of any system. */
const PAGE_BYTES_MAX = 64 * 1024;

/** Locks the flat memory only, since V8 returns pages to the system, and dies if they are locked. 0 or -1. */
export function mlockall(): number {
  return called('int mlock(uintptr_t, size_t)', 1);
}

/** Asks for huge pages for the flat memory, but for a part of its first page. 0 or -1. */
export function madviseHugePages(): number {
  return called('int madvise(uintptr_t, size_t, int)', PAGE_BYTES_MAX, MADV_HUGEPAGE);
}

/**
 * Calls a function with the address and length of the flat memory, from the first address that is a multiple of
 * `alignment`. 0, or -1 with errno: ENOSYS if we have no way to call it.
 */
function called(prototype: string, alignment: number, ...more: number[]): number {
  const koffi = loadKoffi();
  if (koffi === null) {
    setErrno(ENOSYS);
    return -1;
  }
  try {
    const call = koffi.load(null).func(prototype) as (addr: number, length: number, ...more: number[]) => number;
    const address = Number(koffi.address(u8.buffer)) + u8.byteOffset;
    const start = Math.ceil(address / alignment) * alignment;
    const res = call(start, address + u8.length - start, ...more);
    if (res === -1) setErrno(koffi.errno());
    return res;
  } catch {
    setErrno(ENOSYS);
    return -1;
  }
}
