// base64.c: keys that hold any bytes, in letters (RFC 1341).
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PADDING = 0x3d;
const NO_DIGIT = 0x80;

const digits = new Uint8Array(64);
/** What a character stands for: 0 to 63, NO_DIGIT for those that are none. The padding counts as a 0. */
const values = new Uint8Array(256).fill(NO_DIGIT);
for (let i = 0; i < ALPHABET.length; i++) {
  digits[i] = ALPHABET.charCodeAt(i);
  values[digits[i]] = i;
}
values[PADDING] = 0;

// base64.c: base64_encode
/** Encodes the `n` bytes at `src`. Returns the end of what was written to `dst`: 4 bytes for each 3, rounded up. */
export function base64Encode(dst: Ptr, src: Ptr, n: number): Ptr {
  const bytes = u8;
  const end = src + n;
  let p = dst;
  for (let at = src; at < end; at += 3) {
    const left = end - at;
    const group = (bytes[at] << 16) | (left > 1 ? bytes[at + 1] << 8 : 0) | (left > 2 ? bytes[at + 2] : 0);
    bytes[p] = digits[group >>> 18];
    bytes[p + 1] = digits[(group >>> 12) & 63];
    bytes[p + 2] = left > 1 ? digits[(group >>> 6) & 63] : PADDING;
    bytes[p + 3] = left > 2 ? digits[group & 63] : PADDING;
    p += 4;
  }
  return p;
}

// base64.c: base64_decode
/**
 * Decodes the `n` bytes at `src` to `dst`, which has room for 3 bytes for each 4, and may be `src`. Returns how many
 * bytes that gave; 0 where it is no base64. Characters of no meaning are passed over; the others, padding among them,
 * must be whole groups of 4. The first group with padding is the last that counts, and it has at most two.
 */
export function base64Decode(dst: Ptr, src: Ptr, n: number): number {
  const bytes = u8;
  const end = src + n;
  let count = 0;
  for (let at = src; at < end; at++) if (values[bytes[at]] !== NO_DIGIT) count++;
  if (count === 0 || count % 4 !== 0) return 0;

  let p = dst;
  let group = 0, inGroup = 0, padding = 0;
  for (let at = src; at < end; at++) {
    const value = values[bytes[at]];
    if (value === NO_DIGIT) continue;
    if (bytes[at] === PADDING) padding++;
    group = (group << 6) | value;
    if (++inGroup < 4) continue;
    bytes[p] = group >>> 16;
    if (padding < 2) bytes[p + 1] = group >>> 8;
    if (padding === 0) bytes[p + 2] = group;
    p += 3 - padding;
    if (padding > 0) return padding > 2 ? 0 : p - dst;
    group = inGroup = 0;
  }
  return p - dst;
}
