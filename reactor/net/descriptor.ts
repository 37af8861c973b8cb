// A descriptor of this backend: its flags and options, the endpoint behind it, and the events that wait for it.
import type { Event } from '../event.h';
import { AF_INET, O_NONBLOCK } from '../socket.h';
import type { Sockaddr, SockaddrRoom } from '../socket.h';
import type { Orphans } from './orphans';

/** <fcntl.h>. A socket is open for both. */
const O_RDWR = 2;

/** What is behind a descriptor. Calls return what their man page says, or a negated errno value. */
export interface Endpoint {
  /** The flags out of EV_READ and EV_WRITE that are true now. */
  poll(): number;
  /** The local address that it has bound, and that no other may bind, or null. */
  readonly bound: Sockaddr | null;
  getsockname(addr: SockaddrRoom): number;
  accept(): Acceptable | number;
  read(buf: Uint8Array, offset: number, length: number): number;
  write(buf: Uint8Array, offset: number, length: number): number;
  shutdown(how: number): number;
  /** Applies `options`. */
  setOptions(options: SocketOptions): void;
  /**
   * It must not notify its descriptor any more. `reset`: SO_LINGER with 0 seconds asks for a reset. Otherwise it adds
   * itself to `orphans` if it still has bytes to send.
   */
  close(reset: boolean, orphans: Orphans): void;
}

/** A connection that has no descriptor yet. */
export interface Acceptable extends Endpoint {
  open(descriptor: Descriptor): void;
  getpeername(addr: SockaddrRoom): number;
}

export interface SocketOptions {
  noDelay: boolean;
  keepAlive: boolean;
  /** SO_LINGER with 0 seconds: close(2) resets the connection. */
  lingerReset: boolean;
  /** IPV6_V6ONLY. */
  v6Only: boolean;
  /** SO_SNDBUF, in bytes; 0 for what the system gives. */
  sendBuffer: number;
}

export class Descriptor {
  /** The events that wait for it (struct evepoll in epoll.c). */
  evread: Event | null = null;
  evwrite: Event | null = null;
  /** Whether it is among the candidates of the poll set. */
  candidate = false;
  flags = O_RDWR;
  readonly options: SocketOptions = {
    noDelay: false, keepAlive: false, lingerReset: false, v6Only: false, sendBuffer: 0,
  };

  /** `domain`: AF_INET, AF_INET6 or AF_UNIX. */
  constructor(
    public endpoint: Endpoint,
    private readonly onChanged: (descriptor: Descriptor) => void,
    readonly domain = AF_INET,
  ) {}

  /** It may have become ready. */
  changed(): void {
    this.onChanged(this);
  }

  setStatusFlags(arg: number): void {
    this.flags = O_RDWR | (arg & O_NONBLOCK);
  }
}
