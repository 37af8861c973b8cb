// memcached.c: do_store_item and do_add_delta, with which all protocols store the item they read, or add to a number.
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { memcpy, memset } from '../libc/string';
import { hashOf } from './assoc';
import { hold, itemAlloc, itemGet, itemLink, itemRemove, itemReplace, itemUpdate, nextCas } from './items';
import { LOG_MUTATIONS, logItemStore, logger } from './logger';
import {
  DELTA_ITEM_CAS_MISMATCH, DELTA_ITEM_NOT_FOUND, EOM, EXISTS, ITEM_KEY_BINARY, ITEM_STALE, ITEM_TOKEN_SENT, IT_CAS_HI,
  IT_CAS_LO, IT_EXPTIME, IT_NBYTES, IT_REFCOUNT, NON_NUMERIC, NOT_FOUND, NOT_STORED, NREAD_ADD, NREAD_APPEND,
  NREAD_APPENDVIV, NREAD_CAS, NREAD_PREPEND, NREAD_PREPENDVIV, NREAD_REPLACE, NREAD_SET, OK, STORED, clientFlagsOf,
  clsidOf, dataOf, field, itFlags, keyOf, nkeyOf, setField, setItFlags, slabStats, threadStats,
} from './memcached.h';
import { settings } from './settings';
import * as u64 from './u64';

/** Bytes for the digits of a number, and some more, as in C. */
export const INCR_MAX_STORAGE_LEN = 24;

/** After STORED: the item that is linked now. For append and prepend it is not the one passed in. */
export const stored = { it: NULL as Ptr };

const NUL = 0;
const PLUS = 0x2b;
const MINUS = 0x2d;

const CAS_NONE = 0;
const CAS_MATCH = 1;
const CAS_BADVAL = 2;
const CAS_STALE = 3;

// memcached.c: do_store_item
/**
 * Links `it`. Returns STORED, or why not: NOT_STORED, EXISTS or NOT_FOUND. The caller keeps its reference. `comm` is
 * one of NREAD_*. `casHi` and `casLo` are the cas number that the client expects, 0 and 0 for none. `stale` lets
 * NREAD_CAS store a value in place of a newer one: the new item is then marked stale.
 */
export function storeItem(it: Ptr, comm: number, casHi: number, casLo: number, stale = false): number {
  const status = tryToStore(it, comm, casHi, casLo, stale);
  if ((logger.eflags & LOG_MUTATIONS) !== 0) logItemStore(status, comm, status === STORED ? stored.it : it);
  return status;
}

function tryToStore(it: Ptr, comm: number, casHi: number, casLo: number, stale: boolean): number {
  const key = keyOf(it), nkey = nkeyOf(it);
  const hv = hashOf(key, nkey);
  const old = itemGet(key, nkey, hv);
  if (old === NULL) return storeMissing(it, comm, hv);
  const cas = casResult(old, casHi, casLo, stale);
  switch (comm) {
    case NREAD_ADD:
      itemUpdate(old); // add does not replace an item, but counts as a use of it
      return NOT_STORED;
    case NREAD_CAS:
      if (cas !== CAS_MATCH && cas !== CAS_STALE) {
        slabStats.casBadval[clsidOf(old)]++;
        return EXISTS;
      }
      slabStats.casHits[clsidOf(old)]++;
      if (cas === CAS_STALE) markStale(it, old);
      return replace(old, it, hv);
    case NREAD_APPEND:
    case NREAD_PREPEND:
    case NREAD_APPENDVIV:
    case NREAD_PREPENDVIV:
      if (cas !== CAS_NONE && cas !== CAS_MATCH) return EXISTS;
      return join(old, it, comm === NREAD_APPEND || comm === NREAD_APPENDVIV, hv);
    case NREAD_REPLACE:
    case NREAD_SET:
      return replace(old, it, hv);
    default:
      return NOT_STORED;
  }
}

function storeMissing(it: Ptr, comm: number, hv: number): number {
  switch (comm) {
    case NREAD_ADD:
    case NREAD_SET:
    case NREAD_APPENDVIV:
    case NREAD_PREPENDVIV:
      itemLink(it, hv);
      stored.it = it;
      return STORED;
    case NREAD_CAS:
      threadStats.casMisses++;
      return NOT_FOUND;
    default:
      return NOT_STORED;
  }
}

function casResult(old: Ptr, casHi: number, casLo: number, stale: boolean): number {
  if (!settings.useCas || (casHi === 0 && casLo === 0)) return CAS_NONE;
  const hi = casHi >>> 0, lo = casLo >>> 0;
  const oldHi = field(old, IT_CAS_HI) >>> 0, oldLo = field(old, IT_CAS_LO) >>> 0;
  if (hi === oldHi && lo === oldLo) return CAS_MATCH;
  return stale && (hi < oldHi || (hi === oldHi && lo < oldLo)) ? CAS_STALE : CAS_BADVAL;
}

/** Marks `it` stale. It takes from `old` the expiry, and whether a client was told to store it anew. */
function markStale(it: Ptr, old: Ptr): void {
  setField(it, IT_EXPTIME, field(old, IT_EXPTIME));
  setItFlags(it, itFlags(it) | ITEM_STALE | (itFlags(old) & ITEM_TOKEN_SENT));
}

function replace(old: Ptr, it: Ptr, hv: number): number {
  itemReplace(old, it, hv);
  stored.it = it;
  return STORED;
}

