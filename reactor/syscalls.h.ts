// The system calls that a backend brings with it: what the program, and what stands between the two, may ask of it.
import type { Linger, SockaddrIn } from './socket.h';
import type { Timeval } from './time';
import type { Iovec } from './uio.h';

/**
 * The system calls of one backend. Each returns what its man page says, or -1 with `errno` set;
 * a descriptor blocks until O_NONBLOCK is set on it, where there is a kernel to block in: set it at once.
 */
export interface Syscalls {
  socket(domain: number, type: number, protocol: number): number;
  bind(fd: number, addr: SockaddrIn): number;
  listen(fd: number, backlog: number): number;
  /** A new descriptor; fills in `addr`, the peer's address, if one is given. */
  accept(fd: number, addr: SockaddrIn | null): number;
  /** 0, or -1 and EINPROGRESS: then the descriptor turns writable when it is known. */
  connect(fd: number, addr: SockaddrIn): number;
  getsockname(fd: number, addr: SockaddrIn): number;
  fcntl(fd: number, cmd: number, arg: number): number;
  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number;
  /** Up to `length` bytes into `buf` at `offset`; 0 at end of stream. */
  read(fd: number, buf: Uint8Array, offset: number, length: number): number;
  write(fd: number, buf: Uint8Array, offset: number, length: number): number;
  /** As write; `flags` are hints only: 0 or MSG_MORE. */
  send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number;
  /** As send, of several pieces one after another. */
  sendmsg(fd: number, iov: readonly Iovec[], flags: number): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  gettimeofday(tv: Timeval): number;
  /** Seconds since 1970. */
  time(): number;
  /** Fills `buf` with random bytes (getrandom(2)). */
  getrandom(buf: Uint8Array): number;
  /** How many descriptors the program has closed that are still open, because not all that it wrote has arrived. */
  readonly lingering: number;
  /** Whether a read that gives less than it was asked for, or EAGAIN, tells that nothing more has come. */
  readonly seesAllInput: boolean;
  /** Null where several calls are not quicker made together. */
  readonly batch: Batch | null;
}

/**
 * Several reads or writes on as many sockets, each another one, in their order; none of them waits. `results` gets what each
 * returned, and where that is -1, errno as a negative number.
 */
export interface Batch {
  /** So many at most; 0 from when the kernel makes no more such calls. */
  readonly size: number;
  /** From fds[i], up to `length` bytes into `buf` at i * length. */
  recv(fds: Int32Array, n: number, buf: Uint8Array, length: number, results: Int32Array): void;
  /** To fds[i], what is in `buf` from starts[i] to starts[i + 1]. */
  send(fds: Int32Array, n: number, buf: Uint8Array, starts: Uint32Array, results: Int32Array): void;
}
