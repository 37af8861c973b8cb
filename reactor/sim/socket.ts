// A socket of the program under test: new, listening, connecting or connected.
import { anyAddress } from '../sockaddr';
import type { Bound } from '../sockaddr';
import { AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_LINGER } from '../socket.h';
import type { Linger, Sockaddr } from '../socket.h';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from './endpoint';
import type { Endpoint } from './endpoint';
import type { Pollable } from './pollset';

const O_RDWR = 2;

/** A connection that waits for accept. `onQueued` is called when it gets a place in the queue. */
export interface Pending {
  endpoint: Endpoint;
  onQueued: () => void;
}

/** A datagram that has come, and from where. */
export interface Datagram {
  bytes: Uint8Array;
  from: Sockaddr;
}

export class SimSocket implements Pollable {
  /** The result of fcntl(fd, F_GETFL). */
  flags = O_RDWR;
  /** The options that setsockopt has set, by `level:optname`. */
  readonly options = new Map<string, number | Linger>();
  address: Sockaddr;
  /** The argument of listen, or -1 if the socket is not listening. */
  backlog = -1;
  readonly pending: Pending[] = [];
  /** What has come to a datagram socket; null for any other. */
  readonly datagrams: Datagram[] | null;
  /** How many more connections accept() returns in this turn of the loop. */
  acceptsLeft = Infinity;
  connecting = false;
  endpoint: Endpoint | null = null;
  /** The errno value of a failed connect, which the next call reports, once. */
  error = 0;

  /** `serial`: a unique number, since descriptors are reused. `onChange`: called when poll() may have changed. */
  constructor(
    readonly fd: number,
    readonly serial: number,
    readonly domain: number,
    readonly onChange: (socket: SimSocket) => void,
    type = SOCK_STREAM,
  ) {
    this.datagrams = type === SOCK_DGRAM ? [] : null;
    this.address = anyAddress(domain);
  }

  get bound(): Bound {
    return { addr: this.address, v6Only: Boolean(this.options.get(`${IPPROTO_IPV6}:${IPV6_V6ONLY}`)) };
  }

  /** Whether it takes connections to an address of `domain`. */
  serves(domain: number): boolean {
    return domain === this.domain || (this.domain === AF_INET6 && domain === AF_INET && !this.bound.v6Only);
  }

  get listening(): boolean {
    return this.backlog >= 0;
  }

  /** Whether close() resets the connection. */
  get aborts(): boolean {
    const linger = this.options.get(`${SOL_SOCKET}:${SO_LINGER}`);
    return typeof linger === 'object' && linger.lOnoff !== 0 && linger.lLinger === 0;
  }

  poll(): number {
    if (this.datagrams !== null) return POLLOUT | (this.datagrams.length > 0 ? POLLIN : 0);
    if (this.listening) return this.pending.length > 0 ? POLLIN : 0;
    if (this.connecting) return 0;
    if (this.endpoint !== null) return this.endpoint.poll();
    return POLLOUT | POLLHUP | (this.error !== 0 ? POLLIN | POLLERR : 0);
  }

  /** The socket is connected now, and `endpoint` is its end. */
  attach(endpoint: Endpoint): void {
    this.address = endpoint.address;
    this.endpoint = endpoint;
    endpoint.fd = this.fd;
    endpoint.serial = this.serial;
    endpoint.onChange = () => {
      this.onChange(this);
    };
    this.onChange(this);
  }

  /** A datagram has come. */
  receive(datagram: Datagram): void {
    this.datagrams?.push(datagram);
    this.onChange(this);
  }

  /** Adds a connection to the queue. If that is full, it waits behind, as a client would retry its SYN. */
  enqueue(pending: Pending): void {
    this.pending.push(pending);
    if (this.pending.length <= this.queueLength) pending.onQueued();
    this.onChange(this);
  }

  dequeue(): Endpoint | null {
    const first = this.pending.shift();
    if (this.pending.length >= this.queueLength) this.pending[this.queueLength - 1].onQueued();
    return first?.endpoint ?? null;
  }

  /** The negated error of a failed connect, or `otherwise`. */
  takeError(otherwise: number): number {
    const { error } = this;
    this.error = 0;
    return error !== 0 ? -error : otherwise;
  }

  /** As on Linux, the queue holds one more than the backlog. */
  private get queueLength(): number {
    return this.backlog + 1;
  }
}
