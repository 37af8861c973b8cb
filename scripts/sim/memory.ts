// Access to the flat memory from outside: through Node's Buffer, not the functions under test.
import type { Ptr } from '../../lib/libc/memory';
import { u8 } from '../../lib/libc/heap';

/** Writes Latin-1 `text` to `p`, without a NUL. */
export function put(p: Ptr, text: string): Ptr {
  u8.set(Buffer.from(text, 'latin1'), p);
  return p;
}

/** Writes `text` and its NUL to `p`. */
export function putz(p: Ptr, text: string): Ptr {
  return put(p, `${text}\0`);
}

/** The `length` bytes at `p`, as Latin-1. */
export function bytes(p: Ptr, length: number): string {
  return Buffer.from(u8.buffer, p, length).toString('latin1');
}

/** The C string at `p`. */
export function text(p: Ptr): string {
  return bytes(p, u8.indexOf(0, p) - p);
}
