// The parts of a reply to a meta command (proto_parser.h: META_CHAR, META_KEY). The reply is built in wbuf: a status of
// two letters, or VA and a size, then what the flags ask for, in their order. Each put function writes one part at `p`,
// and returns its end.
import type { Conn } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { dv, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { putNumber } from '../libc/number';
import { memcpy } from '../libc/string';
import { base64Encode } from './base64';
import { currentTime } from './clock';
import { ITEM_KEY_BINARY, IT_CAS_HI, IT_CAS_LO, IT_EXPTIME, field, itFlags, keyOf, nkeyOf } from './memcached.h';
import { Flag, MFLAG_MAX_OPAQUE_LENGTH, areFlags, flagAt, meta } from './metaflags';
import { BAD_LINE, DATA, begin, outErrstring, send } from './transmit';
import { ntokens, tokenAt, tokenLength } from './tokens';
import * as u64 from './u64';

const SPACE = 0x20;
export const CRLF = 2;

/** Two characters as a little-endian word. */
function word(text: string): number {
  return text.charCodeAt(0) | (text.charCodeAt(1) << 8);
}

export const HD = word('HD');
const VA = word('VA');
export const EN = word('EN');
export const EX = word('EX');
export const NF = word('NF');
export const NS = word('NS');
export const CR_LF = word('\r\n');

export function putWord(p: Ptr, two: number): Ptr {
  dv.setInt16(p, two, true);
  return p + 2;
}

// proto_parser.h: META_CHAR
export function putFlag(p: Ptr, flag: number): Ptr {
  u8[p] = SPACE;
  u8[p + 1] = flag;
  return p + 2;
}

/** Writes VA and the size of a value. */
export function putValueStatus(p: Ptr, size: number): Ptr {
  const end = putWord(p, VA);
  u8[end] = SPACE;
  return putNumber(end + 1, size);
}

// proto_parser.h: META_KEY
export function putKey(p: Ptr, key: Ptr, nkey: number, binary: boolean): Ptr {
  const at = putFlag(p, Flag.k);
  if (binary) return putFlag(base64Encode(at, key, nkey), Flag.b);
  memcpy(at, key, nkey);
  return at + nkey;
}

/** Writes the key of an item: in base64, if it came so. */
export function putItemKey(p: Ptr, it: Ptr): Ptr {
  return putKey(p, keyOf(it), nkeyOf(it), (itFlags(it) & ITEM_KEY_BINARY) !== 0);
}

/** Writes word `i`, an opaque. NULL if it is too long. */
export function putOpaque(p: Ptr, i: number): Ptr {
  const length = tokenLength[i];
  if (length > MFLAG_MAX_OPAQUE_LENGTH) return NULL;
  u8[p] = SPACE;
  memcpy(p + 1, tokenAt[i], length);
  return p + 1 + length;
}

/** Writes opaque and key as the request gave them; no item is needed. NULL if the opaque is too long. */
export function putOpaqueAndKey(p: Ptr): Ptr {
  let at = p;
  for (let i = 2; i < ntokens && at !== NULL; i++) {
    const flag = flagAt(i);
    if (flag === Flag.O) at = putOpaque(at, i);
    else if (flag === Flag.k) at = putKey(at, meta.key, meta.nkey, meta.keyBinary);
  }
  return at;
}

/** Writes the cas of an item. */
export function putCas(p: Ptr, it: Ptr): Ptr {
  return u64.put(p, field(it, IT_CAS_HI) >>> 0, field(it, IT_CAS_LO) >>> 0);
}

/** Writes the seconds until an item expires, -1 for never. As in C they are unsigned: a past expiry (T-1) wraps. */
export function putTtl(p: Ptr, it: Ptr): Ptr {
  const exptime = field(it, IT_EXPTIME);
  return putNumber(p, exptime === 0 ? -1 : (exptime - currentTime) >>> 0);
}

/** Answers with the bytes from `start` to `end` in wbuf, and \r\n. */
export function reply(c: Conn, start: Ptr, end: Ptr): void {
  begin(c);
  c.wcurr = start;
  c.wbytes = putWord(end, CR_LF) - start;
  send(c, DATA);
}

/** Sends no reply: the command was quiet and met no error. */
export function sayNothing(c: Conn): void {
  c.noreply = false;
  c.state = ConnState.read;
}

/** Whether the line has a key, and valid flags after its first `start` words. If not, answers with an error. */
export function isMeta(c: Conn, start: number): boolean {
  if (ntokens >= start && areFlags(start)) return true;
  outErrstring(c, BAD_LINE);
  return false;
}
