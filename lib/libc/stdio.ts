// <stdio.h>: sscanf and sprintf on the flat memory, each format read once; printf, fprintf and perror on Node's streams.
import { isdigit, isspace } from './ctype';
import type { Ptr } from './memory';
import { dv, u8 } from './heap';
import type { CString } from './string';
import { firstOf, putTail, stpcpy, str } from './string';
import { errno, strerror } from '../../reactor/errno.h';

/** A variable whose address C passes (`&len`). */
export interface Ref {
  value: number;
}

/** A format, read once: what stands before each conversion, and the conversion; the last one is `end`. */
interface Format {
  readonly literals: readonly Literal[];
  readonly kinds: readonly Kind[];
  /** The most characters that each %s takes. */
  readonly widths: readonly number[];
}

/** Bytes, as words, and up to three that are left. */
interface Literal {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly tail: number;
}

/** A conversion (`big` is %llu), or in sscanf any amount of white space. */
enum Kind { end, space, s, u, d, n, big }

const printFormats = new Map<string, Format>();
const scanFormats = new Map<string, Format>();

function parseFormat(format: string, formats: Map<string, Format>): Format {
  const parsed = formats.get(format);
  if (parsed !== undefined) return parsed;
  const literals: Literal[] = [];
  const kinds: Kind[] = [];
  const widths: number[] = [];
  const pattern = /%(\d*)(l{0,2})([sudn%])|(\s+)|([^%\s]+)/y;
  let before = '';
  const add = (kind: Kind, width: string): void => {
    literals.push(literal(before));
    kinds.push(kind);
    widths.push(width === '' ? 0x7fffffff : Number(width));
    before = '';
  };
  while (pattern.lastIndex < format.length) {
    const match = pattern.exec(format);
    if (match === null) throw new Error(`format not understood: ${format}`);
    // A group that took no part is undefined, whatever its type says.
    const [, width = '', size = '', conversion = '', space = '', text = ''] = match;
    if (space !== '' && formats === scanFormats) add(Kind.space, '');
    else if (space !== '' || text !== '' || conversion === '%') before += space || text || conversion;
    else add(kindOf(conversion, size), width);
  }
  add(Kind.end, '');
  const made = { literals, kinds, widths };
  formats.set(format, made);
  return made;
}

function kindOf(conversion: string, size: string): Kind {
  if (conversion === 'u') return size === 'll' ? Kind.big : Kind.u;
  return conversion === 's' ? Kind.s : conversion === 'd' ? Kind.d : Kind.n;
}

function literal(text: string): Literal {
  const bytes = new Uint8Array(Buffer.from(text, 'latin1'));
  const view = new DataView(bytes.buffer);
  const words = Int32Array.from({ length: bytes.length >> 2 }, (_, i) => view.getInt32(4 * i, true));
  const tail = bytes.subarray(4 * words.length).reduceRight((word, byte) => (word << 8) | byte, 0);
  return { bytes, words, tail };
}

/** Where the last number that was read ended; its start where there was none. */
let numberEnd = 0;

/** strtoul(3) with a long of 32 bits: white space, a sign, digits; too many of them give ULONG_MAX. */
function strtoul(s: Ptr): number {
  const value = digits(s);
  if (value > 0xffffffff) return 0xffffffff;
  return negative ? -value >>> 0 : value;
}

/** strtol(3) with a long of 32 bits: out of range gives LONG_MAX or LONG_MIN. */
function strtol(s: Ptr): number {
  const value = digits(s);
  return negative ? -Math.min(value, 0x80000000) : Math.min(value, 0x7fffffff);
}

let negative = false;

/** The digits at `s`, without their sign, which `negative` keeps. Above 2^53 no longer exact, and out of range anyway. */
function digits(s: Ptr): number {
  let p = s;
  while (isspace(u8[p])) p++;
  negative = u8[p] === 0x2d;
  if (negative || u8[p] === 0x2b) p++;
  const first = p;
  let value = 0;
  while (isdigit(u8[p])) value = value * 10 + (u8[p++] - 0x30);
  numberEnd = p === first ? s : p;
  return value;
}

/** atoi(3), of a pointer: strtol without its errors. */
export function atoi(s: Ptr): number {
  return strtol(s);
}

type Out = Ptr | Ref;

let scanFormat = '';
let scanned: Format = parseFormat('', scanFormats);

/**
 * sscanf(3), as far as %s, %u, %d, %lu, %n and white space go. `%s` writes to a pointer and the others to a Ref, in the
 * order of the format. Returns how many conversions were stored (%n does not count), -1 when the string ends before the
 * first.
 */
