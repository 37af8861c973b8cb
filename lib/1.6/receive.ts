// What comes behind a command line: the data of an item, or data that nobody wants.
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import type { Ptr } from '../libc/memory';
import { memmove } from '../libc/string';
import { IT_NBYTES, dataOf, field } from './memcached.h';

/** Bytes of a value, at most: with its \r\n they have to be an int of C. */
export const DATA_MAX_LENGTH_BYTES = 0x7fffffff - 2;

/** The data of `it` are read next, straight into it; then the protocol completes `comm`, one of NREAD_*. */
export function readData(c: Conn, it: Ptr, comm: number): void {
  c.it = it;
  c.cmd = comm;
  c.rcurr = dataOf(it);
  c.rlbytes = field(it, IT_NBYTES);
  c.state = ConnState.nread;
}

/** After the answer, if there is one, `length` bytes are read and thrown away. */
export function swallow(c: Conn, length: number): void {
  c.sbytes = length;
  if (c.state === ConnState.write) c.writeAndGo = ConnState.swallow;
  else c.state = ConnState.swallow;
}

/** The first `n` bytes in rbuf are done with. */
export function consume(c: Conn, n: number): void {
  if (n < c.rbytes) memmove(c.rbuf, c.rbuf + n, c.rbytes - n);
  c.rbytes -= n;
}
