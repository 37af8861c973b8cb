// <string.h> for the flat memory, a word at a time. A JavaScript string of Latin-1 characters may stand for C's string
// literal; it is read in place.
import { LONG_COPY_BYTES, copyWords } from '../../reactor/words';
import type { Ptr } from './memory';
import { dv, u8 } from './heap';
import { NULL } from './memory';

/** A C string: a pointer to bytes with a NUL at their end, or a literal. */
export type CString = Ptr | string;

/** The byte of a C string at `i`. A literal has its NUL, too. */
function at(s: CString, i: number): number {
  if (typeof s === 'number') return u8[s + i];
  return i < s.length ? s.charCodeAt(i) & 0xff : 0;
}

export function strlen(s: CString): number {
  if (typeof s === 'string') return s.length;
  const words = dv;
  let end = s;
  for (const last = u8.length - 4; end <= last; end += 4) {
    const nuls = nulsOf(words.getInt32(end, true));
    if (nuls !== 0) return end + firstOf(nuls) - s;
  }
  while (u8[end] !== 0) end++;
  return end - s;
}

export function strcpy(dst: Ptr, src: CString): Ptr {
  stpcpy(dst, src);
  return dst;
}

/** Like strcpy, but returns the NUL of the copy. */
export function stpcpy(dst: Ptr, src: CString): Ptr {
  let end = dst;
  if (typeof src === 'string') {
    for (let i = 0; i < src.length; i++) u8[end++] = src.charCodeAt(i);
  } else {
    const words = dv;
    let p = src;
    for (const last = u8.length - 4; p <= last; p += 4, end += 4) {
      const word = words.getInt32(p, true);
      const nuls = nulsOf(word);
      if (nuls !== 0) return putTail(end, word, firstOf(nuls));
      words.setInt32(end, word, true);
    }
    for (let byte = u8[p]; byte !== 0; byte = u8[++p]) u8[end++] = byte;
  }
  u8[end] = 0;
  return end;
}

/** Writes the first `n` bytes of `word`, fewer than four, and a NUL. Returns the NUL. */
export function putTail(dst: Ptr, word: number, n: number): Ptr {
  const bytes = u8;
  const end = dst + n;
  bytes[end] = 0;
  if (n === 0) return end;
  bytes[dst] = word;
  if (n === 1) return end;
  bytes[dst + 1] = word >>> 8;
  if (n === 3) bytes[dst + 2] = word >>> 16;
  return end;
}

export function strcat(dst: Ptr, src: CString): Ptr {
  strcpy(dst + strlen(dst), src);
  return dst;
}

export function strcmp(s1: CString, s2: CString): number {
  let i = 0;
  if (typeof s1 === 'number' && typeof s2 === 'number') {
    // Compares whole words, as long as they are equal and have no NUL.
    const words = dv;
    for (const last = u8.length - 4 - Math.max(s1, s2); i <= last; i += 4) {
      const word = words.getInt32(s1 + i, true);
      const diff = word ^ words.getInt32(s2 + i, true);
      const nuls = nulsOf(word);
      if (nuls === 0) {
        if (diff !== 0) break;
      } else if ((diff & upTo(nuls)) === 0) return 0;
      else break;
    }
  }
  for (; ; i++) {
    const byte = at(s1, i);
    const diff = byte - at(s2, i);
    if (diff !== 0 || byte === 0) return diff;
  }
}

/** Marks the bytes of a word that are 0, by their topmost bits. Beyond the first, marks may be wrong. */
export function nulsOf(word: number): number {
  return (word - 0x01010101) & ~word & 0x80808080;
}

/** The lowest set bit of a word. (V8 would compile -marks to a multiplication, which may give -0.) */
export function lowestOf(marks: number): number {
  return marks & (~marks + 1);
}

/** The number of the first byte whose topmost bit is set in `marks`. */
export function firstOf(marks: number): number {
  return (31 - Math.clz32(lowestOf(marks))) >>> 3;
}

/** The bits of a word up to the end of the first byte in `marks`. */
function upTo(marks: number): number {
  return marks ^ (marks - 1);
}

export function strncmp(s1: CString, s2: CString, n: number): number {
  for (let i = 0; i < n; i++) {
    const byte = at(s1, i);
    const diff = byte - at(s2, i);
    if (diff !== 0 || byte === 0) return diff;
  }
  return 0;
}

export function memcpy(dst: Ptr, src: CString, n: number): Ptr {
  if (typeof src !== 'number') for (let i = 0; i < n; i++) u8[dst + i] = at(src, i);
  else if (n < LONG_COPY_BYTES) copyWords(dv, dst, dv, src, n);
  else u8.copyWithin(dst, src, src + n);
  return dst;
}

/** Like memcpy, but the two may overlap. */
export function memmove(dst: Ptr, src: Ptr, n: number): Ptr {
  if (n < LONG_COPY_BYTES && dst <= src) copyWords(dv, dst, dv, src, n);
  else u8.copyWithin(dst, src, src + n);
  return dst;
}

export function memset(s: Ptr, c: number, n: number): Ptr {
  u8.fill(c, s, s + n);
  return s;
}

/** For longer searches, the engine's own function is quicker. */
const LONG_SEARCH_BYTES = 2048;

/** The first byte `c` among the `n` at `s`, or NULL. */
export function memchr(s: Ptr, c: number, n: number): Ptr {
  const words = dv;
  const near = s + Math.min(n, LONG_SEARCH_BYTES);
  const pattern = Math.imul(c, 0x01010101);
  let p = s;
  for (; p + 4 <= near; p += 4) {
    const found = nulsOf(words.getInt32(p, true) ^ pattern);
    if (found !== 0) return p + firstOf(found);
  }
  for (; p < near; p++) if (u8[p] === c) return p;
  if (n <= LONG_SEARCH_BYTES) return NULL;
  const found = u8.subarray(near, s + n).indexOf(c);
  return found === -1 ? NULL : near + found;
}

/** Converts the C string at `s` to a JavaScript string, for messages and debug lines. */
export function str(s: CString): string {
  if (typeof s === 'string') return s;
  let text = '';
  for (let p = s; u8[p] !== 0; p++) text += String.fromCharCode(u8[p]);
  return text;
}
