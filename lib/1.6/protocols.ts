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

/** How many of the connections are there to accept others. */
let listeners = 0;

/** For those that have said nothing yet: the first byte tells what they speak. */
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

/** What is spoken first, on connections of that protocol. The binary protocol looks itself who it is. */
function first(prot: Prot): Protocol {
  switch (prot) {
    case Prot.ascii: return settings.authFile === null ? text : asciiauth;
    case Prot.binary: return binary;
    case Prot.negotiating: return negotiating;
  }
}

/** For a connection that accepts others, which begin with `protocol`. */
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

/** `c` accepts connections of that protocol. */
export function accepting(c: Conn, prot: Prot): void {
  c.protocol = acceptor(first(prot));
  c.lastCmdTime = currentTime;
  noteConn(c);
  listeners++;
}

/** `c` accepts requests by UDP. In C it answers them itself, so they count as no connections. */
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
