// How a connection begins: which protocol it speaks (memcached.c: try_read_command_negotiate, conn_new).
import type { Conn, Protocol } from '../memcached.h';
import { ConnState, stats } from '../memcached.h';
import { connNew } from '../memcached';
import { u8 } from '../libc/heap';
import { bss } from '../libc/memory';
import { memcpy } from '../libc/string';
import { write } from '../libc/unistd';
import { currentTime } from './clock';
import { connsInit, noteConn } from './conns';
import { resettable } from './memcached.h';
import { text } from './proto_text';
import { settings } from './settings';
import { releaseItems, transmit } from './transmit';

/** The first byte of each request of the binary protocol. */
const BINARY_REQUEST = 0x80;
const TOO_MANY = 'ERROR Too many open connections\r\n';
const line = bss(TOO_MANY.length);

/** How many of the connections are there to accept others. */
let listeners = 0;

/** For the connections that accept others, and for those that have said nothing yet. */
export const negotiating: Protocol = {
  connNew(sfd, initState, eventFlags): Conn | null {
    if (settings.maxconnsFast && stats.currConns - listeners >= settings.maxconns) {
      resettable.rejectedConns++;
      memcpy(line, TOO_MANY, TOO_MANY.length);
      write(sfd, line, TOO_MANY.length);
      return null;
    }
    const c = connNew(sfd, initState, eventFlags);
    if (c === null) return null;
    c.protocol = negotiating;
    c.noreply = c.pipelined = false;
    c.lastCmdTime = currentTime;
    noteConn(c);
    return c;
  },
  tryReadCommand(c): number {
    if (c.rbytes === 0) return 0;
    if (u8[c.rbuf] === BINARY_REQUEST) {
      c.state = ConnState.closing; // the binary protocol is not here yet
      return 1;
    }
    c.protocol = text;
    return text.tryReadCommand(c);
  },
  completeNread(): void {
    throw new Error('no data are read before a command');
  },
  drive: transmit,
  connClose: releaseItems,
};

/** `c` accepts connections of this protocol. */
export function accepting(c: Conn): void {
  c.protocol = negotiating;
  c.lastCmdTime = currentTime;
  noteConn(c);
  listeners++;
}

/** `c` accepts requests by UDP. In C it answers them itself, so they count as no connections. */
export function acceptingUdp(c: Conn): void {
  accepting(c);
  noteConn(c, true);
  c.protocol = {
    ...negotiating,
    connNew(sfd, initState, eventFlags): Conn | null {
      const request = connNew(sfd, initState, eventFlags);
      if (request === null) return null;
      stats.totalConns--;
      request.protocol = negotiating;
      request.noreply = request.pipelined = false;
      request.lastCmdTime = c.lastCmdTime = currentTime;
      noteConn(request, true);
      return request;
    },
  };
}

export function protocolsInit(): void {
  connsInit();
  listeners = 0;
}
