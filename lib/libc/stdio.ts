// <stdio.h>: sscanf and sprintf on the flat memory, each format read once; printf, fprintf and perror on Node's streams.
import { isdigit, isspace } from './ctype';
import type { Ptr } from './memory';
import { u8 } from './memory';
import type { CString } from './string';
import { str, strcpy, strlen } from './string';
import { errno, strerror } from '../../reactor/errno.h';

/** A variable whose address C passes (`&len`). */
export interface Ref {
  value: number;
}

/** One piece of a format: a literal, white space (in sscanf: any amount of it), or a conversion: s, u, d, n, or U for llu. */
interface Directive {
  kind: string;
  literal: string;
  /** The most characters that a %s takes. */
  width: number;
}

const formats = new Map<string, Directive[]>();

function parseFormat(format: string): Directive[] {
  const directives: Directive[] = [];
  const pattern = /%(\d*)(l{0,2})([sudn%])|(\s+)|([^%\s]+)/y;
  while (pattern.lastIndex < format.length) {
    const match = pattern.exec(format);
    if (match === null) throw new Error(`format not understood: ${format}`);
    // A group that took no part is undefined, whatever its type says.
    const [, width = '', size = '', conversion = '', space = '', literal = ''] = match;
    directives.push({
      kind: size === 'll' ? conversion.toUpperCase() : conversion || (space && ' ') || 'literal',
      literal: space || literal || conversion,
      width: width === '' ? Infinity : Number(width),
    });
  }
  formats.set(format, directives);
  return directives;
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

/**
 * sscanf(3), as far as %s, %u, %d, %lu, %n and white space go. `%s` writes to a pointer and the others to a Ref, in the
 * order of the format. Returns how many conversions were stored (%n does not count), -1 when the string ends before the
 * first.
 */
export function sscanf(s: Ptr, format: string, out0?: Out, out1?: Out, out2?: Out, out3?: Out, out4?: Out): number {
  const directives = formats.get(format) ?? parseFormat(format);
  let p = s;
  let stored = 0;
  let next = 0;
  for (let i = 0; i < directives.length; i++) {
    const { kind, literal, width } = directives[i];
    if (kind === ' ') {
      while (isspace(u8[p])) p++;
      continue;
    }
    if (kind === 'literal' || kind === '%') {
      for (let k = 0; k < literal.length; k++, p++) {
        if (u8[p] !== literal.charCodeAt(k)) return u8[p] === 0 && stored === 0 ? -1 : stored;
      }
      continue;
    }
    const out = next === 0 ? out0 : next === 1 ? out1 : next === 2 ? out2 : next === 3 ? out3 : out4;
    next++;
    if (kind === 'n') {
      refOf(out).value = p - s;
      continue;
    }
    while (isspace(u8[p])) p++;
    if (u8[p] === 0) return stored === 0 ? -1 : stored;
    if (kind === 's') {
      if (typeof out !== 'number') throw new TypeError('sscanf: %s wants a pointer');
      let n = 0;
      for (; u8[p] !== 0 && !isspace(u8[p]) && n < width; n++) u8[out + n] = u8[p++];
      u8[out + n] = 0;
    } else {
      const value = kind === 'u' ? strtoul(p) : strtol(p);
      if (numberEnd === p) return stored;
      refOf(out).value = value;
      p = numberEnd;
    }
    stored++;
  }
  return stored;
}

function refOf(out: Out | undefined): Ref {
  if (typeof out !== 'object') throw new TypeError('sscanf: a number wants a Ref');
  return out;
}

type Arg = CString;

/**
 * sprintf(3), as far as %s, %u, %d, %lu and %llu go: `%s` takes a C string, the others a number, of which %u and %lu
 * print 32 bits, and %llu 53. Returns the number of bytes written, without the NUL.
 */
export function sprintf(
  dst: Ptr, format: string, arg0: Arg = 0, arg1: Arg = 0, arg2: Arg = 0, arg3: Arg = 0, arg4: Arg = 0, arg5: Arg = 0,
  arg6: Arg = 0, arg7: Arg = 0, arg8: Arg = 0, arg9: Arg = 0,
): number {
  const directives = formats.get(format) ?? parseFormat(format);
  args[0] = arg0; args[1] = arg1; args[2] = arg2; args[3] = arg3; args[4] = arg4;
  args[5] = arg5; args[6] = arg6; args[7] = arg7; args[8] = arg8; args[9] = arg9;
  let p = dst;
  let next = 0;
  for (let i = 0; i < directives.length; i++) {
    const { kind, literal } = directives[i];
    if (kind === ' ' || kind === 'literal' || kind === '%') {
      for (let k = 0; k < literal.length; k++) u8[p++] = literal.charCodeAt(k);
      continue;
    }
    const arg = args[next++];
    if (kind === 's') {
      strcpy(p, arg);
      p += strlen(arg);
    } else if (typeof arg === 'number') {
      p += putNumber(p, kind === 'u' ? arg >>> 0 : kind === 'd' ? arg | 0 : arg);
    } else {
      throw new TypeError(`sprintf: %${kind} wants a number`);
    }
  }
  u8[p] = 0;
  return p - dst;
}

const args: Arg[] = new Array<Arg>(10).fill(0);

/** Writes a whole number in decimal, and returns how many bytes that took. */
function putNumber(dst: Ptr, value: number): number {
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
