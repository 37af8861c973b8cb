// <sys/mman.h>: mlockall for the flat memory, which is the C program's memory here.
import { ENOSYS, setErrno } from '../../reactor/errno.h';
import { loadKoffi } from '../../reactor/koffi';
import { u8 } from './heap';

/** Locks the flat memory only, since V8 returns pages to the system, and dies if they are locked. 0 or -1. */
export function mlockall(): number {
  return mlock(u8);
}

/** mlock(2) for the memory of `buf`. 0, or -1 with errno: ENOSYS if we have no way to call it. */
function mlock(buf: Uint8Array): number {
  const koffi = loadKoffi();
  if (koffi === null) {
    setErrno(ENOSYS);
    return -1;
  }
  try {
    const call = koffi.load(null).func('int mlock(uintptr_t, size_t)') as (addr: number, length: number) => number;
    const res = call(Number(koffi.address(buf.buffer)) + buf.byteOffset, buf.length);
    if (res === -1) setErrno(koffi.errno());
    return res;
  } catch {
    setErrno(ENOSYS);
    return -1;
  }
}
