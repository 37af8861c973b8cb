// The error number of the last system call that failed (errno(3)), and the numbers that we name.
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

export const {
  EACCES, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EBADF, EBUSY, ECONNABORTED, ECONNREFUSED, ECONNRESET,
  EEXIST, EINPROGRESS, EINTR, EINVAL, EIO, EMFILE, ENFILE, ENOBUFS, ENOENT, ENOMEM, ENOSYS, ENOTCONN, ENOTSOCK,
  EOPNOTSUPP, EPERM, EPIPE, ETIMEDOUT, EWOULDBLOCK,
} = constants.errno;

/** A live export, as in C: read it at once after a call that returned -1. */
export let errno = 0;

export function setErrno(value: number): void {
  errno = value;
}

/** The message for an error number, as strerror(3) gives it but in libuv's words. */
export function strerror(errnum: number): string {
  return getSystemErrorMap().get(-errnum)?.[1] ?? `Unknown error ${errnum}`;
}
