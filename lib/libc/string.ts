// <string.h> and <strings> of the flat memory. Where C passes a string literal, a JavaScript string of Latin-1 characters
// may stand; it is read in place.
import type { Ptr } from './memory';
import { NULL, u8 } from './memory';

/** A C string: a pointer to bytes that a NUL ends, or a literal. */
export type CString = Ptr | string;

/** The byte of a C string at `i`; a literal's NUL is there too. */
function at(s: CString, i: number): number {
  if (typeof s === 'number') return u8[s + i];
  return i < s.length ? s.charCodeAt(i) & 0xff : 0;
}

export function strlen(s: CString): number {
  if (typeof s === 'string') return s.length;
  let end = s;
  while (u8[end] !== 0) end++;
  return end - s;
}

export function strcpy(dst: Ptr, src: CString): Ptr {
  let i = 0;
  for (let byte = at(src, 0); byte !== 0; byte = at(src, ++i)) u8[dst + i] = byte;
  u8[dst + i] = 0;
  return dst;
}

export function strcat(dst: Ptr, src: CString): Ptr {
  strcpy(dst + strlen(dst), src);
  return dst;
}

export function strcmp(s1: CString, s2: CString): number {
  for (let i = 0; ; i++) {
    const byte = at(s1, i);
    const diff = byte - at(s2, i);
    if (diff !== 0 || byte === 0) return diff;
  }
}

export function strncmp(s1: CString, s2: CString, n: number): number {
  for (let i = 0; i < n; i++) {
    const byte = at(s1, i);
    const diff = byte - at(s2, i);
    if (diff !== 0 || byte === 0) return diff;
  }
  return 0;
}

/** A shorter copy goes byte by byte: calling the engine for it costs more. */
const SHORT_COPY = 100;

export function memcpy(dst: Ptr, src: CString, n: number): Ptr {
  if (typeof src === 'number' && n >= SHORT_COPY) u8.copyWithin(dst, src, src + n);
  else for (let i = 0; i < n; i++) u8[dst + i] = at(src, i);
  return dst;
}

/** As memcpy, but the two may overlap. */
export function memmove(dst: Ptr, src: Ptr, n: number): Ptr {
  if (n < SHORT_COPY && dst < src) for (let i = 0; i < n; i++) u8[dst + i] = u8[src + i];
  else u8.copyWithin(dst, src, src + n);
  return dst;
}

export function memset(s: Ptr, c: number, n: number): Ptr {
  u8.fill(c, s, s + n);
  return s;
}

/** A longer search is worth a call of the engine. */
const SHORT_SEARCH = 64;

/** The first byte `c` among the `n` at `s`, or NULL. */
export function memchr(s: Ptr, c: number, n: number): Ptr {
  const near = s + Math.min(n, SHORT_SEARCH);
  for (let p = s; p < near; p++) if (u8[p] === c) return p;
  if (n <= SHORT_SEARCH) return NULL;
  const found = u8.subarray(near, s + n).indexOf(c);
  return found === -1 ? NULL : near + found;
}

/** For messages and debug lines: the C string at `s` as JavaScript's. */
export function str(s: CString): string {
  if (typeof s === 'string') return s;
  let text = '';
  for (let p = s; u8[p] !== 0; p++) text += String.fromCharCode(u8[p]);
  return text;
}
