// A connection to a server: sends bytes, and awaits replies by their length or their end.
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** How long a server may take to answer before that counts as no answer. */
const PATIENCE_MS = 30_000;

export class Connection {
  private received = '';
  private over = false;
  private wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      this.wake();
    });
    for (const event of ['end', 'close']) {
      socket.on(event, () => {
        this.over = true;
        this.wake();
      });
    }
    socket.on('error', () => {}); // 'close' follows
  }

  /** Rejects if no server listens. */
  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      const connection = new Connection(socket);
      socket.once('connect', () => resolve(connection));
      socket.once('error', reject);
    });
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** The next `length` characters; fewer if the server has closed the connection, or is silent for PATIENCE_MS. */
  async take(length: number): Promise<string> {
    await this.until(() => this.received.length >= length);
    const taken = this.received.slice(0, length);
    this.received = this.received.slice(length);
    return taken;
  }

  /** The bytes up to and with `end`; all that came if `end` does not come. */
  async takeTo(end: string): Promise<string> {
    await this.until(() => this.received.includes(end));
    const at = this.received.indexOf(end);
    return this.take(at === -1 ? this.received.length : at + end.length);
  }

  /** All that comes until the server closes the connection. */
  async closed(): Promise<string> {
    await this.until(() => false);
    return this.take(this.received.length);
  }

  get isOver(): boolean {
    return this.over;
  }

  end(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private async until(there: () => boolean): Promise<void> {
    const end = performance.now() + PATIENCE_MS;
    const timer = setTimeout(() => this.wake(), PATIENCE_MS);
    while (!there() && !this.over && performance.now() < end) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    clearTimeout(timer);
  }
}
