// The ports, which bring the two ends of a connection together.
import { constants } from 'node:os';
import { EADDRINUSE, ECONNREFUSED, EINVAL, ENOENT } from '../errno.h';
import { anyAddress, clash, familyOf, portOf, withPort } from '../sockaddr';
import type { Bound } from '../sockaddr';
import { AF_INET, AF_INET6, AF_UNIX, SOL_SOCKET, SO_REUSEADDR } from '../socket.h';
import type { Sockaddr } from '../socket.h';
import { Endpoint } from './endpoint';
import type { SimSocket } from './socket';

const { EISCONN } = constants.errno;

const LOOPBACK = 0x7f000001;
/** What a socket of IPv6 calls LOOPBACK. */
const MAPPED_LOOPBACK = '::ffff:127.0.0.1';
const FIRST_EPHEMERAL_PORT = 32768;
const LAST_EPHEMERAL_PORT = 60999;

/** Gets the datagrams that the program sends to a port. */
export type Receiver = (bytes: Buffer) => void;

/** Gets the connections that the program makes to a port. */
export type Acceptor = (endpoint: Endpoint) => void;

export class Network {
  private readonly listeners = new Set<SimSocket>();
  private readonly bound = new Set<SimSocket>();
  private readonly acceptors = new Map<number, Acceptor>();
  private readonly receivers = new Map<number, Receiver>();
  private nextPort = FIRST_EPHEMERAL_PORT;

  /** `sendBuffer`: how many bytes the program may write that the other end has not read. */
  constructor(private readonly sendBuffer: number) {}

  /** `acceptor` will get the connections that the program makes to `port`. */
  serve(port: number, acceptor: Acceptor): void {
    this.acceptors.set(port, acceptor);
  }

  /** Connects to a listening socket of the program. Returns the client's end, or throws ECONNREFUSED. */
  connect(addr: Sockaddr, onQueued: () => void): Endpoint {
    const listener = this.listenerAt(addr);
    if (listener === null) {
      const where = 'sunPath' in addr ? addr.sunPath : `port ${portOf(addr)}`;
      throw Object.assign(new Error(`connect ECONNREFUSED: ${where}`), { code: 'ECONNREFUSED' });
    }
    const near = new Endpoint(this.clientAddress(familyOf(addr)), this.sendBuffer);
    this.meet(listener, near, Infinity, onQueued);
    return near;
  }

  /** `receiver` will get the datagrams that the program sends to `addr`. */
  receive(addr: Sockaddr, receiver: Receiver): void {
    this.receivers.set(portOf(addr), receiver);
  }

  /** The program sends a datagram. It is lost without a receiver at `addr`. */
  send(addr: Sockaddr, bytes: Buffer): void {
    this.receivers.get(portOf(addr))?.(bytes);
  }

  /** A datagram comes to the program. It is lost if no socket has the address. */
  deliver(addr: Sockaddr, bytes: Uint8Array, from: Sockaddr): void {
    for (const socket of this.bound) {
      if (socket.datagrams === null || portOf(socket.address) !== portOf(addr)) continue;
      if (!socket.serves(familyOf(addr))) continue;
      socket.receive({ bytes, from: seenBy(socket.domain, from) });
      return;
    }
  }

  pair(): [Endpoint, Endpoint] {
    const ends = [0, 0].map(() => new Endpoint(anyAddress(AF_INET), this.sendBuffer));
    Endpoint.pair(ends[0], ends[1]);
    return [ends[0], ends[1]];
  }

  /** bind(2): 0, or a negated errno value. There are no files: a path is free when no socket has it. */
  bind(socket: SimSocket, addr: Sockaddr): number {
    if (this.bound.has(socket) || socket.endpoint !== null || familyOf(addr) !== socket.domain) return -EINVAL;
    const isFree = !('sunPath' in addr) && portOf(addr) === 0;
    if (!isFree && this.isTaken(socket, { ...socket.bound, addr })) return -EADDRINUSE;
    socket.address = withPort(addr, isFree ? this.ephemeralPort() : portOf(addr));
    this.bound.add(socket);
    return 0;
  }

  /** listen(2): 0, or a negated errno value. */
  listen(socket: SimSocket, backlog: number): number {
    if (socket.endpoint !== null || socket.connecting) return -EINVAL;
    if (!this.bound.has(socket)) this.bind(socket, anyAddress(socket.domain));
    const rival = this.listenerAt(socket.address);
    if ((rival ?? socket) !== socket || this.acceptors.has(portOf(socket.address))) return -EADDRINUSE;
    socket.backlog = Math.max(0, backlog);
    this.listeners.add(socket);
    return 0;
  }

