// stats conns (memcached.c: process_stats_conns, conn_to_str, state_text).
import { getsockname } from '../../reactor/syscalls';
import type { SockaddrIn } from '../../reactor/socket.h';
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { currentTime } from './clock';
import { openConns } from './conns';
import type { AddStat } from './memcached.h';

// memcached.c: state_text
/** A state by the name that C has for it. `asking` is the connection that is asking. */
function stateText(c: Conn, asking: Conn): string {
  if (c === asking) return 'conn_parse_cmd';
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

const name: SockaddrIn = { sinFamily: 0, sinPort: 0, sinAddr: 0 };

// memcached.c: get_conn_text
function connText(fd: number): string {
  if (getsockname(fd, name) === -1) return '?:<AF 0>';
  const { sinAddr, sinPort } = name;
  return `tcp:${sinAddr >>> 24}.${(sinAddr >>> 16) & 255}.${(sinAddr >>> 8) & 255}.${sinAddr & 255}:${sinPort}`;
}

// memcached.c: process_stats_conns
export function processStatsConns(asking: Conn, add: AddStat): void {
  for (const c of openConns()) {
    add(`${c.sfd}:addr`, connText(c.sfd));
    if (c.state !== ConnState.listening) add(`${c.sfd}:listen_addr`, connText(c.sfd));
    add(`${c.sfd}:state`, stateText(c, asking));
    add(`${c.sfd}:secs_since_last_cmd`, currentTime - c.lastCmdTime);
  }
}
