// proto_parser.c: _meta_flag_preparse, the flags after the key of mg, ms, md and ma. This pass reads and checks them;
// the command then goes through them again, to answer them in the order given.
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL, bss } from '../libc/memory';
import { base64Decode } from './base64';
import { realtime } from './clock';
import { KEY_MAX_LENGTH } from './memcached.h';
import { BAD_LINE } from './transmit';
import { ntokens, number, parse32, parseU32, tokenAt, tokenLength } from './tokens';
import * as u64 from './u64';

/** Maximum words of a line, including the command and the key. */
const MFLAG_MAX_OPT_LENGTH = 20;
/** Maximum bytes of an opaque with its O. */
export const MFLAG_MAX_OPAQUE_LENGTH = 32;

export const OPAQUE_TOO_LONG = 'CLIENT_ERROR opaque token too long';
const INVALID_FLAG = 'CLIENT_ERROR invalid flag';
const BAD_TOKEN = 'CLIENT_ERROR bad token in command line format';

/** The flags by their letters. W, X and Z occur only in replies. */
export const Flag = {
  C: 0x43, D: 0x44, E: 0x45, F: 0x46, I: 0x49, J: 0x4a, L: 0x4c, M: 0x4d, N: 0x4e, O: 0x4f, P: 0x50, R: 0x52, T: 0x54,
  W: 0x57, X: 0x58, Z: 0x5a,
  b: 0x62, c: 0x63, f: 0x66, h: 0x68, k: 0x6b, l: 0x6c, q: 0x71, s: 0x73, t: 0x74, u: 0x75, v: 0x76, x: 0x78,
} as const;

/** The character after the M of ms and ma. */
export const Mode = {
  none: 0,
  add: 0x45, // E
  append: 0x41, // A
  prepend: 0x50, // P
  replace: 0x52, // R
  set: 0x53, // S
  increment: 0x49, // I
  plus: 0x2b,
  decrement: 0x44, // D
  minus: 0x2d,
} as const;

/** struct _meta_flags of the line read last. Times are by the server's clock; 64-bit numbers are two words. */
export const meta = {
  key: NULL as Ptr,
  nkey: 0,
  /** b: the key came in base64. */
  keyBinary: false,
  /** u */
  noUpdate: false,
  /** l, h, N, R, T: the item is bumped only after its fields were read. */
  locked: false,
  /** N */
  vivify: false,
  autovivExptime: 0,
  /** v */
  value: false,
  /** I */
  setStale: false,
  /** q */
  noReply: false,
  /** C: the cas that the item must have. */
  hasCas: false,
  casHi: 0,
  casLo: 0,
  /** E: the cas that the item gets. */
  hasCasIn: false,
  casInHi: 0,
  casInLo: 0,
  /** T */
  newTtl: false,
  exptime: 0,
  /** R */
  recacheTime: 0,
  /** x */
  removeVal: false,
  /** M */
  mode: 0,
  /** F */
  clientFlags: 0,
  /** J */
  initialHi: 0,
  initialLo: 0,
  /** D */
  deltaHi: 0,
  deltaLo: 1,
};

/** The decoded key of a line with b. It is valid until the next line is read. */
const binkey = bss(KEY_MAX_LENGTH);

/** The letter of the flag in word `i`. */
export function flagAt(i: number): number {
  return u8[tokenAt[i]];
}

// mcmc.c: _mcmc_tokenize_meta
/** Whether each word from `start` on begins with a character that a flag can have; if not, the line is refused. */
export function areFlags(start: number): boolean {
  for (let i = start; i < ntokens; i++) {
    const first = u8[tokenAt[i]];
    if (!((first > 0x40 && first < 0x7b) || (first >= 0x30 && first <= 0x39))) return false;
  }
  return true;
}

