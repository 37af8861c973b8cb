// <unistd.h> as the port sees it: the backend's calls that take pointers, into the flat memory, and the process.
import { loadKoffi } from '../../reactor/koffi';
import * as syscalls from '../../reactor/syscalls';
import type { Ptr } from './memory';
import { u8 } from './heap';

/** read(2): up to `count` bytes to `buf`. The number of bytes, 0 at end of stream, or -1 and errno. */
export function read(fd: number, buf: Ptr, count: number): number {
  return syscalls.read(fd, u8, buf, count);
}

/** write(2): up to `count` bytes from `buf`. The number of bytes, or -1 and errno. */
export function write(fd: number, buf: Ptr, count: number): number {
  return syscalls.write(fd, u8, buf, count);
}

export function getpid(): number {
  return process.pid;
}

/** _exit(2): ends the process at once, and runs nothing of Node's. Returns where there is no way to call it. */
export function _exit(status: number): void {
  try {
    const call = loadKoffi()?.load(null).func('void _exit(int)') as ((status: number) => void) | undefined;
    call?.(status);
  } catch {
    // No such symbol: the caller has another way out.
  }
}
