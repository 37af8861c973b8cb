// Compiles each format once, to a function that does only what that format says. Interpreting the format at every call
// took a sixth of the JavaScript time of a get of many keys.
import { compileFunction } from 'node:vm';

import heap from './heap';
import { isspace } from './ctype';
import type { Ptr } from './memory';
import { putNumber, scanLong, scanUnsignedLong } from './number';
import type { CString } from './string';
import { firstOf, putTail, stpcpy } from './string';
import type { Ref } from './ref';

export type Arg = CString;
export type Out = Ptr | Ref;

/** sprintf with one format. */
export type Print = (
  dst: Ptr, arg0?: Arg, arg1?: Arg, arg2?: Arg, arg3?: Arg, arg4?: Arg, arg5?: Arg, arg6?: Arg, arg7?: Arg, arg8?: Arg,
  arg9?: Arg,
) => number;
/** sscanf with one format. */
export type Scan = (s: Ptr, out0?: Out, out1?: Out, out2?: Out, out3?: Out, out4?: Out) => number;

/** A literal, white space, or a conversion. `size` has the l's of %lu and %llu. */
interface Piece {
  text: string;
  space: boolean;
  conversion: string;
  size: string;
  width: number;
}

/** The functions that compiled formats call. */
const library = { heap, isspace, stpcpy, putNumber, scanLong, scanUnsignedLong, copyWord, wrong };
const LIBRARY = `'use strict'; const { ${Object.keys(library).join(', ')} } = library;`;

export function compilePrint(format: string): Print {
  const args: string[] = [];
  const code = pieces(format, false).map(({ text, conversion, size }) => {
    if (conversion === '') return putText(text);
    const arg = `arg${args.length}`;
    args.push(arg);
    if (conversion === 's') {
      return `if (${arg} === undefined) wrong('sprintf: a string is wanted'); p = stpcpy(p, ${arg});`;
    }
    const value = conversion === 'd' ? `${arg} | 0` : size === 'll' ? arg : `${arg} >>> 0`;
    return `if (typeof ${arg} !== 'number') wrong('sprintf: a number is wanted'); p = putNumber(p, ${value});`;
  });
  return compile(`sprintf ${JSON.stringify(format)}`, ['dst', ...args], [
    'const { u8, dv } = heap; let p = dst;', ...code, 'u8[p] = 0; return p - dst;',
  ]) as Print;
}

/** Code that stores `text` at `p`, in words. */
function putText(text: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const stores: string[] = [];
  let i = 0;
  for (; i + 4 <= bytes.length; i += 4) stores.push(`dv.setInt32(p + ${i}, ${bytes.readInt32LE(i)}, true);`);
  for (; i < bytes.length; i++) stores.push(`u8[p + ${i}] = ${bytes[i]};`);
  return `${stores.join(' ')} p += ${bytes.length};`;
}

export function compileScan(format: string): Scan {
  const outs: string[] = [];
  const skip = 'while (u8[p] <= 0x20 && isspace(u8[p])) p++;';
  let stored = 0;
  const code = pieces(format, true).map(({ text, space, conversion, width }) => {
    const end = `return ${stored === 0 ? -1 : stored};`;
    if (space) return skip;
    if (conversion === '') {
      return [...Buffer.from(text, 'latin1')]
        .map((byte) => `if (u8[p] !== ${byte}) { if (u8[p] === 0) ${end} return ${stored}; } p++;`)
        .join(' ');
    }
    const out = `out${outs.length}`;
    outs.push(out);
    const ref = `if (typeof ${out} !== 'object') wrong('sscanf: a number wants a Ref');`;
    if (conversion === 'n') return `${ref} ${out}.value = p - s;`;
    const before = stored++;
    const start = `${skip} if (u8[p] === 0) ${end}`;
    if (conversion === 's') {
      const check = `if (typeof ${out} !== 'number') wrong('sscanf: %s wants a pointer');`;
      return `${start} ${check} p += copyWord(${out}, p, ${width});`;
    }
    const scan = conversion === 'u' ? 'scanUnsignedLong' : 'scanLong';
    return `${start} ${ref} { const q = ${scan}(p, ${out}); if (q === p) return ${before}; p = q; }`;
  });
  return compile(`sscanf ${JSON.stringify(format)}`, ['s', ...outs], [
    'const { u8 } = heap; let p = s;', ...code, `return ${stored};`,
  ]) as Scan;
}

/** Cuts a format into pieces. For sscanf white space is a piece of its own, since it stands for any amount of it. */
function pieces(format: string, spaces: boolean): Piece[] {
  const list: Piece[] = [];
  const pattern = /%(\d*)(l{0,2})([sudn%])|(\s+)|([^%\s]+)/y;
  while (pattern.lastIndex < format.length) {
    const match = pattern.exec(format);
    if (match === null) throw new Error(`format not understood: ${format}`);
    // A group that did not match is undefined, whatever its type says.
    const [, width = '', size = '', conversion = '', space = '', text = ''] = match;
    const piece = { text: '', space: false, conversion: '', size, width: width === '' ? 0x7fffffff : Number(width) };
    const last = list.at(-1);
    if (space !== '' && spaces) list.push({ ...piece, space: true });
    else if (space === '' && text === '' && conversion !== '%') list.push({ ...piece, conversion });
    else if (last === undefined || last.text === '') list.push({ ...piece, text: space || text || conversion });
    else last.text += space || text || conversion;
  }
  return list;
}

/** A function with these parameters and statements. The text of a format gets into the code only as numbers. */
function compile(name: string, parameters: readonly string[], statements: readonly string[]): unknown {
  const body = statements.map((line) => `  ${line}`);
  const code = [LIBRARY, `return (${parameters.join(', ')}) => {`, ...body, '};'].join('\n');
  const factory = compileFunction(code, ['library'], { filename: name }) as (from: typeof library) => unknown;
  return factory(library);
}

function wrong(message: string): never {
  throw new TypeError(message);
}

/** Copies the text at `src`, up to white space, the string's end or `width` characters, and adds a NUL. */
function copyWord(dst: Ptr, src: Ptr, width: number): number {
  const { u8, dv } = heap;
  let n = 0;
  // Copies whole words, as long as no byte in them is white space or less.
  for (const last = Math.min(width, u8.length - src) - 4; n <= last; n += 4) {
    const word = dv.getInt32(src + n, true);
    const marks = (word - 0x21212121) & ~word & 0x80808080;
    if (marks !== 0) {
      const first = firstOf(marks);
      const byte = (word >>> (8 * first)) & 0xff;
      if (byte !== 0 && !isspace(byte)) break;
      return putTail(dst + n, word, first) - dst;
    }
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
