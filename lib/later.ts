// Fixes of later versions of memcached for dangers of 1.0.4: the code behind the lines marked DEVIATION. Each function
// names the version with the fix, and the reason.
import { EV_PERSIST, EV_READ, EV_WRITE, Event } from '../reactor/event.h';
import { eventDel } from '../reactor/event';
import { evtimerAdd, evtimerPending, evtimerSet } from '../reactor/evtimer';
import type { SockaddrIn } from '../reactor/socket.h';
import { getsockname, lingering } from '../reactor/syscalls';
import type { Conn, Item } from './memcached.h';
import { ConnState, DATA_BUFFER_SIZE, ITEM_DELETED, PACKAGE, itemAt, settings, stats } from './memcached.h';
import { isspace } from './libc/ctype';
import { u8 } from './libc/heap';
import type { Ptr } from './libc/memory';
import { NULL, free, malloc } from './libc/memory';
import type { Ref } from './libc/ref';
import { fprintf, perror, sscanf, stderr } from './libc/stdio';
import { strtonum } from './libc/stdlib';
import { strlen, strncmp } from './libc/string';
import { time } from './libc/time';

// Keys and lengths.

/** 1.2: bytes of a key, at most. */
export const KEY_MAX_LENGTH = 250;
const DATA_MAX_LENGTH_BYTES = 0x7fffffff - 2;

/** 1.2: a key ends at 250 bytes. 1.0.4 reads one of any length into its 256 bytes of stack. */
export function keyTooLong(key: Ptr): boolean {
  return strlen(key) > KEY_MAX_LENGTH;
}

/** 1.4.0: a length may not be negative, nor overflow when its \r\n is added. 1.0.4 goes on with any result. */
export function badLength(len: Ref): boolean {
  return len.value < 0 || len.value > DATA_MAX_LENGTH_BYTES;
}

const refusedLength: Ref = { value: 0 };

/**
 * 1.6.45: the server swallows the data behind a refused storage line, if their length can be read. Before, it ran them
 * as commands, so that the author of the data that a client stores could run commands on its connection. The length is
 * the fifth word, whatever is wrong with the others, and is read as sscanf reads it.
 */
export function swallowRefused(c: Conn, command: Ptr): void {
  let p = command;
  for (let words = 0; words < 4; words++) {
    while (u8[p] !== 0 && !isspace(u8[p])) p++;
    while (isspace(u8[p])) p++;
  }
  if (sscanf(p, '%d', refusedLength) !== 1 || badLength(refusedLength)) return;
  c.writeAndGo = ConnState.swallow;
  c.sbytes = refusedLength.value + 2;
}

// Items.

/** How long after a delete a key cannot be added, at least. */
const DELETE_WINDOW_SECONDS = 4;

/** Whether an item's data are only white space from `ptr` on: then atoi would read beyond their end. */
export function isBlank(ptr: Ptr, it: Item): boolean {
  const end = it.data + it.nbytes - 2;
  while (ptr < end && isspace(u8[ptr])) ptr++;
  return ptr === end;
}

/** Writes a reply line: the port's own outString. */
type OutString = (c: Conn, str: string) => void;

const BAD_LINE = 'CLIENT_ERROR bad command line format';

/** 1.2.0: refuses a get if a key is too long. 1.4.20: then releases the `count` items that it has found. */
export function refuseGet(
  c: Conn, key: Ptr, count: number, itemRemove: (it: Item) => void, outString: OutString,
): boolean {
  if (!keyTooLong(key)) return false;
  for (let i = 0; i < count; i++) itemRemove(itemAt(c.ilist + 4 * i));
  outString(c, BAD_LINE);
  return true;
}

/** 1.2.0: whether a delete is refused. `found` is what sscanf returned: 1.0.4 goes on with what `key` held. */
export function refuseDelete(c: Conn, found: number, key: Ptr, outString: OutString): boolean {
  if (found < 1) outString(c, 'ERROR');
  else if (keyTooLong(key)) outString(c, BAD_LINE);
  else return false;
  return true;
}

/**
 * Whether a delete is answered already. Deleting an item again only renews its time: 1.0.4 adds it to todelete once
 * more, so that a client that repeats a delete makes todelete grow without end. 1.2.2: if todelete has no room, the
 * item stays.
 */
export function answerDelete(c: Conn, it: Item, hasRoom: boolean, outString: OutString): boolean {
  if (it.itFlags & ITEM_DELETED) {
    it.exptime = time() + DELETE_WINDOW_SECONDS;
    outString(c, 'DELETED');
  } else if (!hasRoom) outString(c, 'SERVER_ERROR out of memory');
  else return false;
  return true;
}

