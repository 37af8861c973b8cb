// memcached.c: conn_timeout_thread. -o idle_timeout closes TCP connections that send no command for that many seconds.
// C has a thread for this; here, a timer checks a few connections at a time.
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import type { Conn } from '../memcached.h';
import { ConnState, debugConn } from '../memcached.h';
import { connClose } from '../memcached';
import { currentTime } from './clock';
import { connAt, connsEnd } from './conns';
import { IDLE_TIMEOUT_CLOSE, threadStats } from './memcached.h';
import { settings } from './settings';

/** Descriptors that one step checks, and the pause before the next step. */
const CONNS_PER_SLICE = 100;
const TIMESLICE = { tvSec: 0, tvUsec: 10_000 };

const timeoutEvent = new Event();
/** The descriptor to check next. */
let next = 0;
/** The oldest lastCmdTime of the connections that this pass has seen and kept. */
let oldestLastCmd = 0;

// memcached.c: start_conn_timeout_thread
/** Starts the timer, which runs while the event loop runs. */
export function startConnTimeoutThread(): void {
  if (settings.socketpath !== null) return; // only TCP connections are closed
  next = 0;
  evtimerSet(timeoutEvent, connTimeoutThread, null);
  evtimerAdd(timeoutEvent, { tvSec: settings.idleTimeout, tvUsec: 0 });
}

// memcached.c: conn_timeout_thread
/** One step of a pass. */
function connTimeoutThread(): void {
  if (next === 0) oldestLastCmd = currentTime;
  const end = Math.min(next + CONNS_PER_SLICE, connsEnd());
  for (; next < end; next++) {
    const c = connAt(next);
    // In other states, a connection is in the middle of a command or its reply.
    if (c?.state !== ConnState.read) continue;
    if (currentTime - c.lastCmdTime > settings.idleTimeout) connCloseIdle(c);
    else oldestLastCmd = Math.min(oldestLastCmd, c.lastCmdTime);
  }
  if (next < connsEnd()) {
    evtimerAdd(timeoutEvent, TIMESLICE);
    return;
  }
  next = 0;
  // No connection times out sooner.
  const soonest = settings.idleTimeout - (currentTime - oldestLastCmd) + 1;
  evtimerAdd(timeoutEvent, { tvSec: Math.max(soonest, 1), tvUsec: 0 });
}

// memcached.c: conn_close_idle
function connCloseIdle(c: Conn): void {
  debugConn('%d: idle', c.sfd);
  threadStats.idleKicks++;
  c.closeReason = IDLE_TIMEOUT_CLOSE;
  c.state = ConnState.closing;
  connClose(c);
}
