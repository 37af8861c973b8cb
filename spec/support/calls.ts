// System calls for specs, with text in place of buffers, and errno values in place of -1.
import type { ExecutionContext } from 'ava';
import { errno } from '../../reactor/errno.h';
import { read, sendmsg, write } from '../../reactor/syscalls';

/** Up to `length` bytes as text, or the errno value. */
export function readText(fd: number, length = 4096): string | number {
  const buf = Buffer.alloc(length);
  const n = read(fd, buf, 0, length);
  return n === -1 ? errno : buf.toString('latin1', 0, n);
}

/** The number of bytes written, or the negated errno value. */
export function writeText(fd: number, text: string): number {
  const n = write(fd, Buffer.from(text, 'latin1'), 0, text.length);
  return n === -1 ? -errno : n;
}

/** The same with sendmsg(2), of several pieces. */
export function sendTexts(fd: number, ...texts: string[]): number {
  const iov = texts.map((text) => ({ buf: Buffer.from(`<${text}>`, 'latin1'), offset: 1, length: text.length }));
  const n = sendmsg(fd, iov, 0);
  return n === -1 ? -errno : n;
}

export function fails(t: ExecutionContext, res: number, errnum: number): void {
  t.is(res, -1);
  t.is(errno, errnum);
}
