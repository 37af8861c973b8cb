// <stdio.h>: sscanf and sprintf on the flat memory, each format read once; printf, fprintf and perror on Node's streams.
import { isdigit, isspace } from './ctype';
import type { Ptr } from './memory';
import { dv, u8 } from './memory';
import type { CString } from './string';
import { stpcpy, str } from './string';
import { errno, strerror } from '../../reactor/errno.h';

/** A variable whose address C passes (`&len`). */
export interface Ref {
  value: number;
}

/** One piece of a format. */
interface Directive {
  kind: Kind;
  /** What a literal, or white space in sprintf, stands for. */
  bytes: Uint8Array;
  /** The most characters that a %s takes. */
  width: number;
}

/** A literal, white space (in sscanf: any amount of it), or a conversion; `big` is %llu. */
enum Kind { literal, space, s, u, d, n, big }

const formats = new Map<string, Directive[]>();
function parseFormat(format: string): Directive[] {
  const parsed = formats.get(format);
  if (parsed !== undefined) return parsed;
  const directives: Directive[] = [];
  const pattern = /%(\d*)(l{0,2})([sudn%])|(\s+)|([^%\s]+)/y;
  while (pattern.lastIndex < format.length) {
    const match = pattern.exec(format);
    if (match === null) throw new Error(`format not understood: ${format}`);
    // A group that took no part is undefined, whatever its type says.
    const [, width = '', size = '', conversion = '', space = '', literal = ''] = match;
    directives.push({
      kind: space !== '' ? Kind.space : literal !== '' || conversion === '%' ? Kind.literal : kindOf(conversion, size),
      bytes: Buffer.from(space || literal || conversion, 'latin1'),
      width: width === '' ? 0xffffffff : Number(width),
    });
  }
  formats.set(format, directives);
  return directives;
}

function kindOf(conversion: string, size: string): Kind {
  if (conversion === 'u') return size === 'll' ? Kind.big : Kind.u;
  return conversion === 's' ? Kind.s : conversion === 'd' ? Kind.d : Kind.n;
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
let scanDirectives: Directive[] = [];

/**
 * sscanf(3), as far as %s, %u, %d, %lu, %n and white space go. `%s` writes to a pointer and the others to a Ref, in the
 * order of the format. Returns how many conversions were stored (%n does not count), -1 when the string ends before the
 * first.
 */
export function sscanf(s: Ptr, format: string, out0?: Out, out1?: Out, out2?: Out, out3?: Out, out4?: Out): number {
  if (format !== scanFormat) {
    scanDirectives = parseFormat(format);
    scanFormat = format;
  }
  const directives = scanDirectives;
  let p = s;
  let stored = 0;
  let next = 0;
  for (let i = 0; i < directives.length; i++) {
    const { kind, bytes, width } = directives[i];
    if (kind === Kind.space) {
      while (isspace(u8[p])) p++;
      continue;
    }
    if (kind === Kind.literal) {
      for (let k = 0; k < bytes.length; k++, p++) {
        if (u8[p] !== bytes[k]) return u8[p] === 0 && stored === 0 ? -1 : stored;
      }
      continue;
    }
    const out = next === 0 ? out0 : next === 1 ? out1 : next === 2 ? out2 : next === 3 ? out3 : out4;
    next++;
    if (kind === Kind.n) {
      refOf(out).value = p - s;
      continue;
    }
    while (isspace(u8[p])) p++;
    if (u8[p] === 0) return stored === 0 ? -1 : stored;
    if (kind === Kind.s) {
      if (typeof out !== 'number') throw new TypeError('sscanf: %s wants a pointer');
      p += copyWord(out, p, width);
    } else {
      const value = kind === Kind.u ? strtoul(p) : strtol(p);
      if (numberEnd === p) return stored;
      refOf(out).value = value;
      p = numberEnd;
    }
    stored++;
  }
  return stored;
}

/** Copies what stands at `src` before white space or the string's end, but at most `width` characters, and a NUL. */
function copyWord(dst: Ptr, src: Ptr, width: number): number {
  let n = 0;
  // Whole words, as long as no byte of them is white space or less.
  for (; n + 4 <= width && src + n + 4 <= u8.length; n += 4) {
    const word = dv.getInt32(src + n, true);
    if (((word - 0x21212121) & ~word & 0x80808080) !== 0) break;
    dv.setInt32(dst + n, word, true);
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
let printDirectives: Directive[] = [];

/**
 * sprintf(3), as far as %s, %u, %d, %lu and %llu go: `%s` takes a C string, the others a number, of which %u and %lu
 * print 32 bits, and %llu 53. Returns the number of bytes written, without the NUL.
 */
export function sprintf(
  dst: Ptr, format: string, arg0: Arg = 0, arg1: Arg = 0, arg2: Arg = 0, arg3: Arg = 0, arg4: Arg = 0, arg5: Arg = 0,
  arg6: Arg = 0, arg7: Arg = 0, arg8: Arg = 0, arg9: Arg = 0,
): number {
  if (format !== printFormat) {
    printDirectives = parseFormat(format);
    printFormat = format;
  }
  const directives = printDirectives;
  let p = dst;
  let next = 0;
  for (let i = 0; i < directives.length; i++) {
    const { kind, bytes } = directives[i];
    if (kind === Kind.literal || kind === Kind.space) {
      for (let k = 0; k < bytes.length; k++) u8[p++] = bytes[k];
      continue;
    }
    let arg: Arg;
    switch (next++) {
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
    else p += putNumber(p, kind === Kind.u ? arg >>> 0 : kind === Kind.d ? arg | 0 : arg);
  }
  u8[p] = 0;
  return p - dst;
}

/** Writes a whole number in decimal, and returns how many bytes that took. */
function putNumber(dst: Ptr, value: number): number {
  if (value >= 0 && value < 10) {
    u8[dst] = 0x30 + value;
    return 1;
  }
  let rest = value;
  let p = dst;
  if (rest < 0) {
    u8[p++] = 0x2d;
    rest = -rest;
  }
  let length = 1;
  for (let bound = 10; bound <= rest; bound *= 10) length++;
  for (let i = p + length - 1; i >= p; i--) {
    const quotient = Math.floor(rest / 10);
    u8[i] = 0x30 + (rest - quotient * 10);
    rest = quotient;
  }
  return p + length - dst;
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
