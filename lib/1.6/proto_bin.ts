// proto_bin.c: the commands of the binary protocol, which memcached calls deprecated and clients still use. A request
// is a header of 24 bytes, extras, a key and a value. A quiet command gets no reply to mere success, and a quiet get
// none to a miss.
import type { Conn, Protocol } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { dv, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL, bss } from '../libc/memory';
import { fprintf, stderr } from '../libc/stdio';
import { memcpy } from '../libc/string';
import { hashOf } from './assoc';
import {
  HEADER_BYTES, REQUEST, Status, addHeader, fail, failForGood, sendPacket, succeed, succeedWith, traceHeader,
} from './binreply';
import {
  NREAD_SASL, SASL_AUTH, SASL_LIST_MECHS, SASL_STEP, authenticated, binListSaslMechs, processBinCompleteSaslAuth,
  processBinSaslAuth,
} from './binsasl';
import { processBinStat } from './binstats';
import { currentTime, realtime } from './clock';
import { flushAll, itemAlloc, itemBump, itemGet, itemRemove, itemSizeOk, itemTouch, itemUnlink } from './items';
import { LOG_MUTATIONS, logNoItem, logger } from './logger';
import {
  DELTA_ITEM_CAS_MISMATCH, DELTA_ITEM_NOT_FOUND, EOM, ERROR_CLOSE, EXISTS, IT_CAS_HI, IT_CAS_LO, IT_NBYTES,
  KEY_MAX_LENGTH, NON_NUMERIC, NOT_FOUND, NO_MEMORY, NREAD_ADD, NREAD_APPEND, NREAD_CAS, NREAD_PREPEND, NREAD_REPLACE,
  NREAD_SET, OK, STORED, TOO_LARGE, clientFlagsOf, clsidOf, dataOf, field, lruHits, lruIdOf, slabStats, threadStats,
} from './memcached.h';
import { consume, readData } from './receive';
import { VERSION, settings } from './settings';
import { statsPrefixRecordDelete, statsPrefixRecordGet, statsPrefixRecordSet } from './stats_prefix';
import { addDelta, deltaResult, storeItem, stored } from './store';
import { DATA_WITHOUT_CRLF, addItem, connCleanup, transmit } from './transmit';
import * as u64 from './u64';

/** protocol_binary.h: protocol_binary_command */
const GET = 0x00;
const SET = 0x01;
const ADD = 0x02;
const REPLACE = 0x03;
const DELETE = 0x04;
const INCREMENT = 0x05;
const DECREMENT = 0x06;
const QUIT = 0x07;
const FLUSH = 0x08;
const GETQ = 0x09;
const NOOP = 0x0a;
const GET_VERSION = 0x0b;
const GETK = 0x0c;
const GETKQ = 0x0d;
const APPEND = 0x0e;
const PREPEND = 0x0f;
const STAT = 0x10;
const SETQ = 0x11;
const PREPENDQ = 0x1a;
const TOUCH = 0x1c;
const GAT = 0x1d;
const GATQ = 0x1e;
const GATK = 0x23;
const GATKQ = 0x24;

/** The commands whose quiet forms are SETQ to PREPENDQ. */
const QUIET = [SET, ADD, REPLACE, DELETE, INCREMENT, DECREMENT, QUIT, FLUSH, APPEND, PREPEND] as const;
/** By opcode: its command, which for a quiet form is the loud one. */
const commandOf = new Uint8Array(256).map((_, opcode) => {
  if (opcode >= SETQ && opcode <= PREPENDQ) return QUIET[opcode - SETQ];
  switch (opcode) {
    case GETQ: return GET;
    case GETKQ: return GETK;
    case GATQ: return GAT;
    case GATKQ: return GATK;
    default: return opcode;
  }
});

/** Maximum bytes after a header (memcached.h: ITEM_SIZE_MAX_UPPER_LIMIT). */
const BODY_MAX_BYTES = 1024 * 1024 * 1024;
/** The expiry with which incr and decr create no item. */
const CREATE_NOTHING = -1;
/** A time of the server's clock that no server reaches: an expiry has 31 bits here, but 32 on the wire. */
const FAR_AWAY = 0x7fffffff;
const CRLF = 2;

