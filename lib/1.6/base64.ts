// base64.c: keys of any bytes, encoded as text (RFC 1341).
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const PADDING = 0x3d;
const NO_DIGIT = 0x80;

const digits = new Uint8Array(64);
/** The value of each character: 0 to 63, or NO_DIGIT if it is no digit. The padding counts as 0. */
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
 * Decodes the `n` bytes at `src` to `dst`, which needs room for 3 bytes per 4, and may equal `src`. Returns the number
 * of decoded bytes; 0 if the text is not base64. Other characters than digits and padding are skipped; the rest must
 * be whole groups of 4. Decoding ends after the first group with padding, of which there may be at most two.
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
