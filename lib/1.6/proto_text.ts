// proto_text.c and the classic half of proto_parser.c: the commands of the text protocol, and the data behind them.
import type { Conn, Protocol } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { READ_BUFFER_HIGHWAT } from '../later';
import { dv, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL, bss } from '../libc/memory';
import { fprintf, stderr } from '../libc/stdio';
import { memchr, memcpy } from '../libc/string';
import { adminCommands } from './admin';
import { hashOf } from './assoc';
import { currentTime, realtime } from './clock';
import { itemAlloc, itemGet, itemRemove, itemSizeOk, itemTouch, itemUnlink } from './items';
import { LOG_DELETIONS, LOG_MUTATIONS, logDeletion, logNoItem, logger } from './logger';
import {
  DELTA_ITEM_CAS_MISMATCH, DELTA_ITEM_NOT_FOUND, EOM, ERROR_CLOSE, EXISTS, IT_NBYTES, KEY_MAX_LENGTH, NON_NUMERIC,
  NOT_FOUND, NO_MEMORY, NREAD_ADD, NREAD_APPEND, NREAD_CAS, NREAD_PREPEND, NREAD_REPLACE, NREAD_SET, OK, STORED,
  TOO_LARGE, clsidOf, dataOf, field, slabStats, threadStats,
} from './memcached.h';
import { BAD_EXPTIME, getKeys, processGet, processGetAndTouch } from './proto_get';
import { processMarithmetic, processMdelete, processMeta, processMget } from './proto_meta';
import { completeMset, processMset } from './proto_mset';
import { DATA_MAX_LENGTH_BYTES, consume, readData, swallow } from './receive';
import { VERSION, settings } from './settings';
import { processStat } from './stats';
import { statsPrefixRecordDelete, statsPrefixRecordSet } from './stats_prefix';
import { INCR_MAX_STORAGE_LEN, addDelta, deltaResult, storeItem } from './store';
import {
  BAD_LINE, DATA, MORE, VALUE, VALUE_CAS, begin, connCleanup, outErrstring, outString, send, transmit,
} from './transmit';
import {
  isNoreply, isWord, ntokens, number, token, token32, tokenAt, tokenFlags, tokenLength, tokenLong, tokenU64, tokenize,
} from './tokens';
import * as u64 from './u64';
import { processWatch } from './watch';

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
/** If a line is no get and has no newline after this many bytes, the client does not speak this protocol. */
const LINE_MAX_BYTES = 2048;
/** Minimum bytes of a line with its newline. */
const LINE_MIN_BYTES = 4;
/** Maximum spaces before a long get. */
const LEADING_SPACES_MAX = 100;

/** Four characters as a little-endian word. */
function word(text: string): number {
  return text.charCodeAt(0) | (text.charCodeAt(1) << 8) | (text.charCodeAt(2) << 16) | (text.charCodeAt(3) << 24);
}

const GET_ = word('get ');
const GETS = word('gets');
const SET_ = word('set ');
const ADD_ = word('add ');
const CAS_ = word('cas ');
const GAT_ = word('gat ');
const GATS = word('gats');
const INCR = word('incr');
const DECR = word('decr');
const MG = word('mg  ') & 0xffff;
const MS = word('ms  ') & 0xffff;
const MD = word('md  ') & 0xffff;
const MA = word('ma  ') & 0xffff;
const MN = word('mn  ') & 0xffff;
const ME = word('me  ') & 0xffff;

