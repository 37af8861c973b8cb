// watch (proto_text.c: process_watch_command), and the connection that watches: from then on it gets log lines, and may
// send no more commands.
import { EV_PERSIST, EV_READ, EV_WRITE } from '../../reactor/event.h';
import { EAGAIN, EWOULDBLOCK, errno } from '../../reactor/errno.h';
import { eventActive } from '../../reactor/event';
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { updateEvent } from '../memcached';
import { read } from '../libc/unistd';
import { unwatchConnections, watchConnections } from './connevents';
import { isUdp, setWatching } from './conns';
import type { Watcher } from './logger';
import {
  LOG_CONNEVENTS, LOG_DELETIONS, LOG_EVICTIONS, LOG_FETCHERS, LOG_MUTATIONS, LOG_PROXYEVENTS, LOG_PROXYREQS,
  LOG_PROXYUSER, LOG_RAWCMDS, LOG_SYSEVENTS, loggerAddWatcher, loggerCloseWatcher,
} from './logger';
import { ERROR_CLOSE } from './memcached.h';
import { settings } from './settings';
import { abbreviates, ntokens } from './tokens';
import { outString } from './transmit';

/** In C's order: a word may be abbreviated, and the first name that it begins counts. */
const names: readonly (readonly [name: string, eflags: number])[] = [
  ['rawcmds', LOG_RAWCMDS],
  ['evictions', LOG_EVICTIONS],
  ['fetchers', LOG_FETCHERS],
  ['mutations', LOG_MUTATIONS],
  ['sysevents', LOG_SYSEVENTS],
  ['connevents', LOG_CONNEVENTS],
  ['proxyreqs', LOG_PROXYREQS],
  ['proxyevents', LOG_PROXYEVENTS],
  ['proxyuser', LOG_PROXYUSER],
  ['deletions', LOG_DELETIONS],
];

// proto_text.c: process_watch_command
/** The tokens hold the line. */
export function processWatch(c: Conn): void {
  c.noreply = false;
  if (!settings.watchEnabled || isUdp(c)) {
    outString(c, 'CLIENT_ERROR watch commands not allowed');
    return;
  }
  // As in C, which would send log lines before the answers that it has queued.
  if (c.pipelined) {
    outString(c, 'ERROR cannot pipeline other commands before watch');
    return;
  }
  let eflags = ntokens === 1 ? LOG_FETCHERS : 0;
  for (let i = 1; i < ntokens; i++) {
    const known = names.find(([name]) => abbreviates(i, name));
    if (known === undefined) {
      outString(c, 'ERROR');
      return;
    }
    eflags |= known[1];
  }
  const watcher = loggerAddWatcher(c, eflags, 'OK\r\n');
  if (watcher === 'too many') {
    outString(c, 'WATCHER_TOO_MANY log watcher limit reached');
  } else if (watcher === 'failed') {
    outString(c, 'WATCHER_FAILED failed to add log watcher');
  } else {
    if ((eflags & LOG_CONNEVENTS) !== 0) watchConnections();
    beginWatching(c, watcher);
  }
}

/** Gives the connection a protocol of its own, which throws away what the client sends. */
function beginWatching(c: Conn, watcher: Watcher): void {
  const before = c.protocol;
  c.protocol = {
    connNew: () => null,
    tryReadCommand: unexpected,
    completeNread: unexpected,
    drive: () => driveWatcher(c, watcher),
    connClose: () => {
      loggerCloseWatcher(watcher);
      unwatchConnections();
      setWatching(c, false);
      c.wbytes = 0;
      before.connClose(c);
    },
  };
  setWatching(c, true);
  c.closeReason = ERROR_CLOSE; // as in C, however it ends
  c.which = 0; // the event was for the command
  c.state = ConnState.transmit;
}

/** Runs the state transmit. True if driveMachine must stop. */
function driveWatcher(c: Conn, watcher: Watcher): boolean {
  c.rbytes = 0;
  if ((c.which & EV_READ) !== 0) {
    c.which = 0; // one read per event, so that a client that keeps sending does not delay the others
    const res = read(c.sfd, c.rbuf, c.rsize);
    if (res === 0 || (res === -1 && errno !== EAGAIN && errno !== EWOULDBLOCK)) {
      c.state = ConnState.closing;
      return false;
    }
  }
  if (watcher.send()) {
    c.state = ConnState.write;
    c.writeAndGo = ConnState.transmit;
    return false;
  }
  if (updateEvent(c, EV_READ | EV_PERSIST) === 1) return true;
  c.state = ConnState.closing;
  return false;
}

/** For the logger: has driveMachine called for a watcher that has lines to send. */
export function wakeWatcher({ c }: Watcher): void {
  eventActive(c.event, EV_WRITE, 1);
}

function unexpected(): never {
  throw new Error('a watcher sends no commands');
}
