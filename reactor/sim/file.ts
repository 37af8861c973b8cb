// What a descriptor of the program under test stands for: a socket that is new, listening, connecting or connected.
import { INADDR_ANY, SOL_SOCKET, SO_LINGER } from '../socket.h';
import type { Linger } from '../socket.h';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from './endpoint';
import type { Address, Endpoint } from './endpoint';
import type { Pollable } from './pollset';

const O_RDWR = 2;

/** A connection that waits to be accepted, and who is told when it has a place in the queue. */
export interface Pending {
  endpoint: Endpoint;
  onQueued: () => void;
}

export class SocketFile implements Pollable {
  /** What fcntl(fd, F_GETFL) says. */
  flags = O_RDWR;
  /** What setsockopt has set, under `level:optname`. */
  readonly options = new Map<string, number | Linger>();
  address: Address = { addr: INADDR_ANY, port: 0 };
  /** The length of the queue of connections to accept, or -1 when not listening. */
  backlog = -1;
  readonly pending: Pending[] = [];
  /** How many more connections accept() gives in this turn of the loop; Infinity where nothing limits it. */
  batch = Infinity;
  connecting = false;
  endpoint: Endpoint | null = null;
  /** An errno value that the next call reports, once: why connect failed. */
  error = 0;

  /** `serial`: the socket's own number, since descriptors are used again. `onChange`: told when poll() may differ. */
  constructor(readonly fd: number, readonly serial: number, readonly onChange: (file: SocketFile) => void) {}

  get listening(): boolean {
    return this.backlog >= 0;
  }

  /** Whether close() is to reset the connection. */
  get aborts(): boolean {
    const linger = this.options.get(`${SOL_SOCKET}:${SO_LINGER}`);
    return typeof linger === 'object' && linger.lOnoff !== 0 && linger.lLinger === 0;
  }

  poll(): number {
    if (this.listening) return this.pending.length > 0 ? POLLIN : 0;
    if (this.connecting) return 0;
    if (this.endpoint !== null) return this.endpoint.poll();
    return POLLOUT | POLLHUP | (this.error !== 0 ? POLLIN | POLLERR : 0);
  }

  /** Gives the descriptor its end of a connection. */
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

  /** Puts a connection into the queue, or behind it where it is full: then it waits, as a SYN is sent again. */
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

  /** The error of a connect that failed, negated, or what `otherwise` says. */
  takeError(otherwise: number): number {
    const { error } = this;
    this.error = 0;
    return error !== 0 ? -error : otherwise;
  }

  /** The queue holds one more than the backlog says. */
  private get queueLength(): number {
    return this.backlog + 1;
  }
}
