// Ports, and how the two ends of a connection find each other.
import { constants } from 'node:os';
import { EADDRINUSE, ECONNREFUSED, EINVAL } from '../errno.h';
import { INADDR_ANY, SOL_SOCKET, SO_REUSEADDR } from '../socket.h';
import { Endpoint } from './endpoint';
import type { SocketFile } from './file';

const { EISCONN } = constants.errno;

const LOOPBACK = 0x7f000001;
const FIRST_EPHEMERAL_PORT = 32768;
const LAST_EPHEMERAL_PORT = 60999;

/** Who takes the connections that the program makes to a port. */
export type Acceptor = (endpoint: Endpoint) => void;

export class Network {
  private readonly listeners = new Map<number, SocketFile>();
  private readonly bound = new Set<SocketFile>();
  private readonly acceptors = new Map<number, Acceptor>();
  private nextPort = FIRST_EPHEMERAL_PORT;

  /** `sendBuffer`: bytes that the program may have written which the other end has not read. */
  constructor(private readonly sendBuffer: number) {}

  /** Has `acceptor` take the connections that the program makes to `port`. */
  serve(port: number, acceptor: Acceptor): void {
    this.acceptors.set(port, acceptor);
  }

  /** A connection to a listening socket of the program; the end that is not the program's. Throws ECONNREFUSED. */
  connect(port: number, onQueued: () => void): Endpoint {
    const listener = this.listeners.get(port);
    if (listener === undefined) {
      throw Object.assign(new Error(`connect ECONNREFUSED: port ${port}`), { code: 'ECONNREFUSED' });
    }
    const near = new Endpoint({ addr: LOOPBACK, port: this.ephemeralPort() }, this.sendBuffer);
    this.meet(listener, near, Infinity, onQueued);
    return near;
  }

  pair(): [Endpoint, Endpoint] {
    const ends = [0, 0].map(() => new Endpoint({ addr: INADDR_ANY, port: 0 }, this.sendBuffer));
    Endpoint.pair(ends[0], ends[1]);
    return [ends[0], ends[1]];
  }

  /** bind(2): 0, or an errno value negated. */
  bind(file: SocketFile, addr: number, port: number): number {
    if (this.bound.has(file) || file.endpoint !== null) return -EINVAL;
    if (port !== 0 && this.isTaken(file, addr, port)) return -EADDRINUSE;
    file.address = { addr, port: port || this.ephemeralPort() };
    this.bound.add(file);
    return 0;
  }

  /** listen(2): 0, or an errno value negated. */
  listen(file: SocketFile, backlog: number): number {
    if (file.endpoint !== null || file.connecting) return -EINVAL;
    if (!this.bound.has(file)) this.bind(file, INADDR_ANY, 0);
    const { port } = file.address;
    if ((this.listeners.get(port) ?? file) !== file || this.acceptors.has(port)) return -EADDRINUSE;
    file.backlog = Math.max(0, backlog);
    this.listeners.set(port, file);
    return 0;
  }

  /** The beginning of connect(2): 0, or an errno value negated. */
  startConnect(file: SocketFile): number {
    if (file.listening || file.endpoint !== null) return -EISCONN;
    if (!this.bound.has(file)) file.address = { addr: LOOPBACK, port: this.ephemeralPort() };
    file.connecting = true;
    return 0;
  }

  /** The end of connect(2): the program's end of the connection, or null, with `file.error` set. */
  finishConnect(file: SocketFile, port: number): Endpoint | null {
    file.connecting = false;
    const listener = this.listeners.get(port);
    if (listener !== undefined) {
      const near = new Endpoint(file.address, this.sendBuffer);
      this.meet(listener, near, this.sendBuffer, () => {});
      return near;
    }
    const acceptor = this.acceptors.get(port);
    if (acceptor === undefined) {
      file.error = ECONNREFUSED;
      return null;
    }
    const near = new Endpoint(file.address, Infinity);
    const far = new Endpoint({ addr: LOOPBACK, port }, this.sendBuffer);
    Endpoint.pair(near, far);
    acceptor(far);
    return near;
  }

  /** Those that wait to be accepted at a socket that is closed are reset. */
  close(file: SocketFile): void {
    this.bound.delete(file);
    if (!file.listening) return;
    this.listeners.delete(file.address.port);
    for (const { endpoint } of file.pending.splice(0)) endpoint.close(true);
  }

  /** Calls `fn` with every listening socket. */
  forEachListener(fn: (listener: SocketFile) => void): void {
    this.listeners.forEach(fn);
  }

  /** Queues at `listener` a connection that comes from `far`; `capacity` is for the bytes that go to the program. */
  private meet(listener: SocketFile, far: Endpoint, capacity: number, onQueued: () => void): void {
    const near = new Endpoint({ addr: LOOPBACK, port: listener.address.port }, capacity);
    Endpoint.pair(near, far);
    listener.enqueue({ endpoint: near, onQueued });
  }

  private isTaken(file: SocketFile, addr: number, port: number): boolean {
    if (this.acceptors.has(port)) return true;
    for (const other of this.bound) {
      if (other.address.port !== port) continue;
      const apart = other.address.addr !== addr && other.address.addr !== INADDR_ANY && addr !== INADDR_ANY;
      if (!apart && (other.listening || !reusesAddress(file) || !reusesAddress(other))) return true;
    }
    return false;
  }

  private ephemeralPort(): number {
    if (this.nextPort > LAST_EPHEMERAL_PORT) this.nextPort = FIRST_EPHEMERAL_PORT;
    return this.nextPort++;
  }
}

function reusesAddress(file: SocketFile): boolean {
  return Boolean(file.options.get(`${SOL_SOCKET}:${SO_REUSEADDR}`));
}