/** Replaces `old` with an item that has the data of both, and the client flags and the expiry of `old`. */
function join(old: Ptr, it: Ptr, append: boolean, hv: number): number {
  hold(old); // it may be evicted for the new one
  const oldBytes = field(old, IT_NBYTES), addedBytes = field(it, IT_NBYTES);
  const both = itemAlloc(
    keyOf(it), nkeyOf(it), clientFlagsOf(old), field(old, IT_EXPTIME), oldBytes + addedBytes - 2,
  );
  if (both === NULL) {
    itemRemove(old);
    return NOT_STORED;
  }
  keepKeyBinary(both, old);
  const first = append ? old : it, second = append ? it : old;
  const firstBytes = field(first, IT_NBYTES) - 2; // without its \r\n
  memcpy(dataOf(both), dataOf(first), firstBytes);
  memcpy(dataOf(both) + firstBytes, dataOf(second), field(second, IT_NBYTES));
  replace(old, both, hv);
  itemRemove(old);
  itemRemove(both);
  return STORED;
}

/** Gives the replacement of `old` its flag for a key in base64, if it has that. (1.6.45 forgets it.) */
function keepKeyBinary(it: Ptr, old: Ptr): void {
  setItFlags(it, itFlags(it) | (itFlags(old) & ITEM_KEY_BINARY));
}

/** After OK of addDelta: the number, how many digits it has, and its item (linked; no further reference). */
export const deltaResult = { hi: 0, lo: 0, length: 0, it: NULL as Ptr };

// memcached.c: do_add_delta
/**
 * Adds a number (`deltaHi`, `deltaLo`) to the value of a key, or subtracts it, and writes the digits of the result to
 * `temp` (20 bytes). `casHi` and `casLo` are as for storeItem. Returns OK, or why not: NON_NUMERIC, EOM,
 * DELTA_ITEM_NOT_FOUND or DELTA_ITEM_CAS_MISMATCH. Hits are counted here, misses are not.
 */
export function addDelta(
  key: Ptr, nkey: number, incr: boolean, deltaHi: number, deltaLo: number, casHi: number, casLo: number, temp: Ptr,
): number {
  const hv = hashOf(key, nkey);
  const it = itemGet(key, nkey, hv);
  if (it === NULL) return DELTA_ITEM_NOT_FOUND;
  if (field(it, IT_NBYTES) <= 2) return NON_NUMERIC;
  if ((casHi !== 0 || casLo !== 0) && !hasCas(it, casHi, casLo)) return DELTA_ITEM_CAS_MISMATCH;
  if (!parseValue(it)) return NON_NUMERIC;
  if (incr) {
    u64.add(u64.hi, u64.lo, deltaHi, deltaLo);
    slabStats.incrHits[clsidOf(it)]++;
  } else {
    u64.subtract(u64.hi, u64.lo, deltaHi, deltaLo);
    slabStats.decrHits[clsidOf(it)]++;
  }
  deltaResult.hi = u64.hi;
  deltaResult.lo = u64.lo;
  deltaResult.length = u64.put(temp, u64.hi, u64.lo) - temp;
  return setDigits(it, temp, deltaResult.length, hv);
}

function hasCas(it: Ptr, casHi: number, casLo: number): boolean {
  return field(it, IT_CAS_HI) === (casHi | 0) && field(it, IT_CAS_LO) === (casLo | 0);
}

// util.c: safe_strtoull
/**
 * Whether the data of an item are a number; `u64` then has it. White space and a sign may come before it; white space
 * or a NUL ends it. As in strtoull(3), -n is 2^64 - n; as in C, that is refused only if its top bit is set.
 */
function parseValue(it: Ptr): boolean {
  const bytes = u8;
  let at = dataOf(it);
  const end = at + field(it, IT_NBYTES) - 2;
  while (at < end && isSpace(bytes[at])) at++;
  const negative = bytes[at] === MINUS;
  if (negative || bytes[at] === PLUS) at++;
  const first = at;
  while (at < end && bytes[at] !== NUL && !isSpace(bytes[at])) at++;
  if (!u64.parse(first, at - first)) return false;
  if (!negative) return true;
  u64.negate();
  return u64.hi <= 0x7fffffff;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}

/** Writes the digits to the item, padded with spaces; to a new item if they do not fit, or it is being sent. */
function setDigits(it: Ptr, digits: Ptr, length: number, hv: number): number {
  const nbytes = field(it, IT_NBYTES);
  if (length + 2 <= nbytes && field(it, IT_REFCOUNT) === 1) {
    nextCas(it);
    memcpy(dataOf(it), digits, length);
    memset(dataOf(it) + length, 0x20, nbytes - length - 2);
    itemUpdate(it);
    deltaResult.it = it;
    return OK;
  }
  hold(it); // it may be evicted for the new one
  const grown = itemAlloc(keyOf(it), nkeyOf(it), clientFlagsOf(it), field(it, IT_EXPTIME), length + 2);
  if (grown === NULL) {
    itemRemove(it);
    return EOM;
  }
  keepKeyBinary(grown, it);
  memcpy(dataOf(grown), digits, length);
  memcpy(dataOf(grown) + length, '\r\n', 2);
  itemReplace(it, grown, hv);
  itemRemove(it);
  itemRemove(grown);
  deltaResult.it = grown;
  return OK;
}
