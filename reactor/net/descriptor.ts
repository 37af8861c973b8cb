// What a descriptor of this backend stands for: its flags and options, what is behind it, and who waits for it.
import type { Event } from '../event.h';
import { O_NONBLOCK } from '../socket.h';
import type { SockaddrIn } from '../socket.h';
import type { Orphans } from './orphans';

/** As in <fcntl.h>: a socket is open for both. */
const O_RDWR = 2;

/** What is behind a descriptor. Calls give what their man page says, or an errno value negated. */
export interface Endpoint {
  /** EV_READ and EV_WRITE, as far as they are true now. */
  poll(): number;
  /** The local address that nobody else may bind, if it holds one. */
  readonly bound: SockaddrIn | null;
  getsockname(addr: SockaddrIn): number;
  accept(): Acceptable | number;
  read(buf: Uint8Array, offset: number, length: number): number;
  write(buf: Uint8Array, offset: number, length: number): number;
  shutdown(how: number): number;
  /** Has `options` hold for what is open already. */
  setOptions(options: SocketOptions): void;
  /**
   * From now on it tells its descriptor nothing. `reset` is what SO_LINGER with 0 seconds asks for; otherwise `orphans`
   * is told of what is still to be sent.
   */
  close(reset: boolean, orphans: Orphans): void;
}

/** A connection that still has to be given its descriptor. */
export interface Acceptable extends Endpoint {
  open(owner: Descriptor): void;
  getpeername(addr: SockaddrIn): void;
}

export interface SocketOptions {
  noDelay: boolean;
  keepAlive: boolean;
  /** SO_LINGER with 0 seconds: close(2) resets the connection. */
  lingerReset: boolean;
}

export class Descriptor {
  /** The events that wait for it (struct evepoll in epoll.c). */
  evread: Event | null = null;
  evwrite: Event | null = null;
  /** Whether the poll set has it among those that may be ready. */
  candidate = false;
  flags = O_RDWR;
  readonly options: SocketOptions = { noDelay: false, keepAlive: false, lingerReset: false };

  constructor(public endpoint: Endpoint, private readonly onChanged: (descriptor: Descriptor) => void) {}

  /** It may have become ready. */
  changed(): void {
    this.onChanged(this);
  }

  setStatusFlags(arg: number): void {
    this.flags = O_RDWR | (arg & O_NONBLOCK);
  }
}
