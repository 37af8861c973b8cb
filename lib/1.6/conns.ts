// The connections that there are, by descriptor (memcached.c: conns).
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';

const conns: (Conn | undefined)[] = [];

export function connsInit(): void {
  conns.length = 0;
}

/** `c` is open. Who closes it need not tell. */
export function noteConn(c: Conn): void {
  conns[c.sfd] = c;
}

/** Those that are open, in the order of their descriptors. */
export function openConns(): Conn[] {
  const open: Conn[] = [];
  for (const [fd, c] of conns.entries()) {
    if (c !== undefined && c.sfd === fd && c.state !== ConnState.closing) open.push(c);
  }
  return open;
}
