// The meta half of proto_parser.c and proto_text.c: mg, md, ma and me. The meta set is in proto_mset.ts.
import type { Conn } from '../memcached.h';
import type { Ptr } from '../libc/memory';
import { NULL, bss } from '../libc/memory';
import { putNumber } from '../libc/number';
import { memcpy } from '../libc/string';
import { hashOf } from './assoc';
import { base64Decode, base64Encode } from './base64';
import { currentTime } from './clock';
import { itemBump, itemGet, itemLink, itemRemove, itemUnlink, nextCas, setCas } from './items';
import { LOG_DELETIONS, logDeletion, logger } from './logger';
import {
  DELTA_ITEM_CAS_MISMATCH, DELTA_ITEM_NOT_FOUND, EOM, ITEM_FETCHED, ITEM_KEY_BINARY, ITEM_STALE, ITEM_TOKEN_SENT,
  IT_CAS_HI, IT_CAS_LO, IT_EXPTIME, IT_NBYTES, IT_TIME, KEY_MAX_LENGTH, NON_NUMERIC, NREAD_ADD, NREAD_SET, OK,
  clientFlagsOf, clsidOf, dataOf, field, itFlags, keyOf, lruHits, lruIdOf, nkeyOf, ntotalOf, setField, setItFlags,
  slabStats, threadStats,
} from './memcached.h';
import { Flag, Mode, OPAQUE_TOO_LONG, flagAt, meta, metaFlagPreparse } from './metaflags';
import {
  CRLF, CR_LF, EN, EX, HD, NF, isMeta, putCas, putFlag, putItemKey, putKey, putOpaque, putOpaqueAndKey, putTtl,
  putValueStatus, putWord, reply, sayNothing,
} from './metareply';
import { putText } from './pieces';
import { allocate } from './proto_mset';
import { INCR_MAX_STORAGE_LEN, addDelta, deltaResult, storeItem } from './store';
import { BAD_LINE, DATA, addItem, begin, outErrstring, outString, send } from './transmit';
import { ntokens, tokenAt, tokenLength } from './tokens';
import * as u64 from './u64';

// mg <key> <flags>*

// proto_parser.c: process_mget_cmd
export function processMget(c: Conn): void {
  if (!isMeta(c, 2)) return;
  const error = metaFlagPreparse(2);
  if (error !== null) {
    outErrstring(c, error);
    return;
  }
  const hv = hashOf(meta.key, meta.nkey);
  let it = itemGet(meta.key, meta.nkey, hv);
  const created = it === NULL && meta.vivify;
  if (created) it = vivifyEmpty(hv);
  if (it === NULL) {
    missMget(c);
    return;
  }

  if (!meta.locked && !meta.noUpdate) itemBump(it);
  begin(c);
  const value = meta.value && !(meta.hasCas && hasCas(it));
  const status = value ? putValueStatus(c.wbuf, field(it, IT_NBYTES) - CRLF) : putWord(c.wbuf, HD);
  const end = putMgetFlags(status, it, created);
  if (end === NULL) {
    outErrstring(c, OPAQUE_TOO_LONG);
    return;
  }
  c.wbytes = putWord(end, CR_LF) - c.wbuf;
  if (value && !addItem(c, it, DATA)) {
    outErrstring(c, 'SERVER_ERROR out of memory writing get response');
    return;
  }
  send(c, DATA);
  if (meta.locked && !meta.noUpdate) itemBump(it);

  if (meta.newTtl) {
    threadStats.touchCmds++;
    slabStats.touchHits[clsidOf(it)]++;
  } else {
    lruHits[lruIdOf(it)]++;
    threadStats.getCmds++;
  }
}

/** Links an empty item for the missing key. NULL if there is no memory. */
function vivifyEmpty(hv: number): Ptr {
  const it = allocate(0, 0, CRLF);
  if (it === NULL) return NULL;
  putWord(dataOf(it), CR_LF);
  itemLink(it, hv);
  if (meta.hasCasIn) setCas(it, meta.casInHi, meta.casInLo);
  itemRemove(it);
  return it;
}

/** Whether an item has the cas of flag C. */
function hasCas(it: Ptr): boolean {
  return field(it, IT_CAS_HI) >>> 0 === meta.casHi && field(it, IT_CAS_LO) >>> 0 === meta.casLo;
}

function missMget(c: Conn): void {
  threadStats.getMisses++;
  threadStats.getCmds++;
  const end = putOpaqueAndKey(putWord(c.wbuf, EN));
  if (end === NULL) outErrstring(c, OPAQUE_TOO_LONG);
  else if (meta.noReply) sayNothing(c);
  else reply(c, c.wbuf, end);
}

