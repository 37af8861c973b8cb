// The meta set: ms, which replies after its data (proto_parser.c: process_mset_cmd_start; proto_text.c:
// process_mset_command, _finalize_mset).
import type { Conn } from '../memcached.h';
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { putNumber } from '../libc/number';
import { hashOf } from './assoc';
import { itemAlloc, itemGet, itemRemove, itemSizeOk, itemUnlink, setCas } from './items';
import { LOG_MUTATIONS, logNoItem, logger } from './logger';
import {
  EXISTS, ITEM_KEY_BINARY, IT_CAS_HI, IT_CAS_LO, IT_NBYTES, NOT_FOUND, NO_MEMORY, NREAD_ADD, NREAD_APPEND,
  NREAD_APPENDVIV, NREAD_CAS, NREAD_PREPEND, NREAD_PREPENDVIV, NREAD_REPLACE, NREAD_SET, STORED, TOO_LARGE, clsidOf,
  field, itFlags, setItFlags, slabStats, threadStats,
} from './memcached.h';
import { Flag, Mode, OPAQUE_TOO_LONG, flagAt, meta, metaFlagPreparse } from './metaflags';
import {
  CRLF, EX, HD, NF, NS, isMeta, putCas, putFlag, putItemKey, putOpaque, putWord, reply, sayNothing,
} from './metareply';
import { DATA_MAX_LENGTH_BYTES, readData, swallow } from './receive';
import { storeItem, stored } from './store';
import { BAD_LINE, outErrstring } from './transmit';
import { ntokens, number, token32 } from './tokens';

const SPACE = 0x20;

/** Allocates an item for the line's key; replies give it in base64 if it came so. (1.6.45 does so only after ms.) */
export function allocate(flags: number, exptime: number, nbytes: number): Ptr {
  const it = itemAlloc(meta.key, meta.nkey, flags, exptime, nbytes);
  if (it !== NULL && meta.keyBinary) setItFlags(it, itFlags(it) | ITEM_KEY_BINARY);
  return it;
}

/** The NREAD_* command for the mode of ms; -1 if there is no such mode. */
function msetCommand(): number {
  switch (meta.mode) {
    case Mode.none: case Mode.set: return meta.hasCas ? NREAD_CAS : NREAD_SET;
    case Mode.add: return NREAD_ADD;
    case Mode.append: return meta.vivify ? NREAD_APPENDVIV : NREAD_APPEND;
    case Mode.prepend: return meta.vivify ? NREAD_PREPENDVIV : NREAD_PREPEND;
    case Mode.replace: return meta.hasCas ? NREAD_CAS : NREAD_REPLACE;
    default: return -1;
  }
}

// proto_text.c: process_mset_command, proto_parser.c: process_mset_cmd_start
export function processMset(c: Conn): void {
  if (!isMeta(c, 3)) return;
  if (!token32(2) || number < 0 || number > DATA_MAX_LENGTH_BYTES) {
    outErrstring(c, BAD_LINE);
    return;
  }
  const vlen = number + CRLF;
  const error = metaFlagPreparse(3);
  if (error !== null) {
    refuse(c, error, vlen);
    return;
  }
  const comm = msetCommand();
  if (comm === -1) {
    refuse(c, 'CLIENT_ERROR invalid mode for ms M token', vlen);
    return;
  }
  const vivify = comm === NREAD_APPENDVIV || comm === NREAD_PREPENDVIV;
  const it = allocate(meta.clientFlags, vivify ? meta.autovivExptime : meta.exptime, vlen);
  if (it === NULL) {
    refuseItem(c, comm, vlen);
    return;
  }
  slabStats.setCmds[clsidOf(it)]++;
  const end = noteFlags(c.wbuf);
  if (end === NULL) {
    itemRemove(it);
    refuse(c, OPAQUE_TOO_LONG, vlen);
    return;
  }
  // While the data are read, the flags are kept at the start of wbuf, and the cas of E in the item.
  c.wbytes = end - c.wbuf;
  setCas(it, meta.casInHi, meta.casInLo);
  c.casHi = meta.casHi;
  c.casLo = meta.casLo;
  c.msetRes = true;
  c.setStale = meta.setStale && comm === NREAD_CAS;
  c.noreply = meta.noReply;
  readData(c, it, comm);
}

function refuse(c: Conn, error: string, vlen: number): void {
  outErrstring(c, error);
  swallow(c, vlen);
}

/** No item could be allocated: refuses the data, and unlinks the old item, which would be stale. */
function refuseItem(c: Conn, comm: number, vlen: number): void {
  const tooLarge = !itemSizeOk(meta.nkey, meta.clientFlags, vlen);
  if ((logger.eflags & LOG_MUTATIONS) !== 0) logNoItem(tooLarge ? TOO_LARGE : NO_MEMORY, comm, meta.key, meta.nkey);
  if (tooLarge) {
    threadStats.storeTooLarge++;
    refuse(c, 'SERVER_ERROR object too large for cache', vlen);
  } else {
    threadStats.storeNoMemory++;
    refuse(c, 'SERVER_ERROR out of memory storing object', vlen);
  }
  const hv = hashOf(meta.key, meta.nkey);
  const old = itemGet(meta.key, meta.nkey, hv);
  if (old !== NULL) itemUnlink(old, hv);
}

/** Notes the flags that the reply to ms repeats or answers. Returns their end; NULL if the opaque is too long. */
function noteFlags(start: Ptr): Ptr {
  let p = start;
  for (let i = 3; i < ntokens; i++) {
    const flag = flagAt(i);
    if (flag === Flag.k || flag === Flag.c || flag === Flag.s) p = putFlag(p, flag);
    else if (flag === Flag.O) {
      p = putOpaque(p, i);
      if (p === NULL) return NULL;
    }
  }
  return p;
}

// proto_text.c: _finalize_mset
/** Stores `it`, now that its data are read. */
export function completeMset(c: Conn, it: Ptr): void {
  const casInHi = field(it, IT_CAS_HI), casInLo = field(it, IT_CAS_LO);
  const result = storeItem(it, c.cmd, c.casHi, c.casLo, c.setStale);
  const isStored = result === STORED;
  if (isStored && (casInHi !== 0 || casInLo !== 0)) setCas(stored.it, casInHi, casInLo);
  if (isStored && c.noreply) {
    sayNothing(c);
    return;
  }
  c.noreply = false;
  const start = c.wbuf + c.wbytes;
  const status = putWord(start, isStored ? HD : result === EXISTS ? EX : result === NOT_FOUND ? NF : NS);
  reply(c, start, putMsetFlags(status, c.wbuf, start, it, isStored ? stored.it : NULL));
}

/** Answers the flags noted from `noted` to `end`. `now` is the item that is stored now, or NULL. */
function putMsetFlags(status: Ptr, noted: Ptr, end: Ptr, it: Ptr, now: Ptr): Ptr {
  const bytes = u8;
  let p = status;
  for (let at = noted; at < end; at++) {
    switch (bytes[at]) {
      case Flag.k: p = putItemKey(p, it); break;
      case Flag.c:
        p = putFlag(p, Flag.c);
        p = now === NULL ? putNumber(p, 0) : putCas(p, now);
        break;
      case Flag.s: p = putNumber(putFlag(p, Flag.s), field(now === NULL ? it : now, IT_NBYTES) - CRLF); break;
      case Flag.O:
        bytes[p++] = SPACE;
        while (at < end && bytes[at] !== SPACE) bytes[p++] = bytes[at++];
        break;
    }
  }
  return p;
}