// proto_parser.c: _meta_flag_preparse
/** Fills `meta` from the key and the words from `start` on. Returns null, or the error to answer. */
export function metaFlagPreparse(start: number): string | null {
  reset();
  if (meta.nkey > KEY_MAX_LENGTH) return BAD_LINE;
  if (ntokens > MFLAG_MAX_OPT_LENGTH) return 'CLIENT_ERROR options flags are too long';
  let error: string | null = null;
  let capitals = 0, letters = 0; // flags seen so far: a bit each
  for (let i = start; i < ntokens; i++) {
    const flag = flagAt(i);
    if (flag < 0x40) return INVALID_FLAG; // a digit
    const bit = 1 << (flag & 31);
    if (((flag < 0x60 ? capitals : letters) & bit) !== 0) return 'CLIENT_ERROR duplicate flag';
    if (flag < 0x60) capitals |= bit;
    else letters |= bit;
    switch (flag) {
      case Flag.v: meta.value = true; break;
      case Flag.k: case Flag.s: case Flag.t: case Flag.c: case Flag.f: case Flag.O: case Flag.P: case Flag.L: break;
      case Flag.q: meta.noReply = true; break;
      case Flag.u: meta.noUpdate = true; break;
      case Flag.l: case Flag.h: meta.locked = true; break;
      case Flag.x: meta.removeVal = true; break;
      case Flag.I: meta.setStale = true; break;
      case Flag.M: meta.mode = u8[tokenAt[i] + 1]; break; // after a lone M, a space or the end of the line
      case Flag.b: error = decodeKey() ?? error; break;
      case Flag.T: case Flag.N: case Flag.R: error = readTime(flag, i) ?? error; break;
      case Flag.C: case Flag.E: case Flag.J: case Flag.D: error = readNumber(flag, i) ?? error; break;
      case Flag.F:
        if (parseU32(tokenAt[i] + 1, tokenLength[i] - 1)) meta.clientFlags = number;
        else error ??= BAD_LINE;
        break;
      default: return INVALID_FLAG;
    }
  }
  return error;
}

function reset(): void {
  meta.key = tokenAt[1];
  meta.nkey = tokenLength[1];
  meta.keyBinary = meta.noUpdate = meta.locked = meta.vivify = meta.value = meta.setStale = meta.noReply = false;
  meta.hasCas = meta.hasCasIn = meta.newTtl = meta.removeVal = false;
  meta.casHi = meta.casLo = meta.casInHi = meta.casInLo = 0;
  meta.autovivExptime = meta.exptime = meta.recacheTime = meta.clientFlags = 0;
  meta.mode = Mode.none;
  meta.initialHi = meta.initialLo = meta.deltaHi = 0;
  meta.deltaLo = 1;
}

function decodeKey(): string | null {
  meta.nkey = base64Decode(binkey, meta.key, meta.nkey);
  meta.key = binkey;
  meta.keyBinary = true;
  return meta.nkey === 0 ? 'CLIENT_ERROR error decoding key' : null;
}

/** Reads the time after the letter: seconds, as in exptime of a set. */
function readTime(flag: number, i: number): string | null {
  if (!parse32(tokenAt[i] + 1, tokenLength[i] - 1)) return BAD_TOKEN;
  const time = realtime(number);
  meta.locked = true;
  if (flag === Flag.T) {
    meta.exptime = time;
    meta.newTtl = true;
  } else if (flag === Flag.N) {
    meta.autovivExptime = time;
    meta.vivify = true;
  } else {
    meta.recacheTime = time;
  }
  return null;
}

/** Reads the 64-bit number after the letter. */
function readNumber(flag: number, i: number): string | null {
  if (!u64.parse(tokenAt[i] + 1, tokenLength[i] - 1)) return badNumber(flag);
  if (flag === Flag.C) {
    meta.casHi = u64.hi;
    meta.casLo = u64.lo;
    meta.hasCas = true;
  } else if (flag === Flag.E) {
    meta.casInHi = u64.hi;
    meta.casInLo = u64.lo;
    meta.hasCasIn = true;
  } else if (flag === Flag.J) {
    meta.initialHi = u64.hi;
    meta.initialLo = u64.lo;
  } else {
    meta.deltaHi = u64.hi;
    meta.deltaLo = u64.lo;
  }
  return null;
}

function badNumber(flag: number): string {
  switch (flag) {
    case Flag.J: return 'CLIENT_ERROR invalid numeric initial value';
    case Flag.D: return 'CLIENT_ERROR invalid numeric delta value';
    default: return BAD_TOKEN;
  }
}
