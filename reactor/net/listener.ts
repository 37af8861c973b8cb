// A listening socket: a server of node:net whose connections wait for accept.
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { EV_READ } from '../event.h';
import { EAGAIN, EINVAL, ENOTCONN, EPIPE } from '../errno.h';
import type { SockaddrIn } from '../socket.h';
import { inetNtop } from './address';
import { Connection } from './connection';
import type { Cork } from './cork';
import type { Descriptor, Endpoint } from './descriptor';
import { errnoOf } from './errors';

export class Listener implements Endpoint {
  private readonly server: Server;
  /** Those that nobody has accepted yet. */
  private readonly pending: Connection[] = [];
  /** What the next accept is to fail with, or 0. */
  private error = 0;
  /** It does not listen after all, and accept has said so. */
  private broken = false;
  private closed = false;

  constructor(
    readonly bound: SockaddrIn,
    backlog: number,
    private readonly owner: Descriptor,
    private readonly cork: Cork,
  ) {
    this.server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.onConnection(socket));
    this.server.on('error', (error) => {
      this.error = errnoOf(error);
      this.owner.changed();
    });
    this.server.on('listening', () => {
      if (this.closed) this.server.close();
    });
    const options = { host: inetNtop(bound.sinAddr), port: bound.sinPort, backlog, exclusive: true };
    // Not at once, for what listens cannot be stopped before it does, and the descriptor may be closed in this turn.
    process.nextTick(() => {
      if (!this.closed) this.server.listen(options);
    });
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
    if (connection !== undefined) return connection;
    if (this.error !== 0) {
      const { error } = this;
      this.error = 0;
      this.broken = !this.server.listening;
      return -error;
    }
    return this.broken ? -EINVAL : -EAGAIN;
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

  close(): void {
    this.closed = true;
    if (this.server.listening) this.server.close();
    for (const connection of this.pending) connection.close(true);
    this.pending.length = 0;
  }

  private onConnection(socket: Socket): void {
    const connection = new Connection(socket, this.cork);
    if (this.closed) {
      connection.close(true);
      return;
    }
    this.pending.push(connection);
    this.owner.changed();
  }
}
