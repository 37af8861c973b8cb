// The open connections, by descriptor (memcached.c: conns).
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';

const conns: (Conn | undefined)[] = [];
/** The connections for UDP: listening sockets, and requests. */
const udp = new Set<Conn>();
/** The connections that have sent `watch`. */
const watching = new Set<Conn>();

export function connsInit(): void {
  conns.length = 0;
  udp.clear();
  watching.clear();
}

/** Notes that `c` is open. Closing needs no call: see connAt. */
export function noteConn(c: Conn, isForUdp = false): void {
  conns[c.sfd] = c;
  if (isForUdp) udp.add(c);
  else udp.delete(c);
}

export function isUdp(c: Conn): boolean {
  return udp.has(c);
}

export function setWatching(c: Conn, is: boolean): void {
  if (is) watching.add(c);
  else watching.delete(c);
}

/** Whether `c` is a watcher: it receives log lines and sends no more commands. */
export function isWatching(c: Conn): boolean {
  return watching.has(c);
}

/** How many UDP requests are open; C does not count them as connections. */
export function udpRequests(): number {
  return udp.size === 0 ? 0 : openConns().filter((c) => isUdp(c) && c.state !== ConnState.listening).length;
}

/** One more than the largest descriptor that a connection has had. */
export function connsEnd(): number {
  return conns.length;
}

/** The open connection with this descriptor, or null. */
export function connAt(fd: number): Conn | null {
  const c = conns.at(fd);
  return c !== undefined && c.sfd === fd && c.state !== ConnState.closing ? c : null;
}

/** All open connections, in the order of their descriptors. */
export function openConns(): Conn[] {
  const open: Conn[] = [];
  for (let fd = 0; fd < conns.length; fd++) {
    const c = connAt(fd);
    if (c !== null) open.push(c);
  }
  return open;
}
