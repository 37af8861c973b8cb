// <unistd.h>: the backend's calls with pointers into the flat memory, and _exit.
import { loadKoffi } from '../../reactor/koffi';
import * as syscalls from '../../reactor/syscalls';
import type { Ptr } from './memory';
import { u8 } from './heap';

/** read(2): up to `count` bytes to `buf`. Returns the number of bytes, 0 at end of stream, or -1 with errno. */
export function read(fd: number, buf: Ptr, count: number): number {
  return syscalls.read(fd, u8, buf, count);
}

/** write(2): up to `count` bytes from `buf`. Returns the number of bytes, or -1 with errno. */
export function write(fd: number, buf: Ptr, count: number): number {
  return syscalls.write(fd, u8, buf, count);
}

export function getpid(): number {
  return process.pid;
}

/** _exit(2): ends the process at once, without Node's own exit. Returns if we have no way to call it. */
export function _exit(status: number): void {
  try {
    const call = loadKoffi()?.load(null).func('void _exit(int)') as ((status: number) => void) | undefined;
    call?.(status);
  } catch {
    // No such symbol: the caller has another way out.
  }
}
