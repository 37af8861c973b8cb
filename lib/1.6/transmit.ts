// Sending the reply to a command: a line, items, or a long text (memcached.c: out_string, resp_add_iov, transmit).
// Small items are copied to wbuf one after the other, and are sent in the state write of 2003. If an item does not fit,
// its data are sent from the item itself, in the state transmit.
import { EV_PERSIST, EV_WRITE } from '../../reactor/event.h';
import { EAGAIN, EWOULDBLOCK, errno } from '../../reactor/errno.h';
import { sendmsg } from '../../reactor/syscalls';
import type { Iovec } from '../../reactor/uio.h';
import type { Conn } from '../memcached.h';
import { ConnState, stats } from '../memcached.h';
import { outString as writeLine, updateEvent } from '../memcached';
import { i32, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL, malloc, realloc } from '../libc/memory';
import { putNumber } from '../libc/number';
import { fprintf, stderr } from '../libc/stdio';
import type { CString } from '../libc/string';
import { memcpy, str } from '../libc/string';
import { write } from '../libc/unistd';
import { logConnClose } from './connevents';
import { hold, itemRemove } from './items';
import { IT_CAS_HI, IT_CAS_LO, IT_NBYTES, clientFlagsOf, dataOf, field, keyOf, nkeyOf } from './memcached.h';
import { settings } from './settings';
import { put } from './u64';

export const BAD_LINE = 'CLIENT_ERROR bad command line format';

/** How an item is sent: with a VALUE line, with the cas in that line, or as data alone, with \r\n or without. */
export const VALUE = 0;
export const VALUE_CAS = 1;
export const DATA = 2;
export const DATA_WITHOUT_CRLF = 3;
/** Added to one of these: more of this answer will follow, so it has no END yet. */
export const MORE = 4;
const KIND = 3;

/** Maximum bytes of a VALUE line without its key. */
const VALUE_LINE_MAX = 51;
const END = 'END\r\n';
const CRLF = 2;

// memcached.c: out_string
/** Answers with `line`, given without its \r\n, unless the client wants no answer. */
export function outString(c: Conn, line: CString): void {
  if (c.noreply) {
    c.noreply = false;
    c.state = ConnState.read;
    return;
  }
  if (settings.verbose > 1) fprintf(stderr, `>${c.sfd} ${typeof line === 'string' ? line : str(line)}\n`);
  writeLine(c, line);
}

// memcached.c: out_errstring
/** Answers with a line even if the client wants no answer. */
export function outErrstring(c: Conn, line: CString): void {
  c.noreply = false;
  outString(c, line);
}

// memcached.c: write_and_free
/** Answers with a text that may be long. */
export function writeAndFree(c: Conn, text: string): void {
  if (!sendText(c, text)) outErrstring(c, 'SERVER_ERROR out of memory writing stats');
}

/** Like writeAndFree, but returns false, without an answer, if there is no memory. */
export function sendText(c: Conn, text: string): boolean {
  const buf = malloc(text.length);
  if (buf === NULL) return false;
  memcpy(buf, text, text.length);
  c.writeAndFree = buf;
  c.wcurr = buf;
  c.wbytes = text.length;
  c.state = ConnState.write;
  c.writeAndGo = ConnState.read;
  return true;
}

/** Begins an answer: empties wbuf and the list of items. */
export function begin(c: Conn): void {
  c.wcurr = c.wbuf;
  c.wbytes = 0;
  c.icurr = c.ilist;
  c.ileft = 0;
  c.ibytes = 0;
}

/** Adds an item to the answer. False if there is no memory to list it. */
export function addItem(c: Conn, it: Ptr, kind: number): boolean {
  if (c.ileft === 0 && putItem(c, it, kind)) return true;
  if (c.ileft >= c.isize) {
    const list = realloc(c.ilist, 4 * c.isize * 2);
    if (list === NULL) return false;
    c.isize *= 2;
    c.ilist = c.icurr = list;
  }
  hold(it); // until it is sent
  i32[(c.ilist + 4 * c.ileft++) >>> 2] = it | 0;
  return true;
}

/** Copies an item to wbuf. False if it does not fit with an END after it. */
function putItem(c: Conn, it: Ptr, kind: number): boolean {
  const nbytes = field(it, IT_NBYTES) - (kind === DATA_WITHOUT_CRLF ? CRLF : 0);
  const head = kind < DATA ? VALUE_LINE_MAX + nkeyOf(it) : 0;
  if (c.wbytes + head + nbytes + END.length > c.wsize) return false;
  const start = c.wbuf + c.wbytes;
  const data = kind < DATA ? putValueLine(start, it, kind === VALUE_CAS) : start;
  memcpy(data, dataOf(it), nbytes);
  c.wbytes += data - start + nbytes;
  return true;
}

