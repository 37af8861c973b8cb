// Closes descriptors that still have unread input. On close(2) with unread input the kernel resets the connection, and
// a reset makes the peer lose what it has not read yet: perhaps the reply that says what was wrong. So we only shut
// down our direction, then read and discard what the peer sends until it ends its own, or until we reach one of the
// bounds below. Then we close the descriptor.
import { EV_PERSIST, EV_READ, Event } from '../event.h';
import { eventAdd, eventDel, eventSet } from '../event';
import { EINTR, errno } from '../errno.h';
import { trace } from '../log';
import { O_NONBLOCK, SHUT_WR } from '../socket.h';
import type { Linger } from '../socket.h';
import type { Syscalls } from '../syscalls.h';
import { withRoomFor } from './bydescriptor';
import { isForNow } from './held';
import { Interval } from './interval';

const debugLinger = trace('reactor:linger');

/** How long the peer may send nothing. */
export const LINGER_IDLE_SECONDS = 2;
/** How long all of it may take, even if the peer never stops sending. */
export const LINGER_MAX_SECONDS = 30;
/** How much we discard at most. */
export const LINGER_MAX_BYTES = 16 * 1024 * 1024;

/** How much we read at a time. */
const PIECE_BYTES = 64 * 1024;

// What we know of a descriptor, in bits.
/** It is a stream socket. */
const STREAM = 1;
/** It has O_NONBLOCK. */
const NONBLOCKING = 2;
/** It has SO_LINGER: the program wants the reset, or waits in close(2) itself. */
const SO_LINGERS = 4;
/** A read has found the end of the stream, or an error: nothing more will come. */
const ENDED = 8;

interface Lingerer {
  readonly fd: number;
  /** Waits for input. */
  readonly reader: Event;
  /** How many bytes we have discarded. */
  bytes: number;
}

export class Lingering {
  private known = new Int32Array(1024);
  private readonly lingerers = new Map<number, Lingerer>();
  private readonly bin = new Uint8Array(PIECE_BYTES);
  /** Since the peer has last sent something. */
  readonly idle: Interval<Lingerer>;
  /** Since the close. */
  readonly total: Interval<Lingerer>;

  /** `onEnd` closes the descriptor. */
  constructor(private readonly kernel: Syscalls, private readonly onEnd: (fd: number) => void) {
    const end = (lingerer: Lingerer): void => this.end(lingerer);
    this.idle = new Interval(kernel, LINGER_IDLE_SECONDS, end);
    this.total = new Interval(kernel, LINGER_MAX_SECONDS, end);
  }

  /** `fd` is a new stream socket. `from`: the listening socket that accepted it, or -1. */
  opened(fd: number, from: number): void {
    this.known = withRoomFor(this.known, fd);
    this.known[fd] = STREAM | (this.get(from) & SO_LINGERS);
  }

  /** fcntl(2) has set the flags of `fd`. */
  flagsSet(fd: number, flags: number): void {
    this.set(fd, NONBLOCKING, (flags & O_NONBLOCK) !== 0);
  }

  /** setsockopt(2) has set SO_LINGER. */
  lingerSet(fd: number, { lOnoff }: Linger): void {
    this.set(fd, SO_LINGERS, lOnoff !== 0);
  }

  /** A read has found the end of the stream, or an error. */
  ended(fd: number): void {
    this.set(fd, ENDED, true);
  }

  /** Whether the kernel may have input for `fd`, and reading it cannot block. */
  mayHaveInput(fd: number): boolean {
    return this.get(fd) === (STREAM | NONBLOCKING);
  }

  closed(fd: number): void {
    if (fd < this.known.length) this.known[fd] = 0;
  }

  /** Whether `ev` is an event of ours. */
  owns(ev: Event): boolean {
    return this.lingerers.get(ev.evFd)?.reader === ev;
  }

  /** The program has closed `fd`. False if there is nothing to wait for, so that the caller can close it at once. */
  begin(fd: number): boolean {
    const { kernel, bin } = this;
    const bytes = kernel.read(fd, bin, 0, bin.length);
    const nothing = bytes === 0 || (bytes === -1 && (kernel.seesAllInput ? errno !== EINTR : !isForNow(errno)));
    if (nothing) return false;
    if (kernel.shutdown(fd, SHUT_WR) === -1) return false;
    const lingerer = { fd, reader: new Event(), bytes: Math.max(bytes, 0) };
    eventSet(lingerer.reader, fd, EV_READ | EV_PERSIST, () => this.onReader(lingerer), null);
    this.lingerers.set(fd, lingerer);
    if (eventAdd(lingerer.reader, null) === -1) {
      eventDel(lingerer.reader);
      this.lingerers.delete(fd);
      return false;
    }
    this.idle.begin(lingerer);
    this.total.begin(lingerer);
    debugLinger('%d: closed with input unread', fd);
    return true;
  }

  private onReader(lingerer: Lingerer): void {
    const res = this.kernel.read(lingerer.fd, this.bin, 0, this.bin.length);
    if (res > 0) lingerer.bytes += res;
    const goesOn = res > 0 ? lingerer.bytes < LINGER_MAX_BYTES : res === -1 && isForNow(errno);
    if (goesOn) this.idle.begin(lingerer);
    else this.end(lingerer);
  }

  private end(lingerer: Lingerer): void {
    const { fd, reader, bytes } = lingerer;
    debugLinger('%d: %d bytes were thrown away', fd, bytes);
    this.idle.end(lingerer);
    this.total.end(lingerer);
    eventDel(reader);
    this.lingerers.delete(fd);
    this.onEnd(fd);
  }

  private set(fd: number, bit: number, on: boolean): void {
    const bits = this.get(fd);
    if (bits & STREAM) this.known[fd] = on ? bits | bit : bits & ~bit;
  }

  private get(fd: number): number {
    return fd >= 0 && fd < this.known.length ? this.known[fd] : 0;
  }
}
