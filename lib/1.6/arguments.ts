// Parses the numbers on the command line. Integers have 32 bits.

const INT_MAX = 0x7fffffff;
const INT_MIN = -0x80000000;
const UINT_MAX = 0xffffffff;

/** atoi(3): the whole number that `word` begins with; 0 if it begins with none, the nearest integer if out of range. */
export function atoi(word: string): number {
  return Math.max(INT_MIN, Math.min(INT_MAX, Math.trunc(Number(/^\s*([+-]?\d+)/.exec(word)?.[1] ?? 0)))) + 0;
}

/** strtol(3) with base 8, without its errors, for file permissions. */
export function octal(word: string): number {
  return parseInt(/^\s*([0-7]+)/.exec(word)?.[1] ?? '0', 8);
}

/** atof(3): the decimal number that `word` begins with; 0 if it begins with none. */
export function atof(word: string): number {
  return Number(/^\s*([+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)/i.exec(word)?.[1] ?? 0);
}

// util.c: safe_strtol
/** A 32-bit integer that the end of the word or white space follows; null for anything else. */
export function safeStrtol(word: string): number | null {
  return within(word, INT_MIN, INT_MAX);
}

// util.c: safe_strtoul
/** Like safeStrtol, from 0 to 2^32 - 1. C, whose long has 64 bits, truncates larger numbers. */
export function safeStrtoul(word: string): number | null {
  return within(word, 0, UINT_MAX);
}

function within(word: string, least: number, most: number): number | null {
  const digits = /^\s*([+-]?\d+)(\s|$)/.exec(word)?.[1];
  if (digits === undefined) return null;
  const value = Number(digits);
  return value >= least && value <= most ? value : null;
}