// proto_bin.c: try_read_command_binary
function tryReadCommandBinary(c: Conn): number {
  if (c.rbytes < HEADER_BYTES) return 0;
  const p = c.rbuf;
  if (u8[p] !== REQUEST) {
    if (settings.verbose > 0) fprintf(stderr, `Invalid magic:  ${u8[p].toString(16)}\n`);
    c.closeReason = ERROR_CLOSE;
    c.state = ConnState.closing;
    return 1;
  }
  const nkey = dv.getUint16(p + 2), extlen = u8[p + 4];
  const request = HEADER_BYTES + extlen + nkey;
  if (c.rbytes < request) return 0;
  if (settings.verbose > 1) traceHeader(c, '<', p);
  c.opcode = u8[p + 1];
  c.opaque = dv.getInt32(p + 12);
  c.casHi = dv.getInt32(p + 16);
  c.casLo = dv.getInt32(p + 20);
  c.lastCmdTime = currentTime;
  logger.curSfd = c.sfd;
  dispatchBinCommand(c, p + HEADER_BYTES, extlen, nkey, dv.getUint32(p + 8));
  consume(c, request);
  return 1;
}

// proto_bin.c: dispatch_bin_command
/** The extras are at `ext`; the key follows them. */
function dispatchBinCommand(c: Conn, ext: Ptr, extlen: number, nkey: number, bodylen: number): void {
  const key = ext + extlen;
  const vlen = bodylen - extlen - nkey;
  if (vlen < 0) {
    failForGood(c, Status.unknownCommand);
    return;
  }
  if (bodylen > BODY_MAX_BYTES) {
    failForGood(c, Status.einval);
    return;
  }
  if (settings.sasl && !authenticated(c)) {
    failForGood(c, Status.authError);
    return;
  }
  if (nkey > KEY_MAX_LENGTH) {
    protocolError(c);
    return;
  }
  const command = commandOf[c.opcode];
  c.noreply = command !== c.opcode;
  // Only storage and SASL commands have a value. (1.6.45 reads that of a stat, touch or gat as the next request.)
  switch (command) {
    case GET:
    case GETK:
      if (extlen !== 0 || nkey === 0 || vlen !== 0) break;
      getOrTouch(c, command, key, nkey, false, 0);
      return;
    case TOUCH:
    case GAT:
    case GATK:
      if (extlen !== 4 || nkey === 0 || vlen !== 0) break;
      getOrTouch(c, command, key, nkey, true, expiry(ext));
      return;
    case SET:
    case ADD:
    case REPLACE: {
      if (extlen !== 8 || nkey === 0) break;
      const comm = command === SET ? NREAD_SET : command === ADD ? NREAD_ADD : NREAD_REPLACE;
      update(c, comm, key, nkey, dv.getInt32(ext), expiry(ext + 4), vlen);
      return;
    }
    case APPEND:
    case PREPEND:
      if (extlen !== 0 || nkey === 0) break;
      update(c, command === APPEND ? NREAD_APPEND : NREAD_PREPEND, key, nkey, 0, 0, vlen);
      return;
    case DELETE:
      if (extlen !== 0 || nkey === 0 || vlen !== 0) break;
      processBinDelete(c, key, nkey);
      return;
    case INCREMENT:
    case DECREMENT:
      if (extlen !== 20 || nkey === 0 || vlen !== 0) break;
      arithmetic(c, command === INCREMENT, ext, key, nkey);
      return;
    case FLUSH:
      if ((extlen !== 0 && extlen !== 4) || nkey !== 0 || vlen !== 0) break;
      processBinFlush(c, extlen === 0 ? 0 : expiry(ext));
      return;
    case STAT:
      if (extlen !== 0 || vlen !== 0) break;
      processBinStat(c, key, nkey);
      return;
    case NOOP:
      if (bodylen !== 0) break;
      succeed(c, NULL);
      return;
    case GET_VERSION:
      if (bodylen !== 0) break;
      succeedWith(c, VERSION, NULL);
      return;
    case QUIT:
      if (bodylen !== 0) break;
      succeed(c, NULL);
      if (c.noreply) c.state = ConnState.closing;
      else c.writeAndGo = ConnState.closing;
      return;
    case SASL_LIST_MECHS:
      if (!settings.sasl) {
        fail(c, Status.unknownCommand, vlen);
        return;
      }
      if (bodylen !== 0) break;
      binListSaslMechs(c);
      return;
    case SASL_AUTH:
    case SASL_STEP:
      if (!settings.sasl) {
        fail(c, Status.unknownCommand, vlen);
        return;
      }
      if (extlen !== 0 || nkey === 0) break;
      processBinSaslAuth(c, key, nkey, vlen);
      return;
    default: // (1.6.45 swallows the bytes of extras and key twice.)
      fail(c, Status.unknownCommand, vlen);
      return;
  }
  protocolError(c);
}

