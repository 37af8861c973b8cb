// Reads and writes decimal numbers as C does.
import { isdigit, isspace } from './ctype';
import { u8 } from './heap';
import type { Ptr } from './memory';
import type { Ref } from './ref';

let negative = false;
/** The end of the last number read, or its start if there was no number. */
let numberEnd = 0;

/** strtoul(3) with a long of 32 bits: white space, a sign, digits; ULONG_MAX on overflow. Returns the number's end. */
export function scanUnsignedLong(s: Ptr, out: Ref): Ptr {
  const value = digits(s);
  if (numberEnd !== s) out.value = value > 0xffffffff ? 0xffffffff : negative ? -value >>> 0 : value;
  return numberEnd;
}

/** strtol(3) with a long of 32 bits: LONG_MAX or LONG_MIN if out of range. Returns the number's end. */
export function scanLong(s: Ptr, out: Ref): Ptr {
  const value = strtol(s);
  if (numberEnd !== s) out.value = value;
  return numberEnd;
}

/** The same, by value. */
export function strtol(s: Ptr): number {
  const value = digits(s);
  return negative ? -Math.min(value, 0x80000000) : Math.min(value, 0x7fffffff);
}

/** The digits at `s`; `negative` gets the sign. Inexact above 2^53, which is out of range anyway. */
function digits(s: Ptr): number {
  const bytes = u8;
  let p = s;
  while (isspace(bytes[p])) p++;
  negative = bytes[p] === 0x2d;
  if (negative || bytes[p] === 0x2b) p++;
  const first = p;
  let value = 0;
  while (isdigit(bytes[p])) value = value * 10 + (bytes[p++] - 0x30);
  numberEnd = p === first ? s : p;
  return value;
}

/** Writes a whole number in decimal. Returns its end. */
export function putNumber(dst: Ptr, value: number): Ptr {
  const bytes = u8;
  let p = dst;
  let rest = value;
  if (rest < 0) {
    bytes[p++] = 0x2d;
    rest = -rest;
  }
  if (rest < 10) {
    bytes[p] = 0x30 + rest;
    return p + 1;
  }
  let length = 2;
  for (let bound = 100; bound <= rest; bound *= 10) length++;
  const end = p + length;
  let i = end - 1;
  // V8 divides small integers much quicker than others.
  for (; rest > 0x7fffffff; i--) {
    const quotient = Math.floor(rest / 10);
    bytes[i] = 0x30 + (rest - quotient * 10);
    rest = quotient;
  }
  for (let small = rest | 0; i >= p; i--) {
    const quotient = (small / 10) | 0;
    bytes[i] = 0x30 + (small - quotient * 10);
    small = quotient;
  }
  return end;
}
