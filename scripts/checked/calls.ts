// Functions that take a range of the flat memory check the whole range: those of <string.h>, the system calls, and
// fs.readSync. Bytes that a call sends must have been written; bytes that it reads in count as written.
import files from 'node:fs';

import heap from '../../lib/libc/heap';
import type { Ptr } from '../../lib/libc/memory';
import * as string from '../../lib/libc/string';
import * as syscalls from '../../reactor/syscalls';
import type { Iovec } from '../../reactor/uio.h';
import type { Guard } from './guard';
import { replace } from './replace';

/** Of node:fs, with the arguments that lib/1.6/restart.ts passes. */
interface Files {
  readSync: (fd: number, buffer: Uint8Array, offset: number, length: number, position: number | null) => number;
}

/** `memory()`: the bytes of the flat memory without a guard. */
export function checkCalls(guard: Guard, memory: () => Uint8Array<ArrayBuffer>): (() => void)[] {
  const isChecked = (buf: Uint8Array): boolean => buf === heap.u8;
  const opened = <T>(work: () => T): T => guard.opened(work);

  /** Shared by read and recvfrom: up to `n` bytes may come to `p`; `call` returns how many did. */
  const receive = (buf: Uint8Array, p: Ptr, n: number, call: (bytes: Uint8Array) => number): number => {
    if (!isChecked(buf)) return call(buf);
    guard.read(p, n); // addressable; bytes that do not come stay unwritten
    const received = call(memory());
    if (received > 0) guard.write(p, received);
    return received;
  };

  const unguarded = (buf: Uint8Array): Uint8Array => isChecked(buf) ? memory() : buf;

  /** `sent`: bytes of the parts that were sent, or -1. A later call may send the rest. */
  const send = (iov: readonly Iovec[], sent: number): number => {
    let left = sent;
    for (const { buf, offset, length } of iov) {
      const n = Math.min(length, left);
      if (n > 0 && isChecked(buf)) guard.send(offset, n);
      left -= n;
    }
    return sent;
  };

  return [
    replace(string, 'memcpy', (original) => (dst, src, n) => {
      if (typeof src === 'number') guard.copy(dst, src, n);
      else guard.write(dst, n);
      return opened(() => original(dst, src, n));
    }),
    replace(string, 'memmove', (original) => (dst, src, n) => {
      guard.copy(dst, src, n);
      return opened(() => original(dst, src, n));
    }),
    replace(string, 'memset', (original) => (s, c, n) => {
      guard.write(s, n);
      return opened(() => original(s, c, n));
    }),
    replace(string, 'memchr', (original) => (s, c, n) => {
      guard.read(s, n);
      return opened(() => original(s, c, n));
    }),
    replace(syscalls, 'read', (original) => (fd, buf, offset, length) => {
      return receive(buf, offset, length, (bytes) => original(fd, bytes, offset, length));
    }),
    replace(syscalls, 'recvfrom', (original) => (fd, buf, offset, length, addr) => {
      return receive(buf, offset, length, (bytes) => original(fd, bytes, offset, length, addr));
    }),
    replace(syscalls, 'write', (original) => (fd, buf, offset, length) => {
      const part = { buf, offset, length };
      return send([part], original(fd, unguarded(buf), offset, length));
    }),
    replace(syscalls, 'sendto', (original) => (fd, buf, offset, length, addr) => {
      const part = { buf, offset, length };
      return send([part], original(fd, unguarded(buf), offset, length, addr));
    }),
    replace(syscalls, 'sendmsg', (original) => (fd, iov, flags) => {
      return send(iov, original(fd, iov.map((part) => ({ ...part, buf: unguarded(part.buf) })), flags));
    }),
    replace(files as Files, 'readSync', (original) => (fd, buffer, offset, length, position) => {
      return receive(buffer, offset, length, (bytes) => original(fd, bytes, offset, length, position));
    }),
  ];
}
