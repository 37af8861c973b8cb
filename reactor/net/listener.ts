// A listening socket: a server of node:net whose connections wait for accept.
import { createServer } from 'node:net';
import type { ListenOptions, Server, Socket } from 'node:net';
import { EV_READ } from '../event.h';
import { EADDRINUSE, EAGAIN, ENOTCONN, EPIPE, strerror } from '../errno.h';
import type { Sockaddr, SockaddrRoom, SockaddrUn } from '../socket.h';
import { fillSockaddr, portOf } from '../sockaddr';
import { describe, hostOf } from './address';
import { Connection } from './connection';
import type { WriteBuffer } from './writebuffer';
import type { Descriptor, Endpoint } from './descriptor';
import { errnoOf } from './errors';
import { Keeper } from './keeper';
import type { Orphans } from './orphans';
import { listenAt } from './path';

const SERVER_OPTIONS = { allowHalfOpen: true, pauseOnConnect: true };
/** When this many wait for accept and no event does, further ones wait in the kernel, where they need no descriptor. */
const PENDING_MAX = 8;

export class Listener implements Endpoint {
  private server: Server | null = null;
  /** How node:net is to listen, or where, if it is a path. */
  private readonly options: ListenOptions;
  private readonly path: SockaddrUn | null;
  /** Connections that the program has not accepted yet. */
  private readonly pending: Connection[] = [];
  /** The errno with which the next accept fails, or 0. */
  private error = 0;
  private closed = false;
  private readonly keeper = new Keeper((server) => this.listen(server), () => this.listen(null));

  /** `onLost` is called, with a message, if listening fails after listen(2) has returned 0. */
  constructor(
    readonly bound: Sockaddr,
    v6Only: boolean,
    private readonly backlog: number,
    private readonly descriptor: Descriptor,
    private readonly writeBuffer: WriteBuffer,
    private readonly onLost: (message: string) => void,
  ) {
    this.path = 'sunPath' in bound ? bound : null;
    this.options = 'sunPath' in bound
      ? {}
      : { host: hostOf(bound), port: portOf(bound), ipv6Only: v6Only, backlog, exclusive: true };
  }

  /** listen(2): 0, or a negated errno value. */
  start(): number {
    if (this.path !== null) return this.listenAtPath(this.path);
    // Delayed, because we could not stop a server that is about to listen if the program closed it in this turn.
    process.nextTick(() => this.listen(null));
    return 0;
  }

  poll(): number {
    return this.pending.length > 0 || this.error !== 0 ? EV_READ : 0;
  }

  getsockname(addr: SockaddrRoom): number {
    fillSockaddr(addr, this.bound);
    return 0;
  }

  accept(): Connection | number {
    const connection = this.pending.shift();
    if (this.pending.length === 0) this.keeper.giveBack();
    if (connection !== undefined) return connection;
    const { error } = this;
    this.error = 0;
    return error === 0 ? -EAGAIN : -error;
  }

  read(): number {
    return -ENOTCONN;
  }

  write(): number {
    return -EPIPE;
  }

  shutdown(): number {
    return -ENOTCONN;
  }

  // Connections get the options from the descriptor when they are accepted.
  setOptions(): void {}

  close(_reset: boolean, orphans: Orphans): void {
    this.closed = true;
    this.keeper.end();
    if (this.server?.listening) this.server.close();
    for (const connection of this.pending) connection.close(true, orphans);
    this.pending.length = 0;
  }

  /** Listens with the socket of `kept`, or with a new one if that is null. */
  private listen(kept: Server | null): void {
    if (this.closed) {
      kept?.close();
      return;
    }
    if (this.path !== null) {
      // Node listens there already, and could not do so again.
      if (kept !== null) this.adopt(Object.assign(kept, SERVER_OPTIONS));
      else if (this.listenAtPath(this.path) < 0) this.onError(EADDRINUSE, false);
      return;
    }
    const server = createServer(SERVER_OPTIONS);
    this.adopt(server);
    server.on('listening', () => {
      if (this.closed) server.close();
    });
    if (kept === null) server.listen(this.options);
    else server.listen(kept, this.backlog);
  }

  private listenAtPath({ sunPath }: SockaddrUn): number {
    const server = createServer(SERVER_OPTIONS);
    const res = listenAt(server, sunPath, this.backlog);
    if (res === 0) this.adopt(server);
    // The result has told the error.
    else server.on('error', () => {}).close();
    return res;
  }

  private adopt(server: Server): void {
    this.server = server;
    server.on('connection', (socket) => this.onConnection(socket));
    server.on('error', (error) => this.onError(errnoOf(error), server.listening));
  }

  private onConnection(socket: Socket): void {
    const connection = Connection.accepted(socket, this.writeBuffer, this.path);
    if (this.closed) {
      connection.reset();
      return;
    }
    this.pending.push(connection);
    this.descriptor.changed();
    if (this.descriptor.evread === null && this.pending.length >= PENDING_MAX) this.rest();
  }

  /** Stops accepting until the program has accepted the pending connections. */
  private rest(): void {
    if (this.server?.listening && this.keeper.take(this.server, this.backlog)) this.server.close();
  }

  private onError(error: number, listening: boolean): void {
    if (this.closed) return;
    if (listening) {
      this.error = error;
      this.descriptor.changed();
    } else {
      this.onLost(`failed to listen on ${describe(this.bound)}: ${strerror(error)}`);
    }
  }
}
