// The system calls that every backend provides to the program, and to the economy between them.
import type { Linger, Sockaddr, SockaddrRoom } from './socket.h';
import type { Timeval } from './time';
import type { Iovec } from './uio.h';

/**
 * The system calls of one backend. Each returns what its man page says, or -1 with `errno` set. A descriptor of a real
 * kernel blocks until the program sets O_NONBLOCK, so set it at once.
 */
export interface Syscalls {
  socket(domain: number, type: number, protocol: number): number;
  /** To a path (SockaddrUn): makes the socket's file, which stays after close(2). */
  bind(fd: number, addr: Sockaddr): number;
  listen(fd: number, backlog: number): number;
  /** Returns a new descriptor. Sets `addr` to the peer's address, unless it is null. */
  accept(fd: number, addr: SockaddrRoom | null): number;
  /** 0, or -1 and EINPROGRESS: then the descriptor becomes writable when the result is known. */
  connect(fd: number, addr: Sockaddr): number;
  getsockname(fd: number, addr: SockaddrRoom): number;
  getpeername(fd: number, addr: SockaddrRoom): number;
  fcntl(fd: number, cmd: number, arg: number): number;
  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number;
  /** Reads up to `length` bytes into `buf` at `offset`; 0 at end of stream. */
  read(fd: number, buf: Uint8Array, offset: number, length: number): number;
  write(fd: number, buf: Uint8Array, offset: number, length: number): number;
  /** As write; `flags` are hints only: 0 or MSG_MORE. */
  send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number;
  /** As send, of several pieces one after another. */
  sendmsg(fd: number, iov: readonly Iovec[], flags: number): number;
  /** Reads one datagram, of which what exceeds `length` is lost. Sets `addr` to its sender, unless it is null. */
  recvfrom(fd: number, buf: Uint8Array, offset: number, length: number, addr: SockaddrRoom | null): number;
  /** Sends one datagram. */
  sendto(fd: number, buf: Uint8Array, offset: number, length: number, addr: Sockaddr): number;
  shutdown(fd: number, how: number): number;
  close(fd: number): number;
  gettimeofday(tv: Timeval): number;
  /** Seconds since 1970. */
  time(): number;
  /** Seconds, with their fraction, of a clock that cannot be set (clock_gettime(2), CLOCK_MONOTONIC). */
  monotonic(): number;
  /** Fills `buf` with random bytes (getrandom(2)). */
  getrandom(buf: Uint8Array): number;
  /** How many descriptors the program has closed that are still open, for instance to send the last bytes. */
  readonly lingering: number;
  /** Whether a short read, or EAGAIN, means that the kernel has no more input. */
  readonly seesAllInput: boolean;
  /** Makes several calls in one; null if the backend cannot, or if that is not quicker. */
  readonly batch: Batch | null;
}

/**
 * Makes several reads or writes in one call, each on a different socket, in order and without waiting. `results` gets
 * the result of each, or a negated errno value.
 */
export interface Batch {
  /** How many it can make at once; 0 after the kernel has stopped serving it. */
  readonly size: number;
  /** Reads from fds[i] up to `length` bytes into `buf` at i * length. */
  recv(fds: Int32Array, n: number, buf: Uint8Array, length: number, results: Int32Array): void;
  /** Writes to fds[i] the bytes of `buf` from starts[i] to starts[i + 1]. */
  send(fds: Int32Array, n: number, buf: Uint8Array, starts: Uint32Array, results: Int32Array): void;
}
