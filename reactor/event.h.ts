// What event.h declares: flags, struct event, struct eventop, and the calls that a backend brings.
import type { RbEntry } from './tree';
import { RB_ENTRY } from './tree';
import type { TailqEntry } from './queue';
import { TAILQ_ENTRY } from './queue';
import type { Linger, SockaddrIn } from './socket.h';
import type { Iovec } from './uio.h';

export const EVLIST_TIMEOUT = 0x01;
export const EVLIST_INSERTED = 0x02;
export const EVLIST_SIGNAL = 0x04;
export const EVLIST_ACTIVE = 0x08;
export const EVLIST_INIT = 0x80;

/** EVLIST_X_ private space: 0x1000-0xf000. */
export const EVLIST_ALL = 0xf000 | 0x8f;

export const EV_TIMEOUT = 0x01;
export const EV_READ = 0x02;
export const EV_WRITE = 0x04;
export const EV_SIGNAL = 0x08;
export const EV_PERSIST = 0x10;

export const EVLOOP_ONCE = 0x01;
export const EVLOOP_NONBLOCK = 0x02;

/** struct timeval: seconds and microseconds (0 to 999,999). */
export interface Timeval {
  tvSec: number;
  tvUsec: number;
}

export const TIMEOUT_DEFAULT: Readonly<Timeval> = { tvSec: 5, tvUsec: 0 };

/** `fd` is the signal's number for a signal event; `which` is the EV_ flags that came true. */
export type EventCallback = (fd: number, which: number, arg: unknown) => void;

/** A short whose address C keeps (ev_pncalls): how often a callback is still to be called. */
export interface Ncalls {
  value: number;
}

/** struct event. `new Event()` is C's uninitialised struct: give it to eventSet before anything else. */
export class Event {
  evNext: TailqEntry<Event> = TAILQ_ENTRY<Event>(this);
  evActiveNext: TailqEntry<Event> = TAILQ_ENTRY<Event>(this);
  evSignalNext: TailqEntry<Event> = TAILQ_ENTRY<Event>(this);
  evTimeoutNode: RbEntry<Event> = RB_ENTRY();

  evFd = -1;
  evEvents = 0;
  evNcalls = 0;
  /** Allows deletes in callback. */
  evPncalls: Ncalls | null = null;

  evTimeout: Timeval = { tvSec: 0, tvUsec: 0 };

  evCallback: EventCallback = () => {
    throw new Error('event without event_set');
  };
  evArg: unknown = null;

  /** Result passed to event callback. */
  evRes = 0;
  evFlags = 0;
}

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

/** struct eventop: one way of waiting, and the system calls that belong to it. `arg` is what init returned. */
export interface Eventop {
  name: string;
  /** The backend's own state, or null where it cannot be had. */
  init(): object | null;
  add(arg: object, ev: Event): number;
  del(arg: object, ev: Event): number;
  recalc(arg: object, max: number): number;
  /** Waits at most `tv` for events and makes them active. 0 or -1; a promise where Node's own loop got its turn. */
  dispatch(arg: object, tv: Timeval): number | Promise<number>;
  syscalls: Syscalls;
}
