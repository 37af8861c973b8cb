// What a client sends is compared with a secret so that the time it takes tells nothing (util.c: safe_memcmp).
import { createHash, timingSafeEqual } from 'node:crypto';

/** Stands for some bytes, and has 32 of them, however many those are. */
export function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** Whether `secret` is one of `candidates`: all are compared, and each to its end. */
export function isAmong(secret: Buffer, candidates: readonly Buffer[]): boolean {
  let same = 0;
  for (const candidate of candidates) same |= Number(timingSafeEqual(secret, candidate));
  return same === 1;
}