// proto_bin.c: handle_binary_protocol_error
function protocolError(c: Conn): void {
  failForGood(c, Status.einval);
  if (settings.verbose > 0) {
    const opcode = c.opcode.toString(16).padStart(2, '0');
    fprintf(stderr, `Protocol error (opcode ${opcode}), close connection ${c.sfd}\n`);
  }
}

/** The unsigned expiry at `p`, by the server's clock. */
function expiry(p: Ptr): number {
  return Math.min(realtime(dv.getUint32(p)), FAR_AWAY);
}

// Reading.

// proto_bin.c: process_bin_get_or_touch
function getOrTouch(c: Conn, command: number, key: Ptr, nkey: number, touch: boolean, exptime: number): void {
  const hv = hashOf(key, nkey);
  const it = touch ? itemTouch(key, nkey, exptime, hv) : itemGet(key, nkey, hv);
  const keyBytes = command === GETK || command === GATK ? nkey : 0;
  if (touch) threadStats.touchCmds++;
  else threadStats.getCmds++;
  if (settings.detailEnabled !== 0) statsPrefixRecordGet(key, nkey, it !== NULL);
  if (it === NULL) {
    if (touch) threadStats.touchMisses++;
    else threadStats.getMisses++;
    miss(c, key, keyBytes);
    return;
  }
  if (touch) {
    slabStats.touchHits[clsidOf(it)]++;
  } else {
    lruHits[lruIdOf(it)]++;
    itemBump(it);
  }
  const nbytes = command === TOUCH ? 0 : field(it, IT_NBYTES) - CRLF;
  const flags = addHeader(c, Status.success, 4, keyBytes, 4 + keyBytes + nbytes, it);
  dv.setInt32(flags, clientFlagsOf(it));
  if (keyBytes > 0) memcpy(flags + 4, key, keyBytes);
  c.wbytes += 4 + keyBytes;
  if (nbytes > 0) addItem(c, it, DATA_WITHOUT_CRLF); // cannot fail: the list has room
  sendPacket(c, c.wbuf + c.wbytes);
}

// proto_bin.c: write_bin_miss_response
/** Answers a miss, unless quiet: with an error message, or with the key, if the command returns that. */
function miss(c: Conn, key: Ptr, keyBytes: number): void {
  if (c.noreply) {
    c.state = ConnState.read;
  } else if (keyBytes === 0) {
    fail(c, Status.keyEnoent);
  } else {
    const p = addHeader(c, Status.keyEnoent, 0, keyBytes, keyBytes, NULL);
    memcpy(p, key, keyBytes);
    sendPacket(c, p + keyBytes);
  }
}

// Storing.

// proto_bin.c: process_bin_update, process_bin_append_prepend
function update(c: Conn, comm: number, key: Ptr, nkey: number, flags: number, exptime: number, vlen: number): void {
  if (settings.detailEnabled !== 0) statsPrefixRecordSet(key, nkey);
  const it = itemAlloc(key, nkey, flags, exptime, vlen + CRLF);
  if (it === NULL) {
    refuseItem(c, comm, key, nkey, flags, vlen);
    return;
  }
  const joins = comm === NREAD_APPEND || comm === NREAD_PREPEND;
  const cas = settings.useCas && (c.casHi !== 0 || c.casLo !== 0);
  readData(c, it, cas && !joins ? NREAD_CAS : comm);
  c.rlbytes = vlen; // the client sends no \r\n
}

/** No item could be allocated: swallows the value. A set also unlinks the old item, which would be stale. */
function refuseItem(c: Conn, comm: number, key: Ptr, nkey: number, flags: number, vlen: number): void {
  const tooLarge = !itemSizeOk(nkey, flags, vlen + CRLF);
  // As in C, the log has `null` for the command.
  if ((logger.eflags & LOG_MUTATIONS) !== 0) logNoItem(tooLarge ? TOO_LARGE : NO_MEMORY, 0, key, nkey);
  if (tooLarge) fail(c, Status.e2big, vlen);
  else fail(c, Status.enomem, vlen, 'Out of memory allocating item');
  if (comm !== NREAD_SET) return;
  const hv = hashOf(key, nkey);
  const old = itemGet(key, nkey, hv);
  if (old !== NULL) itemUnlink(old, hv);
}

