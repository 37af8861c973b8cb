// A listening socket: a server of node:net whose connections wait for accept.
import { createServer } from 'node:net';
import type { ListenOptions, Server, Socket } from 'node:net';
import { EV_READ } from '../event.h';
import { EAGAIN, ENOTCONN, EPIPE, strerror } from '../errno.h';
import type { SockaddrIn } from '../socket.h';
import { inetNtop } from './address';
import { Connection } from './connection';
import type { Cork } from './cork';
import type { Descriptor, Endpoint } from './descriptor';
import { errnoOf } from './errors';
import { Keeper } from './keeper';
import type { Orphans } from './orphans';

/** When so many wait for accept and nobody wants them, the others wait in the kernel, where they take no descriptor. */
const PENDING_MAX = 8;

export class Listener implements Endpoint {
  private server: Server | null = null;
  private readonly options: ListenOptions;
  /** Those that nobody has accepted yet. */
  private readonly pending: Connection[] = [];
  /** What the next accept is to fail with, or 0. */
  private error = 0;
  private closed = false;
  private readonly keeper = new Keeper((server) => this.listen(server), () => this.listen(null));

  /** `onLost` is told why it does not listen after all, though listen(2) has said so. */
  constructor(
    readonly bound: SockaddrIn,
    private readonly backlog: number,
    private readonly owner: Descriptor,
    private readonly cork: Cork,
    private readonly onLost: (message: string) => void,
  ) {
    this.options = { host: inetNtop(bound.sinAddr), port: bound.sinPort, backlog, exclusive: true };
    // Not at once, for what listens cannot be stopped before it does, and the descriptor may be closed in this turn.
    process.nextTick(() => this.listen(null));
  }

  poll(): number {
    return this.pending.length > 0 || this.error !== 0 ? EV_READ : 0;
  }

  getsockname(addr: SockaddrIn): number {
    Object.assign(addr, this.bound);
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

  // What is accepted later gets them from the descriptor.
  setOptions(): void {}

  close(_reset: boolean, orphans: Orphans): void {
    this.closed = true;
    this.keeper.end();
    if (this.server?.listening) this.server.close();
    for (const connection of this.pending) connection.close(true, orphans);
    this.pending.length = 0;
  }

  /** With the socket that `kept` has, if it came back; otherwise with a new one. */
  private listen(kept: Server | null): void {
    if (this.closed) {
      kept?.close();
      return;
    }
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.onConnection(socket));
    this.server = server;
    server.on('error', (error) => this.onError(errnoOf(error), server.listening));
    server.on('listening', () => {
      if (this.closed) server.close();
    });
    if (kept === null) server.listen(this.options);
    else server.listen(kept, this.backlog);
  }

  private onConnection(socket: Socket): void {
    const connection = new Connection(socket, this.cork);
    if (this.closed) {
      socket.resetAndDestroy();
      return;
    }
    this.pending.push(connection);
    this.owner.changed();
    if (this.owner.evread === null && this.pending.length >= PENDING_MAX) this.rest();
  }

  /** Accepts no more until the program has accepted those that wait. */
  private rest(): void {
    if (this.server?.listening && this.keeper.take(this.server, this.backlog)) this.server.close();
  }

  private onError(error: number, listening: boolean): void {
    if (this.closed) return;
    if (listening) {
      this.error = error;
      this.owner.changed();
    } else {
      this.onLost(`failed to listen on ${inetNtop(this.bound.sinAddr)}:${this.bound.sinPort}: ${strerror(error)}`);
    }
  }
}