// proto_parser.c: make_ascii_get_suffix
/** Writes the VALUE line of `it`. Returns its end. */
function putValueLine(dst: Ptr, it: Ptr, cas: boolean): Ptr {
  const bytes = u8;
  const nkey = nkeyOf(it);
  let p = dst;
  bytes[p] = 0x56; bytes[p + 1] = 0x41; bytes[p + 2] = 0x4c; bytes[p + 3] = 0x55; bytes[p + 4] = 0x45;
  bytes[p + 5] = 0x20;
  memcpy(p + 6, keyOf(it), nkey);
  p += 6 + nkey;
  bytes[p++] = 0x20;
  p = putNumber(p, clientFlagsOf(it));
  bytes[p++] = 0x20;
  p = putNumber(p, field(it, IT_NBYTES) - CRLF);
  if (cas) {
    bytes[p++] = 0x20;
    p = put(p, field(it, IT_CAS_HI) >>> 0, field(it, IT_CAS_LO) >>> 0);
  }
  bytes[p] = 0x0d; bytes[p + 1] = 0x0a;
  return p + 2;
}

/** Sends wbuf, then the listed items, then END if the items have VALUE lines. */
export function send(c: Conn, kind: number): void {
  c.ipart = kind;
  c.state = ConnState.write;
  if (c.ileft > 0) {
    c.writeAndGo = ConnState.transmit;
    if (kind >= DATA && kind < MORE) beginData(c);
  } else {
    if (kind < DATA) putEnd(c);
    c.writeAndGo = ConnState.read;
  }
}

function putEnd(c: Conn): void {
  memcpy(c.wbuf + c.wbytes, END, END.length);
  c.wbytes += END.length;
}

function listedItem(c: Conn): Ptr {
  return i32[c.icurr >>> 2] >>> 0;
}

function beginData(c: Conn): void {
  const it = listedItem(c);
  c.iptr = dataOf(it);
  c.ibytes = field(it, IT_NBYTES) - (c.ipart === DATA_WITHOUT_CRLF ? CRLF : 0);
}

function endItem(c: Conn): void {
  itemRemove(listedItem(c));
  c.icurr += 4;
  c.ileft--;
}

/** Runs the state transmit, after wbuf was sent. True if driveMachine must stop. */
export function transmit(c: Conn): boolean {
  if (c.ibytes === 0) {
    fillWbuf(c);
    return false;
  }
  const isLast = c.ileft === 1 && c.ipart < MORE;
  const res = isLast ? sendLast(c) : write(c.sfd, c.iptr, c.ibytes);
  if (res > 0) {
    const sent = Math.min(res, c.ibytes);
    stats.bytesWritten += res;
    c.iptr += sent;
    c.ibytes -= sent;
    if (c.ibytes > 0) return false;
    endItem(c);
    if (!isLast) return false;
    c.wcurr = c.wbuf + (res - sent);
    c.wbytes -= res - sent;
    c.state = ConnState.write;
    c.writeAndGo = ConnState.read;
    return false;
  }
  if (res === -1 && (errno === EAGAIN || errno === EWOULDBLOCK) && updateEvent(c, EV_WRITE | EV_PERSIST)) return true;
  if (settings.verbose > 0) fprintf(stderr, 'Failed to write, and not due to blocking\n');
  c.state = ConnState.closing;
  return false;
}

/** The data of the last item, and END or nothing from wbuf. */
const last: Iovec[] = [{ buf: u8, offset: 0, length: 0 }, { buf: u8, offset: 0, length: 0 }];

/** Sends the data of the last item, and END if there is one, in one call: the cork keeps nothing back for more. */
function sendLast(c: Conn): number {
  const [data, end] = last;
  c.wbytes = 0;
  if (c.ipart < DATA) putEnd(c);
  data.buf = end.buf = u8;
  data.offset = c.iptr;
  data.length = c.ibytes;
  end.offset = c.wbuf;
  end.length = c.wbytes;
  return sendmsg(c.sfd, last, 0);
}

/** Copies to wbuf as many of the items as fit, and the VALUE line of the next one if that is a large one. */
function fillWbuf(c: Conn): void {
  const kind = c.ipart & KIND;
  c.wcurr = c.wbuf;
  c.wbytes = 0;
  while (c.ileft > 0 && putItem(c, listedItem(c), kind)) endItem(c);
  c.state = ConnState.write;
  if (c.ileft === 0) {
    if (c.ipart < DATA) putEnd(c);
    c.writeAndGo = ConnState.read;
    return;
  }
  const it = listedItem(c);
  if (c.wbytes + VALUE_LINE_MAX + nkeyOf(it) <= c.wsize) {
    if (kind < DATA) c.wbytes = putValueLine(c.wbuf + c.wbytes, it, kind === VALUE_CAS) - c.wbuf;
    beginData(c);
  }
  c.writeAndGo = ConnState.transmit;
}

// memcached.c: conn_close, conn_cleanup
/** The connection is being closed. */
export function connCleanup(c: Conn): void {
  logConnClose(c);
  releaseItems(c);
}

// memcached.c: conn_release_items
/** Releases the items that the connection holds, if it is closed, or its answer is replaced. */
export function releaseItems(c: Conn): void {
  if (c.it !== NULL) {
    itemRemove(c.it);
    c.it = NULL;
  }
  for (; c.ileft > 0; c.ileft--, c.icurr += 4) itemRemove(listedItem(c));
  c.ibytes = 0;
}