// The read buffer and the line in it.

/** 1.4.3: the server processes a full read buffer of this size before reading more; it does not keep a larger one. */
export const READ_BUFFER_HIGHWAT = 32 * 1024;
/** 1.2.0: a connection does not keep a larger item list. */
const ITEM_LIST_HIGHWAT = 400;
const ITEM_LIST_INITIAL = 200;
/** No line is longer. */
const LINE_MAX_BYTES = 2 * 1024 * 1024;
/** A client whose line is no get and has no newline within this many bytes does not speak this protocol. */
const COMMAND_MAX_BYTES = 1024;

/**
 * 1.4.3: a line that goes on and on closes the connection, unless it is a get of many keys. 1.0.4 waits for the
 * newline, and makes rbuf longer and longer. Returns 1 to close the connection, 0 to read on.
 */
export function lineTooLong(c: Conn, outString: OutString): number {
  if (c.rbytes <= COMMAND_MAX_BYTES) return 0;
  if (strncmp(c.rbuf, 'get ', 4) !== 0) {
    c.state = ConnState.closing;
    return 1;
  }
  if (c.rbytes < LINE_MAX_BYTES) return 0;
  c.rbytes = 0; // ignore what we read
  outString(c, 'SERVER_ERROR out of memory');
  c.writeAndGo = ConnState.closing;
  return 1;
}

/** 1.4.0: closes the connection after a failed read. 1.0.4 waits for more, and spins if the error persists. */
export function readFailed(c: Conn): number {
  c.state = ConnState.closing;
  return 1;
}

/**
 * 1.2.0 (conn_shrink) and 1.6.0 (rbuf_release): a connection that waits for its next command has no buffers, and the
 * buffer of one long line is freed. 1.0.4 keeps the longest buffers of each conn structure, even after its close.
 */
export function freeBuffers(c: Conn): void {
  if (c.rsize > READ_BUFFER_HIGHWAT) c.rsize = DATA_BUFFER_SIZE;
  if (c.isize > ITEM_LIST_HIGHWAT) c.isize = ITEM_LIST_INITIAL;
  free(c.rbuf);
  free(c.wbuf);
  free(c.ilist);
  c.rbuf = c.wbuf = c.ilist = NULL;
}

/** 1.2.0: frees the memory of a new connection, and removes its event from libevent's queue, where it would stay. */
export function forget(c: Conn): void {
  stats.connStructs--;
  freeBuffers(c);
  eventDel(c.event);
}

/** After the machine has run: frees the buffers of a connection that waits for a command and has no input. */
function connRests(c: Conn): void {
  if (c.state === ConnState.read && c.rbytes === 0) freeBuffers(c);
}

/** Before the machine runs: allocates buffers again. If there is no memory, it closes the connection. */
function connWakes(c: Conn): void {
  if (c.rbuf !== NULL || c.state === ConnState.listening) return;
  c.rbuf = malloc(c.rsize);
  c.wbuf = malloc(c.wsize);
  c.ilist = malloc(4 * c.isize);
  if (c.rbuf !== NULL && c.wbuf !== NULL && c.ilist !== NULL) return;
  freeBuffers(c);
  c.state = ConnState.closing;
}

// Fairness.

/**
 * 1.4.0 (-R): whether the machine stops to let others be served, after reqsPerEvent commands of this connection: not if
 * no input is left. It goes on as soon as the socket is writable, which it nearly always is.
 */
export function yieldsTurn(c: Conn, update: (c: Conn, newFlags: number) => number): boolean {
  if (c.rbytes === 0) return false;
  if (update(c, EV_WRITE | EV_PERSIST) === 1) {
    stats.connYields++;
    return true;
  }
  // The event is deleted, whatever its flags say: the next update tries again, or closes the connection.
  c.evFlags = 0;
  return false;
}

// Accepting connections.

/** 1.6: the pause after a failed accept. */
const ACCEPT_REST_MS = 10;

/** The listening connections: one in 2003. */
let listenConns: Conn[] = [];
let updateEvent: (c: Conn, newFlags: number) => number = () => 1;
const acceptTimer = new Event();
/** When stderr last got a message that accepting stops: seconds since 1970. */
let toldAt = 0;

/** `c` is the listening connection. */
export function acceptsWith(c: Conn, update: (c: Conn, newFlags: number) => number): void {
  listenConns = [c];
  updateEvent = update;
  toldAt = 0;
  evtimerSet(acceptTimer, () => acceptNewConns(true), null);
  freeBuffers(c);
}

/** 1.4.0 (-l with several addresses): `c` is a further listening connection. */
export function alsoAcceptsWith(c: Conn): void {
  listenConns.push(c);
  freeBuffers(c);
}

