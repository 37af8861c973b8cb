// Compares what a client sends with secrets, in a time that reveals nothing (util.c: safe_memcmp).
import { createHash, timingSafeEqual } from 'node:crypto';

/** Returns 32 bytes that stand for `bytes` of any length. */
export function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Whether `secret` is one of `candidates`. Compares all of them, and each to its end. */
export function isAmong(secret: Buffer, candidates: readonly Buffer[]): boolean {
  let same = 0;
  for (const candidate of candidates) same |= Number(timingSafeEqual(secret, candidate));
  return same === 1;
}