/** Applies the flags of mg to an item, and writes the values that they ask for. NULL if the opaque is too long. */
function putMgetFlags(status: Ptr, it: Ptr, created: boolean): Ptr {
  let p = status;
  let won = false;
  for (let i = 2; i < ntokens; i++) {
    const flag = flagAt(i);
    switch (flag) {
      case Flag.T:
        setField(it, IT_EXPTIME, meta.exptime);
        break;
      case Flag.N:
        if (!created) break;
        setField(it, IT_EXPTIME, meta.autovivExptime);
        won = true;
        break;
      case Flag.R: {
        const exptime = field(it, IT_EXPTIME);
        const sent = (itFlags(it) & ITEM_TOKEN_SENT) !== 0;
        if (!sent && !created && exptime !== 0 && exptime < meta.recacheTime) won = true;
        break;
      }
      case Flag.s: p = putNumber(putFlag(p, flag), field(it, IT_NBYTES) - CRLF); break;
      case Flag.t: p = putTtl(putFlag(p, flag), it); break;
      case Flag.c: p = putCas(putFlag(p, flag), it); break;
      case Flag.f: p = putNumber(putFlag(p, flag), clientFlagsOf(it)); break;
      case Flag.l: p = putNumber(putFlag(p, flag), currentTime - field(it, IT_TIME)); break;
      case Flag.h: p = putNumber(putFlag(p, flag), (itFlags(it) & ITEM_FETCHED) !== 0 ? 1 : 0); break;
      case Flag.k: p = putItemKey(p, it); break;
      case Flag.O:
        p = putOpaque(p, i);
        if (p === NULL) return NULL;
        break;
    }
  }
  return putWinner(p, it, won);
}

/** Z: another client was told to store the item anew. X: the item is stale. W: this client is to store it. */
function putWinner(end: Ptr, it: Ptr, vivifiedOrOld: boolean): Ptr {
  let p = end;
  let won = vivifiedOrOld;
  const flags = itFlags(it);
  const sent = (flags & ITEM_TOKEN_SENT) !== 0;
  if (sent) p = putFlag(p, Flag.Z);
  if ((flags & ITEM_STALE) !== 0) {
    p = putFlag(p, Flag.X);
    if (!sent) won = true;
  }
  if (won) {
    p = putFlag(p, Flag.W);
    setItFlags(it, flags | ITEM_TOKEN_SENT);
  }
  return p;
}

// md <key> <flags>*

// proto_parser.c: process_mdelete_cmd
export function processMdelete(c: Conn): void {
  if (!isMeta(c, 2)) return;
  const error = metaFlagPreparse(2);
  if (error !== null) {
    outErrstring(c, error);
    return;
  }
  const end = putOpaqueAndKey(c.wbuf + 2);
  if (end === NULL) {
    outErrstring(c, OPAQUE_TOO_LONG);
    return;
  }
  const hv = hashOf(meta.key, meta.nkey);
  let it = itemGet(meta.key, meta.nkey, hv);
  if (it === NULL || (meta.hasCas && !hasCas(it))) {
    threadStats.deleteMisses++;
    putWord(c.wbuf, it === NULL ? NF : EX);
    reply(c, c.wbuf, end);
    return;
  }
  if (meta.removeVal) {
    it = removeValue(it);
    if (it === NULL) {
      outErrstring(c, 'SERVER_ERROR out of memory');
      return;
    }
  }
  if (meta.setStale) {
    invalidate(it);
  } else {
    slabStats.deleteHits[clsidOf(it)]++;
    if ((logger.eflags & LOG_DELETIONS) !== 0) logDeletion(it, 'md');
    if (!meta.removeVal) itemUnlink(it, hv);
  }
  putWord(c.wbuf, HD);
  if (meta.noReply) sayNothing(c);
  else reply(c, c.wbuf, end);
}

/** x: replaces `old` with an empty item. Its cas is that of E or else of `old`; flags and expiry are of the line. */
function removeValue(old: Ptr): Ptr {
  const casHi = meta.hasCasIn ? meta.casInHi : field(old, IT_CAS_HI);
  const casLo = meta.hasCasIn ? meta.casInLo : field(old, IT_CAS_LO);
  const it = allocate(meta.clientFlags, meta.exptime, CRLF);
  if (it === NULL) return NULL;
  putWord(dataOf(it), CR_LF);
  storeItem(it, NREAD_SET, 0, 0);
  setCas(it, casHi, casLo);
  itemRemove(it);
  return it;
}

/** I: marks an item as stale. It is still served; the next client that gets it is to store it anew. */
function invalidate(it: Ptr): void {
  if (meta.newTtl) setField(it, IT_EXPTIME, meta.exptime);
  setItFlags(it, (itFlags(it) | ITEM_STALE) & ~ITEM_TOKEN_SENT);
  if (meta.hasCasIn) setCas(it, meta.casInHi, meta.casInLo);
  else nextCas(it);
}

// ma <key> <flags>*

/** The digits of the result of ma. */
const digits = bss(INCR_MAX_STORAGE_LEN);

