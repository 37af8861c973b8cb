// open, read and close for files on disk. Their descriptors are Node's, and no backend knows them.
import { closeSync, openSync, readSync } from 'node:fs';
import { EINVAL, setErrno } from '../../reactor/errno.h';
import type { Ptr } from './memory';
import { u8 } from './heap';

/** open(2) for reading. Returns a descriptor, or -1 with errno. */
export function open(pathname: string): number {
  return attempt(() => openSync(pathname, 'r'));
}

/** read(2) of a file: up to `count` bytes to `buf`. Returns the number of bytes, 0 at the end, or -1 with errno. */
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
