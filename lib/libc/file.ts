// open, read and close of files, which no backend has to know: their descriptors are Node's.
import { closeSync, openSync, readSync } from 'node:fs';
import { EINVAL, setErrno } from '../../reactor/errno.h';
import type { Ptr } from './memory';
import { u8 } from './heap';

/** open(2) for reading. A descriptor, or -1 and errno. */
export function open(pathname: string): number {
  return attempt(() => openSync(pathname, 'r'));
}

/** read(2) of a file: up to `count` bytes to `buf`. The number of bytes, 0 at its end, or -1 and errno. */
export function read(fd: number, buf: Ptr, count: number): number {
  return attempt(() => readSync(fd, u8, buf, count, null));
}

export function close(fd: number): number {
  return attempt(() => {
    closeSync(fd);
    return 0;
  });
}

function attempt(call: () => number): number {
  try {
    return call();
  } catch (error) {
    const errno = error instanceof Error && 'errno' in error ? error.errno : undefined;
    setErrno(typeof errno === 'number' ? -errno : EINVAL);
    return -1;
  }
}
