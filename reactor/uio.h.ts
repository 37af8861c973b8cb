// <sys/uio.h>: data in several pieces.

/** struct iovec: a part of a buffer. */
export interface Iovec {
  buf: Uint8Array;
  offset: number;
  length: number;
}

/** All pieces in one, where the system cannot be given several. */
export function gather(iov: readonly Iovec[]): Uint8Array {
  return Buffer.concat(iov.map(({ buf, offset, length }) => buf.subarray(offset, offset + length)));
}