// proto_parser.c: process_marithmetic_cmd
export function processMarithmetic(c: Conn): void {
  if (!isMeta(c, 2)) return;
  if (metaFlagPreparse(2) !== null) {
    outErrstring(c, 'CLIENT_ERROR invalid or duplicate flag');
    return;
  }
  let incr = true;
  switch (meta.mode) {
    case Mode.none: case Mode.increment: case Mode.plus: break;
    case Mode.decrement: case Mode.minus: incr = false; break;
    default:
      outErrstring(c, 'CLIENT_ERROR invalid mode for ma M token');
      return;
  }
  const { key, nkey, deltaHi, deltaLo, casHi, casLo } = meta;
  switch (addDelta(key, nkey, incr, deltaHi, deltaLo, casHi, casLo, digits)) {
    case OK:
      if (meta.hasCasIn) setCas(deltaResult.it, meta.casInHi, meta.casInLo);
      replyNumber(c, deltaResult.it, deltaResult.length, false);
      break;
    case NON_NUMERIC:
      outErrstring(c, 'CLIENT_ERROR cannot increment or decrement non-numeric value');
      break;
    case EOM:
      outErrstring(c, 'SERVER_ERROR out of memory');
      break;
    case DELTA_ITEM_NOT_FOUND:
      if (meta.vivify) {
        vivifyNumber(c);
        break;
      }
      if (incr) threadStats.incrMisses++;
      else threadStats.decrMisses++;
      replyNoNumber(c, NF);
      break;
    case DELTA_ITEM_CAS_MISMATCH:
      replyNoNumber(c, EX);
      break;
  }
}

/** N: stores the number of J, as there is no item. */
function vivifyNumber(c: Conn): void {
  const length = u64.put(digits, meta.initialHi, meta.initialLo) - digits;
  const it = allocate(0, 0, length + CRLF);
  if (it === NULL) {
    outErrstring(c, 'SERVER_ERROR Out of memory allocating new item');
    return;
  }
  memcpy(dataOf(it), digits, length);
  putWord(dataOf(it) + length, CR_LF);
  storeItem(it, NREAD_ADD, 0, 0);
  if (meta.hasCasIn) setCas(it, meta.casInHi, meta.casInLo);
  replyNumber(c, it, length, true);
  itemRemove(it);
}

function replyNumber(c: Conn, it: Ptr, length: number, created: boolean): void {
  let p = meta.value ? putValueStatus(c.wbuf, length) : putWord(c.wbuf, HD);
  for (let i = 2; i < ntokens; i++) {
    const flag = flagAt(i);
    switch (flag) {
      case Flag.c: p = putCas(putFlag(p, flag), it); break;
      case Flag.t: p = putTtl(putFlag(p, flag), it); break;
      case Flag.T: setField(it, IT_EXPTIME, meta.exptime); break;
      case Flag.N: if (created) setField(it, IT_EXPTIME, meta.autovivExptime); break;
      case Flag.k: p = putKey(p, meta.key, meta.nkey, meta.keyBinary); break;
      case Flag.O:
        p = putOpaque(p, i);
        if (p !== NULL) break;
        outErrstring(c, OPAQUE_TOO_LONG);
        return;
    }
  }
  if (meta.noReply) {
    sayNothing(c);
    return;
  }
  if (meta.value) {
    p = putWord(p, CR_LF);
    memcpy(p, digits, length);
    p += length;
  }
  reply(c, c.wbuf, p);
}

function replyNoNumber(c: Conn, status: number): void {
  const end = putOpaqueAndKey(putWord(c.wbuf, status));
  if (end === NULL) outErrstring(c, OPAQUE_TOO_LONG);
  else reply(c, c.wbuf, end);
}

// me <key> <flag>

// proto_text.c: process_meta_command
/** Answers with the metadata of an item. (1.6.45 recognises flag b only if another word follows it.) */
export function processMeta(c: Conn): void {
  if (!isMeta(c, 2)) return;
  const key = tokenAt[1];
  let nkey = tokenLength[1];
  const binary = ntokens > 2 && tokenLength[2] === 1 && flagAt(2) === Flag.b;
  if (binary && nkey <= KEY_MAX_LENGTH) nkey = base64Decode(key, key, nkey);
  if (nkey === 0 || nkey > KEY_MAX_LENGTH) {
    outString(c, BAD_LINE);
    return;
  }
  threadStats.metaCmds++;
  const it = itemGet(key, nkey, hashOf(key, nkey));
  if (it === NULL) outString(c, 'EN');
  else reply(c, c.wbuf, putItem(c.wbuf, it));
}

function putItem(start: Ptr, it: Ptr): Ptr {
  const exptime = field(it, IT_EXPTIME);
  const flags = itFlags(it);
  let p = putText(start, 'ME ');
  if ((flags & ITEM_KEY_BINARY) !== 0) p = base64Encode(p, keyOf(it), nkeyOf(it));
  else p = memcpy(p, keyOf(it), nkeyOf(it)) + nkeyOf(it);
  p = putNumber(putText(p, ' exp='), exptime === 0 ? -1 : exptime - currentTime);
  p = putNumber(putText(p, ' la='), currentTime - field(it, IT_TIME));
  p = putCas(putText(p, ' cas='), it);
  p = putText(p, (flags & ITEM_FETCHED) !== 0 ? ' fetch=yes' : ' fetch=no');
  p = putNumber(putText(p, ' cls='), clsidOf(it));
  return putNumber(putText(p, ' size='), ntotalOf(it));
}