// proto_text.c: process_command_ascii
/** Runs the line from `p` to `end`, without its newline. */
function processCommandAscii(c: Conn, p: Ptr, end: Ptr): void {
  c.noreply = false;
  logger.curSfd = c.sfd;
  if (settings.verbose > 1) fprintf(stderr, `<${c.sfd} ${lineText(p, end)}\n`);

  // The first four bytes tell the most frequent commands apart. A line with its newline has at least four.
  switch (dv.getInt32(p, true)) {
    case GET_: processGet(c, p + 4, end, VALUE); return;
    case SET_: processUpdate(c, p, end, NREAD_SET); return;
    case ADD_: processUpdate(c, p, end, NREAD_ADD); return;
    case CAS_: processUpdate(c, p, end, NREAD_CAS); return;
    case GAT_: processGetAndTouch(c, p, end, VALUE); return;
    case GETS:
      if (u8[p + 4] !== SPACE) break;
      processGet(c, p + 5, end, VALUE_CAS);
      return;
    case GATS:
      if (u8[p + 4] !== SPACE) break;
      processGetAndTouch(c, p, end, VALUE_CAS);
      return;
    case INCR:
      if (u8[p + 4] !== SPACE) break;
      processArithmetic(c, p, end, true);
      return;
    case DECR:
      if (u8[p + 4] !== SPACE) break;
      processArithmetic(c, p, end, false);
      return;
  }

  tokenize(p, end);
  if (p + 2 === end || u8[p + 2] === SPACE) {
    switch (dv.getInt32(p, true) & 0xffff) {
      case MG: processMget(c); return;
      case MS: processMset(c); return;
      case MD: processMdelete(c); return;
      case MA: processMarithmetic(c); return;
      case ME: processMeta(c); return;
      case MN: outString(c, 'MN'); return;
    }
  }
  if (u8[p] !== SPACE) {
    if (isWord(0, 'delete')) { processDelete(c); return; }
    if (isWord(0, 'touch')) { processTouch(c); return; }
    if (isWord(0, 'append')) { processUpdate(c, p, end, NREAD_APPEND); return; }
    if (isWord(0, 'prepend')) { processUpdate(c, p, end, NREAD_PREPEND); return; }
    if (isWord(0, 'replace')) { processUpdate(c, p, end, NREAD_REPLACE); return; }
  }
  processOther(c, p);
}

/** Runs a rare command: its name may become a string. Admin commands may have spaces before them. */
function processOther(c: Conn, p: Ptr): void {
  const command = token(0);
  switch (u8[p] === SPACE ? '' : command) {
    case 'get': case 'gets': case 'gat': case 'gats': case 'set': case 'add': case 'cas': case 'incr': case 'decr':
      outString(c, BAD_LINE); // the command has no arguments
      return;
    case 'stats': processStat(c); return;
    case 'version': outString(c, 'VERSION ' + VERSION); return;
    case 'watch': processWatch(c); return;
    case 'quit': c.state = ConnState.closing; return;
  }
  const run = adminCommands.get(command);
  if (run !== undefined) {
    c.noreply = isNoreply(ntokens - 1);
    run(c);
    return;
  }
  // HTTP from a browser, perhaps sent by a hostile web page.
  if (ntokens > 1 && token(ntokens - 1).startsWith('HTTP/')) {
    c.closeReason = ERROR_CLOSE;
    c.state = ConnState.closing;
    return;
  }
  c.noreply = isNoreply(ntokens - 1);
  outString(c, 'ERROR');
}

/** The line, for stderr. */
function lineText(p: Ptr, end: Ptr): string {
  let text = '';
  for (let at = p; at < end; at++) text += String.fromCharCode(u8[at]);
  return text;
}

// Storing.

// proto_text.c: process_update_command, proto_parser.c: process_update_cmd_start
function processUpdate(c: Conn, p: Ptr, end: Ptr, comm: number): void {
  tokenize(p, end);
  c.noreply = false;
  if (ntokens < 5 || !token32(4) || number < 0 || number > DATA_MAX_LENGTH_BYTES) {
    outString(c, BAD_LINE);
    return;
  }
  const vlen = number + 2;
  c.noreply = isNoreply(ntokens - 1);
  const key = tokenAt[1], nkey = tokenLength[1];
  const hasFlags = tokenFlags(2);
  const flags = number;
  if (nkey > KEY_MAX_LENGTH || !hasFlags || !tokenLong(3)) {
    outString(c, BAD_LINE);
    swallow(c, vlen);
    return;
  }
  const exptime = realtime(number);
  c.casHi = c.casLo = 0;
  if (comm === NREAD_CAS) {
    if (!tokenU64(5)) {
      outString(c, BAD_LINE);
      swallow(c, vlen);
      return;
    }
    c.casHi = u64.hi;
    c.casLo = u64.lo;
  }
  if (settings.detailEnabled !== 0) statsPrefixRecordSet(key, nkey);
  const it = itemAlloc(key, nkey, flags, exptime, vlen);
  if (it === NULL) {
    refuseItem(c, key, nkey, flags, vlen, comm);
    return;
  }
  slabStats.setCmds[clsidOf(it)]++;
  c.msetRes = false;
  readData(c, it, comm);
}

