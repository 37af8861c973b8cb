// The ports, which bring the two ends of a connection together.
import { constants } from 'node:os';
import { EADDRINUSE, ECONNREFUSED, EINVAL } from '../errno.h';
import { INADDR_ANY, SOL_SOCKET, SO_REUSEADDR } from '../socket.h';
import { Endpoint } from './endpoint';
import type { SimSocket } from './socket';

const { EISCONN } = constants.errno;

const LOOPBACK = 0x7f000001;
const FIRST_EPHEMERAL_PORT = 32768;
const LAST_EPHEMERAL_PORT = 60999;

/** Gets the connections that the program makes to a port. */
export type Acceptor = (endpoint: Endpoint) => void;

export class Network {
  private readonly listeners = new Map<number, SimSocket>();
  private readonly bound = new Set<SimSocket>();
  private readonly acceptors = new Map<number, Acceptor>();
  private nextPort = FIRST_EPHEMERAL_PORT;

  /** `sendBuffer`: how many bytes the program may write that the other end has not read. */
  constructor(private readonly sendBuffer: number) {}

  /** `acceptor` will get the connections that the program makes to `port`. */
  serve(port: number, acceptor: Acceptor): void {
    this.acceptors.set(port, acceptor);
  }

  /** Connects to a listening socket of the program. Returns the client's end, or throws ECONNREFUSED. */
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

  /** bind(2): 0, or a negated errno value. */
  bind(socket: SimSocket, addr: number, port: number): number {
    if (this.bound.has(socket) || socket.endpoint !== null) return -EINVAL;
    if (port !== 0 && this.isTaken(socket, addr, port)) return -EADDRINUSE;
    socket.address = { addr, port: port || this.ephemeralPort() };
    this.bound.add(socket);
    return 0;
  }

  /** listen(2): 0, or a negated errno value. */
  listen(socket: SimSocket, backlog: number): number {
    if (socket.endpoint !== null || socket.connecting) return -EINVAL;
    if (!this.bound.has(socket)) this.bind(socket, INADDR_ANY, 0);
    const { port } = socket.address;
    if ((this.listeners.get(port) ?? socket) !== socket || this.acceptors.has(port)) return -EADDRINUSE;
    socket.backlog = Math.max(0, backlog);
    this.listeners.set(port, socket);
    return 0;
  }

  /** The beginning of connect(2): 0, or a negated errno value. */
  startConnect(socket: SimSocket): number {
    if (socket.listening || socket.endpoint !== null) return -EISCONN;
    if (!this.bound.has(socket)) socket.address = { addr: LOOPBACK, port: this.ephemeralPort() };
    socket.connecting = true;
    return 0;
  }

  /** The end of connect(2). Returns the program's end of the connection, or null with `socket.error` set. */
  finishConnect(socket: SimSocket, port: number): Endpoint | null {
    socket.connecting = false;
    const listener = this.listeners.get(port);
    if (listener !== undefined) {
      const near = new Endpoint(socket.address, this.sendBuffer);
      this.meet(listener, near, this.sendBuffer, () => {});
      return near;
    }
    const acceptor = this.acceptors.get(port);
    if (acceptor === undefined) {
      socket.error = ECONNREFUSED;
      return null;
    }
    const near = new Endpoint(socket.address, Infinity);
    const far = new Endpoint({ addr: LOOPBACK, port }, this.sendBuffer);
    Endpoint.pair(near, far);
    acceptor(far);
    return near;
  }

  /** Closing a listening socket resets the connections that wait for accept. */
  close(socket: SimSocket): void {
    this.bound.delete(socket);
    if (!socket.listening) return;
    this.listeners.delete(socket.address.port);
    for (const { endpoint } of socket.pending.splice(0)) endpoint.close(true);
  }

  /** Calls `fn` with every listening socket. */
  forEachListener(fn: (listener: SimSocket) => void): void {
    this.listeners.forEach(fn);
  }

  /** Queues at `listener` a connection from `far`. `capacity`: how many unread bytes may wait for the program. */
  private meet(listener: SimSocket, far: Endpoint, capacity: number, onQueued: () => void): void {
    const near = new Endpoint({ addr: LOOPBACK, port: listener.address.port }, capacity);
    Endpoint.pair(near, far);
    listener.enqueue({ endpoint: near, onQueued });
  }

  private isTaken(socket: SimSocket, addr: number, port: number): boolean {
    if (this.acceptors.has(port)) return true;
    for (const other of this.bound) {
      if (other.address.port !== port) continue;
      const apart = other.address.addr !== addr && other.address.addr !== INADDR_ANY && addr !== INADDR_ANY;
      if (!apart && (other.listening || !reusesAddress(socket) || !reusesAddress(other))) return true;
    }
    return false;
  }

  private ephemeralPort(): number {
    if (this.nextPort > LAST_EPHEMERAL_PORT) this.nextPort = FIRST_EPHEMERAL_PORT;
    return this.nextPort++;
  }
}

function reusesAddress(socket: SimSocket): boolean {
  return Boolean(socket.options.get(`${SOL_SOCKET}:${SO_REUSEADDR}`));
}
