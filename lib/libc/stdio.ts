// <stdio.h>: sscanf and sprintf on the flat memory; printf, fprintf and perror on Node's streams.
import type { Arg, Out, Print, Scan } from './format';
import { compilePrint, compileScan } from './format';
import type { Ptr } from './memory';
import { strtol } from './number';
import type { CString } from './string';
import { str } from './string';
import { errno, strerror } from '../../reactor/errno.h';

export type { Ref } from './ref';

/** atoi(3): strtol without its errors. */
export function atoi(s: Ptr): number {
  return strtol(s);
}

const scans = new Map<string, Scan>();
let lastScan: Scan = () => 0;
let lastScanFormat: string | null = null;

/**
 * sscanf(3) with %s, %u, %d, %lu, %n and white space. `%s` writes to a pointer and the others to a Ref, in the order of
 * the format. Returns how many conversions were stored (%n does not count), or -1 if the string ends before the first.
 */
export function sscanf(s: Ptr, format: string, out0?: Out, out1?: Out, out2?: Out, out3?: Out, out4?: Out): number {
  if (format !== lastScanFormat) {
    lastScan = compiled(scans, format, compileScan);
    lastScanFormat = format;
  }
  return lastScan(s, out0, out1, out2, out3, out4);
}

const prints = new Map<string, Print>();
let lastPrint: Print = () => 0;
let lastPrintFormat: string | null = null;

/**
 * sprintf(3) with %s, %u, %d, %lu and %llu. `%s` takes a C string, the others a number; %u and %lu print 32 bits of it,
 * %llu 53. Returns the number of bytes written, without the NUL.
 */
export function sprintf(
  dst: Ptr, format: string, arg0?: Arg, arg1?: Arg, arg2?: Arg, arg3?: Arg, arg4?: Arg, arg5?: Arg, arg6?: Arg,
  arg7?: Arg, arg8?: Arg, arg9?: Arg,
): number {
  if (format !== lastPrintFormat) {
    lastPrint = compiled(prints, format, compilePrint);
    lastPrintFormat = format;
  }
  return lastPrint(dst, arg0, arg1, arg2, arg3, arg4, arg5, arg6, arg7, arg8, arg9);
}

function compiled<T>(known: Map<string, T>, format: string, compile: (format: string) => T): T {
  const found = known.get(format) ?? compile(format);
  known.set(format, found);
  return found;
}

export const stdout = process.stdout;
export const stderr = process.stderr;

/** fprintf(3) of a finished message, which a template literal has formatted. */
export function fprintf(stream: NodeJS.WriteStream, message: string): void {
  stream.write(message);
}

/** printf(3), likewise. */
export function printf(message: string): void {
  stdout.write(message);
}

/** perror(3): prints `s` and the meaning of errno on stderr. */
export function perror(s: CString): void {
  stderr.write(`${str(s)}: ${strerror(errno)}\n`);
}
