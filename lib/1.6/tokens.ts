// The words of a command line, and the numbers in them (vendor/mcmc/mcmc.c; util.c: safe_strtoflags, safe_strtol).
import { dv, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import * as u64 from './u64';

/** MCMC_PARSER_MAX_TOKENS: further words are ignored. */
export const MAX_TOKENS = 24;

/** Where each word of the line begins, and how many bytes it has. */
export const tokenAt = new Uint32Array(MAX_TOKENS);
export const tokenLength = new Uint32Array(MAX_TOKENS);
/** How many words there are: MAX_TOKENS at most. */
export let ntokens = 0;

const SPACE = 0x20;
const PLUS = 0x2b;
const MINUS = 0x2d;

/** mcmc.c: mcmc_tokenize. Splits the line from `p` to `end` at its spaces. */
export function tokenize(p: Ptr, end: Ptr): void {
  const bytes = u8;
  ntokens = 0;
  let at = p;
  while (ntokens < MAX_TOKENS) {
    while (at < end && bytes[at] === SPACE) at++;
    if (at >= end) return;
    const start = at;
    while (at < end && bytes[at] !== SPACE) at++;
    tokenAt[ntokens] = start;
    tokenLength[ntokens++] = at - start;
  }
}

/** A word as text, for rare commands; '' if there is none. */
export function token(i: number): string {
  if (i >= ntokens) return '';
  let text = '';
  for (let p = tokenAt[i]; p < tokenAt[i] + tokenLength[i]; p++) text += String.fromCharCode(u8[p]);
  return text;
}

/** Whether the word is `name`. */
export function isWord(i: number, name: string): boolean {
  if (i >= ntokens || tokenLength[i] !== name.length) return false;
  const p = tokenAt[i];
  for (let k = 0; k < name.length; k++) if (u8[p + k] !== name.charCodeAt(k)) return false;
  return true;
}

/** Whether the word is `name`, or a beginning of it: memcached compares only that much of most subcommands. */
export function abbreviates(i: number, name: string): boolean {
  return i < ntokens && name.startsWith(token(i));
}

/** Whether the word is `noreply`. */
export function isNoreply(i: number): boolean {
  const p = tokenAt[i];
  return tokenLength[i] === 7 && dv.getInt32(p, true) === 0x65726f6e && dv.getInt32(p + 3, true) === 0x796c7065;
}

/** The number that was read last, if it has up to 32 bits. 64-bit numbers are in u64.hi and u64.lo. */
export let number = 0;

/** mcmc.c: mcmc_token_get_u32. Whether a word is a number from 0 to 2^32 - 1. */
export function tokenU32(i: number): boolean {
  return i < ntokens && parseU32(tokenAt[i], tokenLength[i]);
}

export function parseU32(p: Ptr, n: number): boolean {
  if (!u64.parse(p, n) || u64.hi !== 0) return false;
  number = u64.lo;
  return true;
}

/** mcmc.c: mcmc_token_get_32. Whether a word is a number from -2^31 to 2^31 - 1. */
export function token32(i: number): boolean {
  return i < ntokens && parse32(tokenAt[i], tokenLength[i]);
}

export function parse32(p: Ptr, n: number): boolean {
  const negative = n > 0 && u8[p] === MINUS;
  if (!(negative ? parseU32(p + 1, n - 1) : parseU32(p, n))) return false;
  if (number > (negative ? 0x80000000 : 0x7fffffff)) return false;
  if (negative) number = -number;
  return true;
}

/** mcmc.c: mcmc_token_get_u64. Whether a word is a number from 0 to 2^64 - 1. */
export function tokenU64(i: number): boolean {
  return i < ntokens && u64.parse(tokenAt[i], tokenLength[i]);
}

/** util.c: safe_strtod. The decimal number in a word, or null. */
export function tokenDouble(i: number): number | null {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(token(i)) ? Number(token(i)) : null;
}

// A storage command's flags and expiry may have a sign before them, as in C's strtoull and strtoll.

/** util.c: safe_strtoflags. The flags of a storage command: the lower 32 bits of a 64-bit number. */
export function tokenFlags(i: number): boolean {
  if (!parseDigits(i, PLUS)) return false;
  number = u64.lo;
  return true;
}

/** util.c: safe_strtol. The expiry of a storage command: the lower 32 bits of a 64-bit number, as an int. */
export function tokenLong(i: number): boolean {
  const negative = u8[tokenAt[i]] === MINUS;
  if (!parseDigits(i, negative ? MINUS : PLUS) || u64.hi > 0x7fffffff) return false;
  number = negative ? -u64.lo | 0 : u64.lo | 0;
  return true;
}

/** The digits of a word, with `sign` before them or without. */
function parseDigits(i: number, sign: number): boolean {
  const signed = u8[tokenAt[i]] === sign ? 1 : 0;
  return u64.parse(tokenAt[i] + signed, tokenLength[i] - signed);
}
