// A connection to a server: what is sent in pieces, and what comes, awaited by its length or its end.
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

  /** Rejects where nobody listens. */
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

  /** The next `length` characters; fewer where the server has closed the connection, or is silent for long. */
  async take(length: number): Promise<string> {
    await this.until(() => this.received.length >= length);
    const taken = this.received.slice(0, length);
    this.received = this.received.slice(length);
    return taken;
  }

  /** What comes, up to and with `end`; what came, where that does not come. */
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