/**
 * 1.4.8: starts or stops accepting; meanwhile clients wait in the backlog. After a failed accept 1.0.4 is called again
 * at once, and spins; and it never applies -c.
 */
export function acceptNewConns(doAccept: boolean): void {
  if (listenConns.length === 0) return;
  const full = isFull();
  const accepts = doAccept && !full;
  for (const listenConn of listenConns) {
    if (updateEvent(listenConn, accepts ? EV_READ | EV_PERSIST : 0) === 0) {
      // The event is deleted, whatever its flags say.
      listenConn.evFlags = 0;
      tryAgain();
    }
  }
  // Nothing reports when a closed connection has sent its last bytes.
  if (full && lingering() > 0) tryAgain();
}

/** Whether there are as many connections as -c allows; closed ones that still send bytes count. */
function isFull(): boolean {
  return stats.currConns - listenConns.length + lingering() >= settings.maxconns;
}

/** `c` is a new connection. If it is the last that -c allows, further clients wait until one is closed. */
export function accepted(c: Conn): void {
  freeBuffers(c);
  if (!isFull()) return;
  if (settings.verbose && toldNow()) fprintf(stderr, 'Too many open connections\n');
  acceptNewConns(false);
}

/** accept(2) has failed, with errno; 1.6 tries again a little later in any case. */
export function acceptFailed(message: string): void {
  if (toldNow()) perror(message);
  acceptNewConns(false);
  tryAgain();
}

/** Whether to print a message now: at most once a second, since accept may fail for hours. */
function toldNow(): boolean {
  const now = time();
  if (now === toldAt) return false;
  toldAt = now;
  return true;
}

function tryAgain(): void {
  if (evtimerPending(acceptTimer, null)) return;
  evtimerAdd(acceptTimer, { tvSec: 0, tvUsec: ACCEPT_REST_MS * 1000 });
}

// Bugs.

/**
 * Runs the machine, with buffers for it. If it throws because of a bug, reports that and closes the connection; a bug
 * in 1.0.4 crashes the server, and all connections with it.
 */
export function guarded(driveMachine: (c: Conn) => void, c: Conn, connClose: (c: Conn) => void): void {
  try {
    connWakes(c);
    driveMachine(c);
    connRests(c);
  } catch (error) {
    connFailed(c, error, connClose);
  }
}

/** Gives up the connection in which `error` came. If that failed while closing, does not close it again. */
function connFailed(c: Conn, error: unknown, connClose: (c: Conn) => void): void {
  if (c.state === ConnState.listening) {
    if (toldNow()) told('accepting connections', error);
    acceptNewConns(false);
    tryAgain();
    return;
  }
  told(`connection ${c.sfd}`, error);
  try {
    eventDel(c.event); // first, so that nothing calls the machine again
    if (c.state !== ConnState.closing) {
      c.state = ConnState.closing;
      connClose(c);
    }
  } catch (another) {
    told(`connection ${c.sfd}, closing`, another);
  }
}

/** 1.1.2: an item that was replaced while it was held is freed when the hold ends. A bug in that ends nothing else. */
export function endDelete(it: Item, itemRemove: (it: Item) => void): void {
  try {
    itemRemove(it);
  } catch (error) {
    told('a deleted item', error);
  }
}

function told(where: string, error: unknown): void {
  fprintf(stderr, `${PACKAGE}: ${where}: ${error instanceof Error ? error.stack : String(error)}\n`);
}

// The command line, and features that only later or other programs have.

const MEGABYTE_BYTES = 1024 * 1024;
/** -m at most, in megabytes: what fits 32-bit pointers beside the connections. */
const MEGABYTES_MAX = 4000;

/** 1.4.x: the argument of -m is a number. 1.0.4 takes atoi's result for any word, and 4096 for no limit. */
export function megabytes(optarg: string): number {
  const advice = '; for more, run several and let the clients shard';
  return strtonum('number of megabytes', optarg, 0, MEGABYTES_MAX, advice) * MEGABYTE_BYTES;
}

/** 1.2.0: reports a failed mlockall(2). */
export function reportLock(res: number): void {
  if (res === -1) perror('warning: -k invalid, mlockall() failed');
}

/** 1.2.8 removed `stats maps`, which shows where things are in memory: whether clients may ask for it. */
export const shows = { maps: false };

/** The port that a socket is bound to: -p 0 leaves the choice to the system. */
export function boundPort(sfd: number): number {
  const addr: SockaddrIn = { sinFamily: 0, sinPort: 0, sinAddr: 0 };
  getsockname(sfd, addr);
  return addr.sinPort;
}
