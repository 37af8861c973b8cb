// logger.c: the lines of `watch connevents` about connections that open and close. Without a watcher of them, this file
// queries no connection and keeps nothing.
import { sockaddrStorage } from '../../reactor/sockaddr';
import { AF_INET, AF_INET6 } from '../../reactor/socket.h';
import { getpeername } from '../../reactor/syscalls';
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { inetNtoa } from './addresses';
import { isUdp, openConns } from './conns';
import { LOG_CONNEVENTS, logText, logger } from './logger';
import { ERROR_CLOSE, NORMAL_CLOSE } from './memcached.h';

/** The peer of each connection: after a reset, getpeername(2) can no longer tell it. */
const peers = new Map<Conn, string>();
const name = sockaddrStorage();

/** Indexed by close_reasons. */
const reasons = ['error', 'normal', 'idle_timeout', 'shutdown'];

function isWatched(c: Conn): boolean {
  return (logger.eflags & LOG_CONNEVENTS) !== 0 && !isUdp(c); // in C a UDP request is no connection
}

// logger.c: _logger_util_addr_endpoint
function endpoint(c: Conn): string {
  if (getpeername(c.sfd, name) === -1) return 'rip= rport=0 transport=tcp'; // the peer is gone
  switch (name.ssFamily) {
    case AF_INET: return `rip=${inetNtoa(name.in.sinAddr)} rport=${name.in.sinPort} transport=tcp`;
    case AF_INET6: return `rip=${name.in6.sin6Addr} rport=${name.in6.sin6Port} transport=tcp`;
    default: return 'rip=unix rport=0 transport=local';
  }
}

/** A watcher of connections has come: notes the peers of those open. */
export function watchConnections(): void {
  for (const c of openConns()) {
    if (c.state !== ConnState.listening && !isUdp(c) && !peers.has(c)) peers.set(c, endpoint(c));
  }
}

/** Forgets the peers if no watcher of connections is left. */
export function unwatchConnections(): void {
  if ((logger.eflags & LOG_CONNEVENTS) === 0) peers.clear();
}

// memcached.c: conn_new
export function logConnNew(c: Conn): void {
  if (!isWatched(c)) return;
  const peer = endpoint(c);
  peers.set(c, peer);
  logText(LOG_CONNEVENTS, ` type=conn_new ${peer} cfd=${c.sfd}`);
}

// memcached.c: conn_close
export function logConnClose(c: Conn): void {
  if (!isWatched(c)) return;
  // driveMachine closes a connection whose client is gone. That is an error if bytes are left to write, or if the
  // connection was reset, and so has no peer any more.
  const failed = c.wbytes > 0 || c.ibytes > 0 || getpeername(c.sfd, name) === -1;
  const reason = failed && c.closeReason === NORMAL_CLOSE ? ERROR_CLOSE : c.closeReason;
  logText(LOG_CONNEVENTS, ` type=conn_close ${peers.get(c) ?? endpoint(c)} reason=${reasons[reason]} cfd=${c.sfd}`);
  peers.delete(c);
}
