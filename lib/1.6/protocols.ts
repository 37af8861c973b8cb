// How a connection begins: which protocol it speaks (memcached.c: try_read_command_negotiate, conn_new).
import type { Conn, Protocol } from '../memcached.h';
import { stats } from '../memcached.h';
import { connNew } from '../memcached';
import { u8 } from '../libc/heap';
import { bss } from '../libc/memory';
import { memcpy } from '../libc/string';
import { write } from '../libc/unistd';
import { asciiauth } from './asciiauth';
import { REQUEST } from './binreply';
import { currentTime } from './clock';
import { logConnNew } from './connevents';
import { connsInit, noteConn } from './conns';
import { NORMAL_CLOSE, resettable } from './memcached.h';
import { binary } from './proto_bin';
import { text } from './proto_text';
import { Prot, settings } from './settings';
import { connCleanup, transmit } from './transmit';

const TOO_MANY = 'ERROR Too many open connections\r\n';
const line = bss(TOO_MANY.length);

/** How many connections are listening. */
let listeners = 0;

/** For connections that have sent nothing yet: their first byte decides the protocol. */
const negotiating: Protocol = {
  connNew: () => null,
  // memcached.c: try_read_command_negotiate
  tryReadCommand(c): number {
    if (c.rbytes === 0) return 0;
    c.protocol = u8[c.rbuf] === REQUEST ? binary : text;
    return c.protocol.tryReadCommand(c);
  },
  completeNread(): void {
    throw new Error('no data are read before a command');
  },
  drive: transmit,
  connClose: connCleanup,
};

/** The protocol that connections of kind `prot` begin with. The binary one checks authentication itself. */
function first(prot: Prot): Protocol {
  switch (prot) {
    case Prot.ascii: return settings.authFile === null ? text : asciiauth;
    case Prot.binary: return binary;
    case Prot.negotiating: return negotiating;
  }
}

/** The protocol of a listening connection. New connections begin with `protocol`. */
function acceptor(protocol: Protocol): Protocol {
  return {
    ...negotiating,
    connNew(sfd, initState, eventFlags): Conn | null {
      if (settings.maxconnsFast && stats.currConns - listeners >= settings.maxconns) {
        resettable.rejectedConns++;
        memcpy(line, TOO_MANY, TOO_MANY.length);
        write(sfd, line, TOO_MANY.length);
        return null;
      }
      const c = connNew(sfd, initState, eventFlags);
      if (c === null) return null;
      c.protocol = protocol;
      c.noreply = c.pipelined = false;
      c.closeReason = NORMAL_CLOSE;
      c.authenticated = c.saslStarted = c.saslDone = false;
      c.lastCmdTime = currentTime;
      noteConn(c);
      logConnNew(c);
      return c;
    },
  };
}

/** Makes `c` accept connections of that protocol. */
export function accepting(c: Conn, prot: Prot): void {
  c.protocol = acceptor(first(prot));
  c.lastCmdTime = currentTime;
  noteConn(c);
  listeners++;
}

/** Makes `c` accept UDP requests. They do not count as connections, because in C `c` itself answers them. */
export function acceptingUdp(c: Conn): void {
  accepting(c, Prot.negotiating);
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
