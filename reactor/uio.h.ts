// <sys/uio.h>: data in several pieces, each a part of a buffer.

/** struct iovec: a part of a buffer. */
export interface Iovec {
  buf: Uint8Array;
  offset: number;
  length: number;
}

export function isWithin(buf: Uint8Array, offset: number, length: number): boolean {
  return offset >= 0 && length >= 0 && offset + length <= buf.length;
}

/** All pieces in one, where the system cannot be given several. */
export function gather(iov: readonly Iovec[]): Uint8Array {
  return Buffer.concat(iov.map(({ buf, offset, length }) => buf.subarray(offset, offset + length)));
}
