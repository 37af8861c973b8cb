// A connection: a socket of node:net that behaves like a descriptor that never blocks. The handlers of node:net's
// events only note what has happened; dispatch makes our events active.
import { Socket } from 'node:net';
import { EV_READ, EV_WRITE } from '../event.h';
import { EAGAIN, EINVAL, ENOTCONN, EPIPE } from '../errno.h';
import { AF_UNIX, SHUT_RD, SHUT_WR } from '../socket.h';
import { fillSockaddr, portOf } from '../sockaddr';
import type { Sockaddr, SockaddrRoom, SockaddrUn } from '../socket.h';
import { hostOf, sockaddrOf } from './address';
import type { WriteBuffer, Writer } from './writebuffer';
import type { Descriptor, Endpoint, SocketOptions } from './descriptor';
import { errnoOf } from './errors';
import type { Orphans } from './orphans';
import { ReceiveBuffer } from './receive';

/** The addresses of a connection of unix sockets, which node:net does not tell. */
interface Paths {
  local: SockaddrUn;
  peer: SockaddrUn;
}

/** A socket without a name, as clients have it. */
const UNNAMED: SockaddrUn = { sunFamily: AF_UNIX, sunPath: '' };

export class Connection implements Endpoint, Writer {
  readonly bound = null;
  /** Null before accept and after close. */
  private descriptor: Descriptor | null = null;

  private readonly input = new ReceiveBuffer();
  private paused = false;
  /** Nothing will follow the bytes in `input`. */
  private ended = false;
  /** node:net still has bytes that it could not send at once. */
  private sending = false;
  /** Since when, in milliseconds of performance.now(). */
  private sendingSince = 0;
  private writeShut = false;
  private closed = false;
  /** SO_ERROR: the errno with which the next call fails, or 0. */
  private error = 0;

  constructor(
    private readonly socket: Socket,
    private readonly writeBuffer: WriteBuffer,
    private readonly paths: Paths | null = null,
  ) {
    socket.on('connect', () => this.changed());
    socket.on('data', (chunk) => this.onData(chunk));
    socket.on('end', () => {
      this.ended = true;
      this.changed();
    });
    socket.on('error', (error) => {
      this.error = errnoOf(error);
      this.changed();
    });
    socket.on('close', () => {
      this.ended = this.writeShut = true;
      this.changed();
    });
  }

  /** connect(2) to `addr`, from `local` if the socket is bound. (A unix socket's path does not matter then.) */
  static connect(addr: Sockaddr, local: Sockaddr | null, writeBuffer: WriteBuffer): Connection {
    const socket = new Socket({ allowHalfOpen: true });
    if ('sunPath' in addr) {
      const connection = new Connection(socket, writeBuffer, { local: UNNAMED, peer: addr });
      socket.connect({ path: addr.sunPath });
      return connection;
    }
    const connection = new Connection(socket, writeBuffer);
    const from = local === null || 'sunPath' in local ? {} : { localAddress: hostOf(local), localPort: portOf(local) };
    socket.connect({ host: hostOf(addr), port: portOf(addr), ...from });
    return connection;
  }

  /** A connection that the listening socket at `local` has got; null for one that is no unix socket. */
  static accepted(socket: Socket, writeBuffer: WriteBuffer, local: SockaddrUn | null): Connection {
    return new Connection(socket, writeBuffer, local === null ? null : { local, peer: UNNAMED });
  }

  get connecting(): boolean {
    return this.socket.connecting;
  }

  /** Called after accept or connect: starts to read from the kernel, and to notify `descriptor`. */
  open(descriptor: Descriptor): void {
    this.descriptor = descriptor;
    this.socket.resume();
  }

  poll(): number {
    const { socket } = this;
    const over = this.ended || this.error !== 0;
    return (this.input.length > 0 || over ? EV_READ : 0) |
      (!this.sending && !socket.connecting || this.writeShut || this.error !== 0 ? EV_WRITE : 0);
  }

  getsockname(addr: SockaddrRoom): number {
    fillSockaddr(addr, this.paths?.local ?? sockaddrOf(this.socket.localAddress, this.socket.localPort));
    return 0;
  }

  getpeername(addr: SockaddrRoom): number {
    const { socket, paths } = this;
    if (socket.connecting || (paths === null && socket.remoteAddress === undefined)) return -ENOTCONN;
    fillSockaddr(addr, paths?.peer ?? sockaddrOf(socket.remoteAddress, socket.remotePort));
    return 0;
  }

  accept(): number {
    return -EINVAL;
  }

  read(buf: Uint8Array, offset: number, length: number): number {
    const { input } = this;
    if (input.length > 0) {
      const n = input.read(buf, offset, length);
      if (this.paused && !input.full) {
        this.paused = false;
        this.socket.resume();
      }
      return n;
    }
    if (this.error !== 0) return -this.takeError();
    return this.ended ? 0 : -EAGAIN;
  }

  write(buf: Uint8Array, offset: number, length: number): number {
    if (this.error !== 0) return -this.takeError();
    if (this.writeShut) return -EPIPE;
    if (this.socket.connecting) return -EAGAIN;
    let done = 0;
    while (done < length && !this.sending) done += this.writeBuffer.write(this, buf, offset + done, length - done);
    return done === 0 && length > 0 ? -EAGAIN : done;
  }

  /** Called by the write buffer. */
  send(bytes: Uint8Array): boolean {
    this.socket.write(bytes, this.onSent);
    // node:net counts unsent bytes in writableLength: 0 means that the kernel has taken them all.
    this.sending = this.socket.writableLength > 0;
    if (this.sending) this.sendingSince = performance.now();
    return !this.sending;
  }

  shutdown(how: number): number {
    if (how !== SHUT_RD && !this.writeShut) {
      this.writeBuffer.flushOf(this);
      this.writeShut = true;
      this.socket.end();
    }
    if (how !== SHUT_WR) this.ended = true;
    this.changed();
    return 0;
  }

  setOptions({ noDelay, keepAlive }: SocketOptions): void {
    this.socket.setNoDelay(noDelay);
    this.socket.setKeepAlive(keepAlive);
  }

  close(reset: boolean, orphans: Orphans): void {
    const { socket } = this;
    this.writeBuffer.flushOf(this);
    this.descriptor = null;
    this.closed = true;
    this.input.clear();
    if (reset) this.reset();
    else if (socket.connecting) socket.destroy();
    else {
      // As after close(2), written bytes are still delivered, unless the peer never takes them.
      if (this.sending) orphans.add(socket, this.sendingSince, this.reset);
      socket.destroySoon();
    }
  }

  /** A connection of unix sockets knows no reset. */
  readonly reset = (): void => {
    if (this.paths === null) this.socket.resetAndDestroy();
    else this.socket.destroy();
  };

  private onData(chunk: Uint8Array): void {
    if (this.closed) return;
    this.input.push(chunk);
    if (this.input.full) {
      this.paused = true;
      this.socket.pause();
    }
    this.changed();
  }

  private readonly onSent = (): void => {
    if (!this.sending || this.socket.writableLength > 0) return;
    this.sending = false;
    this.changed();
  };

  /** Returns SO_ERROR, and clears it. */
  takeError(): number {
    const { error } = this;
    this.error = 0;
    return error;
  }

  private changed(): void {
    if (this.descriptor !== null) this.descriptor.changed();
  }
}