/** No item could be allocated: swallows the data. A set also unlinks the old item, which would be stale. */
function refuseItem(c: Conn, key: Ptr, nkey: number, flags: number, vlen: number, comm: number): void {
  const tooLarge = !itemSizeOk(nkey, flags, vlen);
  if ((logger.eflags & LOG_MUTATIONS) !== 0) logNoItem(tooLarge ? TOO_LARGE : NO_MEMORY, comm, key, nkey);
  if (tooLarge) {
    outString(c, 'SERVER_ERROR object too large for cache');
    threadStats.storeTooLarge++;
  } else {
    outString(c, 'SERVER_ERROR out of memory storing object');
    threadStats.storeNoMemory++;
  }
  if (comm === NREAD_SET) {
    const hv = hashOf(key, nkey);
    const old = itemGet(key, nkey, hv);
    if (old !== NULL) itemUnlink(old, hv);
  }
  swallow(c, vlen);
}

// proto_text.c: complete_nread_ascii
function completeNread(c: Conn): void {
  const it = c.it;
  const end = dataOf(it) + field(it, IT_NBYTES) - 2;
  c.it = NULL;
  c.pipelined = c.rbytes > 0;
  logger.curSfd = c.sfd;
  if (u8[end] !== CR || u8[end + 1] !== LF) {
    if (c.msetRes) outErrstring(c, 'CLIENT_ERROR bad data chunk');
    else outString(c, 'CLIENT_ERROR bad data chunk');
  } else if (c.msetRes) {
    completeMset(c, it);
  } else {
    switch (storeItem(it, c.cmd, c.casHi, c.casLo)) {
      case STORED: outString(c, 'STORED'); break;
      case EXISTS: outString(c, 'EXISTS'); break;
      case NOT_FOUND: outString(c, 'NOT_FOUND'); break;
      default: outString(c, 'NOT_STORED');
    }
  }
  itemRemove(it);
}

// Numbers, times, deletion.

const deltaText = bss(INCR_MAX_STORAGE_LEN);

// proto_parser.c: _process_request_simple
/** Whether the line has at least `words` words, and a key that is not too long. If not, answers with an error. */
function hasKey(c: Conn, words: number): boolean {
  if (ntokens >= words) {
    c.noreply = isNoreply(ntokens - 1);
    if (tokenLength[1] <= KEY_MAX_LENGTH) return true;
  }
  outString(c, BAD_LINE);
  return false;
}

// proto_parser.c: process_arithmetic_cmd
function processArithmetic(c: Conn, p: Ptr, end: Ptr, incr: boolean): void {
  tokenize(p, end);
  if (!hasKey(c, 3)) return;
  if (!tokenU64(2)) {
    outString(c, 'CLIENT_ERROR invalid numeric delta argument');
    return;
  }
  switch (addDelta(tokenAt[1], tokenLength[1], incr, u64.hi, u64.lo, 0, 0, deltaText)) {
    case OK: outNumber(c); break;
    case NON_NUMERIC: outString(c, 'CLIENT_ERROR cannot increment or decrement non-numeric value'); break;
    case EOM: outString(c, 'SERVER_ERROR out of memory'); break;
    case DELTA_ITEM_NOT_FOUND:
      if (incr) threadStats.incrMisses++;
      else threadStats.decrMisses++;
      outString(c, 'NOT_FOUND');
      break;
    case DELTA_ITEM_CAS_MISMATCH: throw new Error('nobody asked for a cas');
  }
}

/** Answers with the result of incr or decr. */
function outNumber(c: Conn): void {
  if (c.noreply) {
    c.noreply = false;
    c.state = ConnState.read;
    return;
  }
  begin(c);
  const { length } = deltaResult;
  memcpy(c.wbuf, deltaText, length);
  u8[c.wbuf + length] = CR;
  u8[c.wbuf + length + 1] = LF;
  c.wbytes = length + 2;
  send(c, DATA);
}

// proto_parser.c: process_delete_cmd
function processDelete(c: Conn): void {
  if (!hasKey(c, 2)) return;
  const key = tokenAt[1], nkey = tokenLength[1];
  // As in 1.4 to 1.6.18, 0 is accepted: old clients send it, for the delay that delete had in 2003.
  const words = c.noreply ? ntokens - 1 : ntokens;
  if (words > 2 && !(words === 3 && token(2) === '0')) {
    outString(c, `${BAD_LINE}.  Usage: delete <key> [noreply]`);
    return;
  }
  if (settings.detailEnabled !== 0) statsPrefixRecordDelete(key, nkey);
  const hv = hashOf(key, nkey);
  const it = itemGet(key, nkey, hv);
  if (it === NULL) {
    threadStats.deleteMisses++;
    outString(c, 'NOT_FOUND');
    return;
  }
  slabStats.deleteHits[clsidOf(it)]++;
  if ((logger.eflags & LOG_DELETIONS) !== 0) logDeletion(it, 'delete');
  itemUnlink(it, hv);
  outString(c, 'DELETED');
}

