// The connections that there are, by descriptor (memcached.c: conns).
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';

const conns: (Conn | undefined)[] = [];
/** Those that are for UDP: sockets that take requests, and requests. */
const udp = new Set<Conn>();
/** Those that have sent `watch`. */
const watching = new Set<Conn>();

export function connsInit(): void {
  conns.length = 0;
  udp.clear();
  watching.clear();
}

/** `c` is open. Who closes it need not tell. */
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

/** Whether it is told what happens, and sends no more commands. */
export function isWatching(c: Conn): boolean {
  return watching.has(c);
}

/** How many requests by UDP are open, which C does not count as connections. */
export function udpRequests(): number {
  return udp.size === 0 ? 0 : openConns().filter((c) => isUdp(c) && c.state !== ConnState.listening).length;
}

/** Above all descriptors that connections have had. */
export function connsEnd(): number {
  return conns.length;
}

/** The open connection of that descriptor, or null. */
export function connAt(fd: number): Conn | null {
  const c = conns.at(fd);
  return c !== undefined && c.sfd === fd && c.state !== ConnState.closing ? c : null;
}

/** Those that are open, in the order of their descriptors. */
export function openConns(): Conn[] {
  const open: Conn[] = [];
  for (let fd = 0; fd < conns.length; fd++) {
    const c = connAt(fd);
    if (c !== null) open.push(c);
  }
  return open;
}
