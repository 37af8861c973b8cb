// Replies of the binary protocol: packets that are built in wbuf (proto_bin.c: add_bin_header, write_bin_error,
// write_bin_response). Numbers in a packet are big-endian.
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { dv, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { fprintf, stderr } from '../libc/stdio';
import { memcpy } from '../libc/string';
import { ERROR_CLOSE, IT_CAS_HI, IT_CAS_LO, field } from './memcached.h';
import { swallow } from './receive';
import { settings } from './settings';
import { DATA_WITHOUT_CRLF, begin, send } from './transmit';

/** The header of a request or a reply; extras, key and value follow it. */
export const HEADER_BYTES = 24;
/** The first byte (magic) of a request, and of a reply. */
export const REQUEST = 0x80;
export const RESPONSE = 0x81;

/** protocol_binary.h: protocol_binary_response_status */
export enum Status {
  success = 0x00,
  keyEnoent = 0x01,
  keyEexists = 0x02,
  e2big = 0x03,
  einval = 0x04,
  notStored = 0x05,
  deltaBadval = 0x06,
  authError = 0x20,
  authContinue = 0x21,
  unknownCommand = 0x81,
  enomem = 0x82,
}

const messages: Readonly<Record<Status, string>> = {
  [Status.success]: '',
  [Status.keyEnoent]: 'Not found',
  [Status.keyEexists]: 'Data exists for key.',
  [Status.e2big]: 'Too large.',
  [Status.einval]: 'Invalid arguments',
  [Status.notStored]: 'Not stored.',
  [Status.deltaBadval]: 'Non-numeric server-side value for incr or decr',
  [Status.authError]: 'Auth failure.',
  [Status.authContinue]: '',
  [Status.unknownCommand]: 'Unknown command',
  [Status.enomem]: 'Out of memory',
};

// proto_bin.c: add_bin_header
/** Begins a reply with a header, which has the cas of `it` (0 for NULL). Returns the header's end. */
export function addHeader(
  c: Conn, status: Status, extlen: number, keylen: number, bodylen: number, it: Ptr,
): Ptr {
  begin(c);
  const p = c.wbuf;
  u8[p] = RESPONSE;
  u8[p + 1] = c.opcode;
  dv.setUint16(p + 2, keylen);
  dv.setInt32(p + 4, (extlen << 24) | status);
  dv.setUint32(p + 8, bodylen);
  dv.setInt32(p + 12, c.opaque);
  dv.setInt32(p + 16, it === NULL ? 0 : field(it, IT_CAS_HI));
  dv.setInt32(p + 20, it === NULL ? 0 : field(it, IT_CAS_LO));
  c.wbytes = HEADER_BYTES;
  if (settings.verbose > 1) traceHeader(c, '>', p);
  return p + HEADER_BYTES;
}

/** Sends wbuf from its start to `end` as the reply. */
export function sendPacket(c: Conn, end: Ptr): void {
  c.wbytes = end - c.wbuf;
  send(c, DATA_WITHOUT_CRLF);
}

/** Replies with success, `text` and the cas of `it`. A quiet command (noreply) gets no such reply. */
export function succeedWith(c: Conn, text: string, it: Ptr): void {
  if (c.noreply) {
    c.state = ConnState.read;
    return;
  }
  const p = addHeader(c, Status.success, 0, 0, text.length, it);
  memcpy(p, text, text.length);
  sendPacket(c, p + text.length);
}

// proto_bin.c: write_bin_response
/** Replies with success, an empty body and the cas of `it`; not to a quiet command. */
export function succeed(c: Conn, it: Ptr): void {
  succeedWith(c, '', it);
}

// proto_bin.c: write_bin_error
/** Replies with an error, even to a quiet command, and discards the `unread` bytes of the request. */
export function fail(c: Conn, status: Status, unread = 0, message = messages[status]): void {
  if (settings.verbose > 1) fprintf(stderr, `>${c.sfd} Writing an error: ${message}\n`);
  const p = addHeader(c, status, 0, 0, message.length, NULL);
  memcpy(p, message, message.length);
  sendPacket(c, p + message.length);
  if (unread > 0) swallow(c, unread);
}

/** Like fail, and then closes the connection: the bytes after this request may be anything. */
export function failForGood(c: Conn, status: Status): void {
  fail(c, status);
  c.writeAndGo = ConnState.closing;
  c.closeReason = ERROR_CLOSE;
}

/** Prints the header at `p` to stderr. */
export function traceHeader(c: Conn, direction: '<' | '>', p: Ptr): void {
  let line = direction + String(c.sfd);
  for (let at = p; at < p + HEADER_BYTES; at++) line += ` 0x${u8[at].toString(16).padStart(2, '0')}`;
  fprintf(stderr, `${line}\n`);
}
