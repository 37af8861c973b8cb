// Reading what follows a command line: the data of an item, or data to throw away.
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import type { Ptr } from '../libc/memory';
import { memmove } from '../libc/string';
import { IT_NBYTES, dataOf, field } from './memcached.h';

/** Maximum bytes of a value: with its \r\n, the length must fit a C int. */
export const DATA_MAX_LENGTH_BYTES = 0x7fffffff - 2;

/** Has the data of `it` read next, straight into the item. completeNread then runs `comm`, one of NREAD_*. */
export function readData(c: Conn, it: Ptr, comm: number): void {
  c.it = it;
  c.cmd = comm;
  c.rcurr = dataOf(it);
  c.rlbytes = field(it, IT_NBYTES);
  c.state = ConnState.nread;
}

/** Has `length` bytes read and thrown away, after the answer if there is one. */
export function swallow(c: Conn, length: number): void {
  c.sbytes = length;
  if (c.state === ConnState.write) c.writeAndGo = ConnState.swallow;
  else c.state = ConnState.swallow;
}

/** Removes the first `n` bytes from rbuf. */
export function consume(c: Conn, n: number): void {
  if (n < c.rbytes) memmove(c.rbuf, c.rbuf + n, c.rbytes - n);
  c.rbytes -= n;
}