export function sscanf(s: Ptr, format: string, out0?: Out, out1?: Out, out2?: Out, out3?: Out, out4?: Out): number {
  if (format !== scanFormat) {
    scanned = parseFormat(format, scanFormats);
    scanFormat = format;
  }
  const { literals, kinds, widths } = scanned;
  const chars = u8;
  let p = s;
  let stored = 0;
  let next = 0;
  for (let i = 0; ; i++) {
    const kind = kinds[i];
    const { bytes } = literals[i];
    for (let k = 0; k < bytes.length; k++, p++) {
      if (chars[p] !== bytes[k]) return chars[p] === 0 && stored === 0 ? -1 : stored;
    }
    if (kind === Kind.end) return stored;
    if (kind === Kind.space) {
      while (chars[p] <= 0x20 && isspace(chars[p])) p++;
      continue;
    }
    const out = next === 0 ? out0 : next === 1 ? out1 : next === 2 ? out2 : next === 3 ? out3 : out4;
    next++;
    if (kind === Kind.n) {
      refOf(out).value = p - s;
      continue;
    }
    while (chars[p] <= 0x20 && isspace(chars[p])) p++;
    if (chars[p] === 0) return stored === 0 ? -1 : stored;
    if (kind === Kind.s) {
      if (typeof out !== 'number') throw new TypeError('sscanf: %s wants a pointer');
      p += copyWord(out, p, widths[i]);
    } else {
      const value = kind === Kind.u ? strtoul(p) : strtol(p);
      if (numberEnd === p) return stored;
      refOf(out).value = value;
      p = numberEnd;
    }
    stored++;
  }
}

/** Copies what stands at `src` before white space or the string's end, but at most `width` characters, and a NUL. */
function copyWord(dst: Ptr, src: Ptr, width: number): number {
  const words = dv;
  let n = 0;
  // Whole words, as long as no byte of them is white space or less.
  for (const last = Math.min(width, u8.length - src) - 4; n <= last; n += 4) {
    const word = words.getInt32(src + n, true);
    const marks = (word - 0x21212121) & ~word & 0x80808080;
    if (marks !== 0) {
      const first = firstOf(marks);
      const byte = (word >>> (8 * first)) & 0xff;
      if (byte !== 0 && !isspace(byte)) break;
      return putTail(dst + n, word, first) - dst;
    }
    words.setInt32(dst + n, word, true);
  }
  for (; n < width; n++) {
    const byte = u8[src + n];
    if (byte <= 0x20 && (byte === 0 || isspace(byte))) break;
    u8[dst + n] = byte;
  }
  u8[dst + n] = 0;
  return n;
}

function refOf(out: Out | undefined): Ref {
  if (typeof out !== 'object') throw new TypeError('sscanf: a number wants a Ref');
  return out;
}

type Arg = CString;

let printFormat = '';
let printed: Format = parseFormat('', printFormats);

/**
 * sprintf(3), as far as %s, %u, %d, %lu and %llu go: `%s` takes a C string, the others a number, of which %u and %lu
 * print 32 bits, and %llu 53. Returns the number of bytes written, without the NUL.
 */
export function sprintf(
  dst: Ptr, format: string, arg0: Arg = 0, arg1: Arg = 0, arg2: Arg = 0, arg3: Arg = 0, arg4: Arg = 0, arg5: Arg = 0,
  arg6: Arg = 0, arg7: Arg = 0, arg8: Arg = 0, arg9: Arg = 0,
): number {
  if (format !== printFormat) {
    printed = parseFormat(format, printFormats);
    printFormat = format;
  }
  const { literals, kinds } = printed;
  let p = dst;
  for (let i = 0; ; i++) {
    p = putLiteral(p, literals[i]);
    const kind = kinds[i];
    if (kind === Kind.end) break;
    let arg: Arg;
    switch (i) {
      case 0: arg = arg0; break;
      case 1: arg = arg1; break;
      case 2: arg = arg2; break;
      case 3: arg = arg3; break;
      case 4: arg = arg4; break;
      case 5: arg = arg5; break;
      case 6: arg = arg6; break;
      case 7: arg = arg7; break;
      case 8: arg = arg8; break;
      default: arg = arg9;
    }
    if (kind === Kind.s) p = stpcpy(p, arg);
    else if (typeof arg !== 'number') throw new TypeError(`sprintf: a number is wanted for ${format}`);
    else p = putNumber(p, kind === Kind.u ? arg >>> 0 : kind === Kind.d ? arg | 0 : arg);
  }
  u8[p] = 0;
  return p - dst;
}

function putLiteral(dst: Ptr, { bytes, words, tail }: Literal): Ptr {
  const to = dv;
  let p = dst;
  for (let i = 0; i < words.length; i++, p += 4) to.setInt32(p, words[i], true);
  return bytes.length & 3 ? putTail(p, tail, bytes.length & 3) : p;
}

/** Writes a whole number in decimal, and gives where it ends. */
function putNumber(dst: Ptr, value: number): Ptr {
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
  // Divisions of small integers are much quicker than those of others.
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

export const stdout = process.stdout;
export const stderr = process.stderr;

/** fprintf(3) of a finished message: its formatting is the template literal's. */
export function fprintf(stream: NodeJS.WriteStream, message: string): void {
  stream.write(message);
}

/** printf(3), likewise. */
export function printf(message: string): void {
  stdout.write(message);
}

/** perror(3): `s`, and what errno means, on stderr. */
export function perror(s: CString): void {
  stderr.write(`${str(s)}: ${strerror(errno)}\n`);
}
