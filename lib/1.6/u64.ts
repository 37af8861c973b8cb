// 64-bit numbers as two words, for cas, incr and decr. A BigInt for each would be garbage to collect.
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { putNumber } from '../libc/number';

/** The words of the last result of parse, add, subtract or negate, each from 0 to 2^32 - 1. */
export let hi = 0;
export let lo = 0;

const WORD = 0x100000000;
/** This many digits are exact in a JavaScript number. */
const EXACT_DIGITS = 15;
const DIGITS_MAX = 20;

/** util.c: safe_strtoull. Whether the `n` bytes at `p` are all digits, of a number below 2^64. */
export function parse(p: Ptr, n: number): boolean {
  if (n === 0) return false;
  let at = p;
  const end = p + n;
  while (end - at > DIGITS_MAX && u8[at] === 0x30) at++;
  if (end - at > DIGITS_MAX) return false;
  let value = 0;
  const exact = Math.min(at + EXACT_DIGITS, end);
  for (; at < exact; at++) {
    const digit = u8[at] - 0x30;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  hi = Math.floor(value / WORD);
  lo = value >>> 0;
  for (; at < end; at++) {
    const digit = u8[at] - 0x30;
    if (digit < 0 || digit > 9) return false;
    const low = lo * 10 + digit;
    const high = hi * 10 + Math.floor(low / WORD);
    if (high >= WORD) return false;
    lo = low >>> 0;
    hi = high;
  }
  return true;
}

/** a + b, modulo 2^64. */
export function add(aHi: number, aLo: number, bHi: number, bLo: number): void {
  const low = aLo + bLo;
  lo = low >>> 0;
  hi = (aHi + bHi + (low >= WORD ? 1 : 0)) >>> 0;
}

/** a - b, or 0 if b is larger. */
export function subtract(aHi: number, aLo: number, bHi: number, bLo: number): void {
  if (aHi < bHi || (aHi === bHi && aLo < bLo)) {
    hi = lo = 0;
    return;
  }
  hi = aHi - bHi - (aLo < bLo ? 1 : 0);
  lo = (aLo - bLo) >>> 0;
}

/** 2^64 minus the last result. */
export function negate(): void {
  hi = (~hi + (lo === 0 ? 1 : 0)) >>> 0;
  lo = -lo >>> 0;
}

const reversed = new Uint8Array(DIGITS_MAX);

/** itoa_ljust.c: itoa_u64. Writes the number in decimal. Returns its end. */
export function put(dst: Ptr, high: number, low: number): Ptr {
  if (high < 0x200000) return putNumber(dst, high * WORD + low);
  let n = 0;
  let h = high, l = low;
  while (h !== 0 || l !== 0) {
    const quotient = Math.floor(h / 10);
    const rest = (h - quotient * 10) * WORD + l;
    l = Math.floor(rest / 10);
    reversed[n++] = 0x30 + (rest - l * 10);
    h = quotient;
  }
  for (let i = 0; i < n; i++) u8[dst + i] = reversed[n - 1 - i];
  return dst + n;
}
