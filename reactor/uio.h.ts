// <sys/uio.h>: data in several pieces.

/** struct iovec: a part of a buffer. */
export interface Iovec {
  buf: Uint8Array;
  offset: number;
  length: number;
}

export function isWithin(buf: Uint8Array, offset: number, length: number): boolean {
  return offset >= 0 && length >= 0 && offset + length <= buf.length;
}

export function areWithin(iov: readonly Iovec[]): boolean {
  for (const { buf, offset, length } of iov) if (!isWithin(buf, offset, length)) return false;
  return true;
}

/** Copies all pieces into one, for a backend that cannot write several. */
export function gather(iov: readonly Iovec[]): Uint8Array {
  return Buffer.concat(iov.map(({ buf, offset, length }) => buf.subarray(offset, offset + length)));
}