  /** The beginning of connect(2): 0, or a negated errno value. */
  startConnect(socket: SimSocket): number {
    if (socket.listening || socket.endpoint !== null) return -EISCONN;
    if (!this.bound.has(socket)) socket.address = this.clientAddress(socket.domain);
    socket.connecting = true;
    return 0;
  }

  /** The end of connect(2). Returns the program's end of the connection, or null with `socket.error` set. */
  finishConnect(socket: SimSocket, addr: Sockaddr): Endpoint | null {
    socket.connecting = false;
    const listener = this.listenerAt(addr);
    if (listener !== null) {
      const near = new Endpoint(socket.address, this.sendBuffer);
      this.meet(listener, near, this.sendBuffer, () => {});
      return near;
    }
    const acceptor = 'sunPath' in addr ? undefined : this.acceptors.get(portOf(addr));
    if (acceptor === undefined) {
      socket.error = 'sunPath' in addr ? ENOENT : ECONNREFUSED;
      return null;
    }
    const near = new Endpoint(socket.address, Infinity);
    const far = new Endpoint(withPort(loopback(socket.domain), portOf(addr)), this.sendBuffer);
    Endpoint.pair(near, far);
    acceptor(far);
    return near;
  }

  /** Closing a listening socket resets the connections that wait for accept. */
  close(socket: SimSocket): void {
    this.bound.delete(socket);
    if (!socket.listening) return;
    this.listeners.delete(socket);
    for (const { endpoint } of socket.pending.splice(0)) endpoint.close(true);
  }

  /** Calls `fn` with every listening socket. */
  forEachListener(fn: (listener: SimSocket) => void): void {
    this.listeners.forEach(fn);
  }

  /** Queues at `listener` a connection from `far`. `capacity`: how many unread bytes may wait for the program. */
  private meet(listener: SimSocket, far: Endpoint, capacity: number, onQueued: () => void): void {
    const { address, domain } = listener;
    const local = domain === AF_UNIX ? address : withPort(loopback(familyOf(far.address)), portOf(address));
    const near = new Endpoint(seenBy(domain, local), capacity);
    Endpoint.pair(near, far);
    listener.enqueue({ endpoint: near, onQueued });
  }

  private isTaken(socket: SimSocket, wanted: Bound): boolean {
    if (socket.datagrams === null && !('sunPath' in wanted.addr) && this.acceptors.has(portOf(wanted.addr))) return true;
    for (const other of this.bound) {
      if ((other.datagrams === null) !== (socket.datagrams === null) || !clash(other.bound, wanted)) continue;
      if (other.domain === AF_UNIX || other.listening || !reusesAddress(socket) || !reusesAddress(other)) return true;
    }
    return false;
  }

  /** The socket that takes connections to `addr`. Of an address with a port only the family and the port count. */
  private listenerAt(addr: Sockaddr): SimSocket | null {
    for (const listener of this.listeners) {
      if (!listener.serves(familyOf(addr))) continue;
      const { address } = listener;
      const path = 'sunPath' in address ? address.sunPath : null;
      if ('sunPath' in addr ? addr.sunPath === path : portOf(addr) === portOf(address)) return listener;
    }
    return null;
  }

  clientAddress(domain: number): Sockaddr {
    return domain === AF_UNIX ? anyAddress(AF_UNIX) : withPort(loopback(domain), this.ephemeralPort());
  }

  private ephemeralPort(): number {
    if (this.nextPort > LAST_EPHEMERAL_PORT) this.nextPort = FIRST_EPHEMERAL_PORT;
    return this.nextPort++;
  }
}

function loopback(domain: number): Sockaddr {
  if (domain === AF_INET6) return { sin6Family: AF_INET6, sin6Port: 0, sin6Addr: '::1' };
  return { sinFamily: AF_INET, sinPort: 0, sinAddr: LOOPBACK };
}

/** An address in the form of a socket of `domain`. */
export function seenBy(domain: number, addr: Sockaddr): Sockaddr {
  if (domain !== AF_INET6 || familyOf(addr) === AF_INET6) return addr;
  return { sin6Family: AF_INET6, sin6Port: portOf(addr), sin6Addr: MAPPED_LOOPBACK };
}

function reusesAddress(socket: SimSocket): boolean {
  return Boolean(socket.options.get(`${SOL_SOCKET}:${SO_REUSEADDR}`));
}
