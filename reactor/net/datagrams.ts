// A datagram socket: a socket of node:dgram, which receives before the program asks and sends after it has asked.
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { EV_READ, EV_WRITE } from '../event.h';
import { EAGAIN, EINVAL, EOPNOTSUPP, ENOTCONN, strerror } from '../errno.h';
import { anyAddress, fillSockaddr, portOf } from '../sockaddr';
import { AF_INET6 } from '../socket.h';
import type { Sockaddr, SockaddrRoom } from '../socket.h';
import { describe, hostOf, sockaddrOf } from './address';
import type { Descriptor, Endpoint, SocketOptions } from './descriptor';
import { errnoOf } from './errors';

/** Datagrams that come while this many bytes wait for the program are lost, as in the kernel. */
const RECEIVED_MAX_BYTES = 256 * 1024;
/** While this many bytes wait to be sent, sendto gives EAGAIN. */
const UNSENT_MAX_BYTES = 256 * 1024;
/** The overhead of a datagram besides its bytes. */
const OVERHEAD_BYTES = 256;

interface Received {
  bytes: Uint8Array;
  from: Sockaddr;
}

export class Datagrams implements Endpoint {
  bound: Sockaddr | null = null;
  /** The descriptor of this socket. */
  descriptor: Descriptor | null = null;
  private socket: Socket | null = null;
  private readonly received: Received[] = [];
  private receivedBytes = 0;
  private unsentBytes = 0;
  private closed = false;

  /** `onLost` is called, with a message, if binding fails after bind(2) has returned 0. */
  constructor(private readonly domain: number, private readonly onLost: (message: string) => void) {}

  poll(): number {
    return (this.received.length > 0 ? EV_READ : 0) | (this.unsentBytes < UNSENT_MAX_BYTES ? EV_WRITE : 0);
  }

  /** `addr` is free, as the probe has found. */
  bind(addr: Sockaddr, { v6Only, sendBuffer }: SocketOptions): void {
    if ('sunPath' in addr) throw new Error('a datagram socket has no path');
    this.bound = addr;
    const socket = createSocket({ type: this.domain === AF_INET6 ? 'udp6' : 'udp4', ipv6Only: v6Only });
    this.socket = socket;
    let isBound = false;
    socket.on('listening', () => {
      isBound = true;
      if (sendBuffer > 0) setSendBuffer(socket, sendBuffer);
    });
    socket.on('error', (error) => {
      if (!isBound && !this.closed) this.onLost(`failed to bind ${describe(addr)}: ${strerror(errnoOf(error))}`);
    });
    socket.on('message', (bytes, { address, port }) => this.onMessage(bytes, sockaddrOf(address, port)));
    socket.bind({ address: hostOf(addr), port: portOf(addr), exclusive: true });
  }

  getsockname(addr: SockaddrRoom): number {
    fillSockaddr(addr, this.bound ?? anyAddress(this.domain));
    return 0;
  }

  recvfrom(buf: Uint8Array, offset: number, length: number, addr: SockaddrRoom | null): number {
    const first = this.received.shift();
    if (first === undefined) return -EAGAIN;
    const { bytes, from } = first;
    this.receivedBytes -= bytes.length + OVERHEAD_BYTES;
    if (addr !== null) fillSockaddr(addr, from);
    const n = Math.min(bytes.length, length);
    buf.set(bytes.subarray(0, n), offset);
    return n;
  }

  /** Binds nothing: a program that only sends has no use for this backend yet. */
  sendto(buf: Uint8Array, offset: number, length: number, addr: Sockaddr): number {
    if (this.socket === null || 'sunPath' in addr) return -EINVAL;
    if (this.unsentBytes >= UNSENT_MAX_BYTES) return -EAGAIN;
    this.unsentBytes += length;
    // Node sends later, when `buf` may have other bytes.
    this.socket.send(buf.slice(offset, offset + length), portOf(addr), hostOf(addr), () => this.onSent(length));
    return length;
  }

  accept(): number {
    return -EOPNOTSUPP;
  }

  read(buf: Uint8Array, offset: number, length: number): number {
    return this.recvfrom(buf, offset, length, null);
  }

  write(): number {
    return -ENOTCONN;
  }

  shutdown(): number {
    return -ENOTCONN;
  }

  setOptions(): void {}

  /** Datagrams already passed to sendto are still sent. */
  close(): void {
    this.closed = true;
    this.descriptor = null;
    this.received.length = 0;
    if (this.unsentBytes === 0) this.socket?.close();
  }

  private onMessage(bytes: Uint8Array, from: Sockaddr): void {
    if (this.closed || this.receivedBytes >= RECEIVED_MAX_BYTES) return;
    this.received.push({ bytes, from });
    this.receivedBytes += bytes.length + OVERHEAD_BYTES;
    this.descriptor?.changed();
  }

  private onSent(length: number): void {
    this.unsentBytes -= length;
    if (this.closed && this.unsentBytes === 0) this.socket?.close();
    else this.descriptor?.changed();
  }
}

/** Sets SO_SNDBUF if the system allows it. */
function setSendBuffer(socket: Socket, bytes: number): void {
  try {
    socket.setSendBufferSize(bytes);
  } catch {
    // The socket keeps its old size.
  }
}