// proto_bin.c: complete_nread_binary, complete_update_bin
function completeNreadBinary(c: Conn): void {
  const it = c.it;
  c.it = NULL;
  logger.curSfd = c.sfd;
  if (c.cmd === NREAD_SASL) {
    processBinCompleteSaslAuth(c, it);
    itemRemove(it);
    return;
  }
  putCrlf(it);
  slabStats.setCmds[clsidOf(it)]++;
  switch (storeItem(it, c.cmd, c.casHi, c.casLo)) {
    case STORED: succeed(c, stored.it); break;
    case EXISTS: fail(c, Status.keyEexists); break;
    case NOT_FOUND: fail(c, Status.keyEnoent); break;
    default:
      if (c.cmd === NREAD_ADD) fail(c, Status.keyEexists);
      else if (c.cmd === NREAD_REPLACE) fail(c, Status.keyEnoent);
      else fail(c, Status.notStored);
  }
  itemRemove(it);
}

/** Adds \r\n: the text protocol sends it with the value. */
function putCrlf(it: Ptr): void {
  const end = dataOf(it) + field(it, IT_NBYTES);
  u8[end - 2] = 0x0d;
  u8[end - 1] = 0x0a;
}

// Numbers, deletion.

const digits = bss(24);

// proto_bin.c: complete_incr_bin
function arithmetic(c: Conn, incr: boolean, ext: Ptr, key: Ptr, nkey: number): void {
  switch (addDelta(key, nkey, incr, dv.getUint32(ext), dv.getUint32(ext + 4), c.casHi, c.casLo, digits)) {
    case OK: succeedWithNumber(c, deltaResult.hi, deltaResult.lo, deltaResult.it); break;
    case NON_NUMERIC: fail(c, Status.deltaBadval); break;
    case EOM: fail(c, Status.enomem, 0, 'Out of memory incrementing value'); break;
    case DELTA_ITEM_NOT_FOUND:
      if (dv.getInt32(ext + 16) !== CREATE_NOTHING) {
        createNumber(c, key, nkey, ext + 8, expiry(ext + 16));
        break;
      }
      if (incr) threadStats.incrMisses++;
      else threadStats.decrMisses++;
      fail(c, Status.keyEnoent);
      break;
    case DELTA_ITEM_CAS_MISMATCH: fail(c, Status.keyEexists); break;
  }
}

/** Stores the number at `initial` as a new item. */
function createNumber(c: Conn, key: Ptr, nkey: number, initial: Ptr, exptime: number): void {
  const hi = dv.getUint32(initial), lo = dv.getUint32(initial + 4);
  const length = u64.put(digits, hi, lo) - digits;
  const it = itemAlloc(key, nkey, 0, exptime, length + CRLF);
  if (it === NULL) {
    fail(c, Status.enomem, 0, 'Out of memory allocating new item');
    return;
  }
  memcpy(dataOf(it), digits, length);
  putCrlf(it);
  if (storeItem(it, NREAD_ADD, 0, 0) === STORED) succeedWithNumber(c, hi, lo, it);
  else fail(c, Status.notStored);
  itemRemove(it);
}

function succeedWithNumber(c: Conn, hi: number, lo: number, it: Ptr): void {
  if (c.noreply) {
    c.state = ConnState.read;
    return;
  }
  const p = addHeader(c, Status.success, 0, 0, 8, it);
  dv.setUint32(p, hi);
  dv.setUint32(p + 4, lo);
  sendPacket(c, p + 8);
}

// proto_bin.c: process_bin_delete
function processBinDelete(c: Conn, key: Ptr, nkey: number): void {
  if (settings.detailEnabled !== 0) statsPrefixRecordDelete(key, nkey);
  const hv = hashOf(key, nkey);
  const it = itemGet(key, nkey, hv);
  if (it === NULL) {
    threadStats.deleteMisses++;
    fail(c, Status.keyEnoent);
    return;
  }
  const anyCas = c.casHi === 0 && c.casLo === 0;
  if (!anyCas && (c.casHi !== field(it, IT_CAS_HI) || c.casLo !== field(it, IT_CAS_LO))) {
    fail(c, Status.keyEexists);
    return;
  }
  slabStats.deleteHits[clsidOf(it)]++;
  itemUnlink(it, hv);
  succeed(c, NULL);
}

// proto_bin.c: process_bin_flush
function processBinFlush(c: Conn, at: number): void {
  if (!settings.flushEnabled) {
    fail(c, Status.authError);
    return;
  }
  flushAll(at);
  threadStats.flushCmds++;
  succeed(c, NULL);
}

/** The binary protocol. */
export const binary: Protocol = {
  connNew: () => null, tryReadCommand: tryReadCommandBinary, completeNread: completeNreadBinary,
  drive: transmit, connClose: connCleanup,
};
