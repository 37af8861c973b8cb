// The contents of the flat memory, as text.
import heap from '../../lib/libc/heap';

const MAX_BYTES = 64;

/** `0x10000a00`; NULL for 0. */
export function address(p: number): string {
  return p === 0 ? 'NULL' : `0x${p.toString(16)}`;
}

/** The bytes from `p` as a string literal of C, at most 64 of them. */
export function quoted(p: number, length: number): string {
  if (!inMemory(p) || length <= 0) return '""';
  const bytes = heap.u8.subarray(p, Math.min(p + Math.min(length, MAX_BYTES), heap.u8.length));
  const text = Array.from(bytes, escaped).join('');
  return `"${text}"${length > MAX_BYTES ? '…' : ''}`;
}

/** The string at `p`, up to its NUL. */
export function string(p: number): string {
  if (!inMemory(p)) return address(p);
  const end = heap.u8.indexOf(0, p);
  return quoted(p, (end === -1 ? heap.u8.length : end) - p);
}

/** An address with the bytes at it. */
export function pointer(p: number, length: number): string {
  return p === 0 || length <= 0 ? address(p) : `${address(p)} ${quoted(p, length)}`;
}

export function inMemory(p: number): boolean {
  return p > 0 && (heap.u8 as Uint8Array | undefined) !== undefined && p < heap.u8.length;
}

const ESCAPES: Readonly<Record<number, string>> = { 0: '\\0', 9: '\\t', 10: '\\n', 13: '\\r', 34: '\\"', 92: '\\\\' };

function escaped(byte: number): string {
  const short = ESCAPES[byte] as string | undefined;
  if (short !== undefined) return short;
  return byte < 0x20 || byte > 0x7e ? `\\x${byte.toString(16).padStart(2, '0')}` : String.fromCharCode(byte);
}
