// stats conns (memcached.c: process_stats_conns, conn_to_str, state_text).
import { sockaddrStorage } from '../../reactor/sockaddr';
import { AF_INET, AF_INET6, AF_UNIX } from '../../reactor/socket.h';
import { getpeername, getsockname } from '../../reactor/syscalls';
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { inetNtoa } from './addresses';
import { currentTime } from './clock';
import { isUdp, isWatching, openConns } from './conns';
import type { AddStat } from './memcached.h';

// memcached.c: state_text
/** C's name for the state of `c`. `asking` is the connection that sent `stats conns`. */
function stateText(c: Conn, asking: Conn): string {
  if (c === asking) return 'conn_parse_cmd';
  if (isUdp(c)) return 'conn_read'; // C's UDP connection reads all requests
  if (isWatching(c)) return 'conn_watch';
  switch (c.state) {
    case ConnState.listening: return 'conn_listening';
    case ConnState.read: return 'conn_read';
    case ConnState.nread: return 'conn_nread';
    case ConnState.swallow: return 'conn_swallow';
    case ConnState.closing: return 'conn_closing';
    case ConnState.write:
    case ConnState.mwrite:
    case ConnState.transmit: return 'conn_mwrite';
  }
}

const NO_ADDRESS = '?:<AF 0>';
const name = sockaddrStorage();

// memcached.c: get_conn_text
/** The address from getsockname or getpeername: `tcp:127.0.0.1:11211`, `udp6:[::1]:11211`, `unix:/path`. */
function connText(c: Conn, call: typeof getsockname): string {
  const transport = isUdp(c) ? 'udp' : 'tcp';
  if (call(c.sfd, name) === -1) return NO_ADDRESS; // the client is gone
  const { ssFamily, in: in4, in6, un } = name;
  switch (ssFamily) {
    case AF_INET: return `${transport}:${inetNtoa(in4.sinAddr)}:${in4.sinPort}`;
    case AF_INET6: return `${transport}6:[${in6.sin6Addr}]:${in6.sin6Port}`;
    case AF_UNIX: return un.sunPath === '' ? NO_ADDRESS : `unix:${un.sunPath}`; // a client has no path
    default: return NO_ADDRESS;
  }
}

// memcached.c: process_stats_conns
export function processStatsConns(asking: Conn, add: AddStat): void {
  for (const c of openConns()) {
    const accepts = c.state === ConnState.listening;
    if (isUdp(c)) add(`${c.sfd}:UDP`, 'UDP');
    add(`${c.sfd}:addr`, connText(c, accepts ? getsockname : getpeername));
    if (!accepts) add(`${c.sfd}:listen_addr`, connText(c, getsockname));
    add(`${c.sfd}:state`, stateText(c, asking));
    add(`${c.sfd}:secs_since_last_cmd`, currentTime - c.lastCmdTime);
  }
}
