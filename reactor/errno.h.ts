// errno(3), the error number of the last system call that failed, and the numbers that we use.
import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';

export const {
  EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EBADF, EBUSY, ECONNABORTED, ECONNREFUSED, ECONNRESET,
  EEXIST, EINPROGRESS, EINTR, EINVAL, EIO, EISCONN, EMFILE, EMSGSIZE, ENFILE, ENOBUFS, ENOENT, ENOMEM, ENOSYS, ENOTCONN,
  ENOTSOCK, EOPNOTSUPP, EPERM, EPIPE, ETIMEDOUT, EWOULDBLOCK,
} = constants.errno;

/** As in C, read it at once after a call that returned -1. */
export let errno = 0;

export function setErrno(value: number): void {
  errno = value;
}

/** strerror(3), with libuv's messages. */
export function strerror(errnum: number): string {
  return getSystemErrorMap().get(-errnum)?.[1] ?? `Unknown error ${errnum}`;
}