// proto_parser.c: process_touch_cmd
function processTouch(c: Conn): void {
  if (!hasKey(c, 3)) return;
  if (!token32(2)) {
    outString(c, BAD_EXPTIME);
    return;
  }
  const key = tokenAt[1], nkey = tokenLength[1];
  const it = itemTouch(key, nkey, realtime(number), hashOf(key, nkey));
  threadStats.touchCmds++;
  if (it === NULL) {
    threadStats.touchMisses++;
    outString(c, 'NOT_FOUND');
    return;
  }
  slabStats.touchHits[clsidOf(it)]++;
  outString(c, 'TOUCHED');
}

// Lines.

// proto_text.c: try_read_command_ascii
function tryReadCommandAscii(c: Conn): number {
  if (c.rbytes === 0) return 0;
  const el = memchr(c.rbuf, LF, c.rbytes);
  if (el === NULL) return c.rbytes > LINE_MAX_BYTES ? beginLongGet(c) : 0;
  c.lastCmdTime = currentTime;
  if (el + 1 - c.rbuf < LINE_MIN_BYTES) {
    c.noreply = false;
    outString(c, BAD_LINE);
  } else {
    processCommandAscii(c, c.rbuf, el > c.rbuf && u8[el - 1] === CR ? el - 1 : el);
  }
  consume(c, el + 1 - c.rbuf);
  c.pipelined = c.rbytes > 0;
  return 1;
}

// A get line may have any length. We answer it piece by piece, so that our memory does not grow with it.

/** rbuf has over LINE_MAX_BYTES and no newline. Returns 0 to read on, or 1: a long get begins, or c is closing. */
function beginLongGet(c: Conn): number {
  let p = c.rbuf;
  while (u8[p] === SPACE && p - c.rbuf <= LEADING_SPACES_MAX) p++;
  const first = dv.getInt32(p, true);
  const isGets = first === GETS && u8[p + 4] === SPACE;
  const isFull = c.rbytes >= READ_BUFFER_HIGHWAT;
  // A get after spaces is an error. We wait for its newline to reply so, but only while the buffer has room.
  if (p - c.rbuf > LEADING_SPACES_MAX || !(first === GET_ || isGets) || (isFull && p > c.rbuf)) {
    c.closeReason = ERROR_CLOSE;
    c.state = ConnState.closing;
    return 1;
  }
  if (!isFull) return 0;
  c.protocol = isGets ? longGets : longGet;
  consume(c, isGets ? 5 : 4);
  return 1;
}

/** Answers the next keys of a long get. */
function tryReadKeys(c: Conn, kind: number): number {
  if (c.rbytes === 0) return 0;
  const el = memchr(c.rbuf, LF, c.rbytes);
  let end = c.rbuf + c.rbytes;
  if (el !== NULL) {
    end = el > c.rbuf && u8[el - 1] === CR ? el - 1 : el;
    c.protocol = text;
  } else {
    while (end > c.rbuf && u8[end - 1] !== SPACE) end--;
    if (end === c.rbuf) { // one key, still incomplete
      if (c.rbytes <= KEY_MAX_LENGTH + 1) return 0;
      outErrstring(c, BAD_LINE);
      closeForError(c);
      return 1;
    }
  }
  c.lastCmdTime = currentTime;
  logger.curSfd = c.sfd;
  begin(c);
  const keys = getKeys(c, c.rbuf, end, kind, false, 0);
  if (keys >= 0) send(c, el === NULL ? kind | MORE : kind);
  else if (el === NULL) closeForError(c);
  consume(c, el === NULL ? end - c.rbuf : el + 1 - c.rbuf);
  return 1;
}

/** Closes c after the answer. */
function closeForError(c: Conn): void {
  c.writeAndGo = ConnState.closing;
  c.closeReason = ERROR_CLOSE;
}

/** The text protocol. */
export const text: Protocol = {
  connNew: () => null, tryReadCommand: tryReadCommandAscii, completeNread, drive: transmit, connClose: connCleanup,
};
const longGet: Protocol = { ...text, tryReadCommand: (c) => tryReadKeys(c, VALUE) };
const longGets: Protocol = { ...text, tryReadCommand: (c) => tryReadKeys(c, VALUE_CAS) };
