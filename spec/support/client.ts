// A client for specs: a TCP connection whose replies are awaited by their length or their last words.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export class Client {
  private received: Buffer[] = [];
  private length = 0;
  private ended = false;
  private wake: () => void = () => {};

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk: Buffer) => {
      this.received.push(chunk);
      this.length += chunk.length;
      this.wake();
    });
    socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
    socket.on('error', () => {}); // 'close' follows
  }

  static async connect(port: number): Promise<Client> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return new Client(socket);
  }

  send(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** The next `length` bytes; fewer only when the server has closed the connection. */
  async take(length: number): Promise<string> {
    while (this.length < length && !this.ended) await this.more();
    const all = Buffer.concat(this.received);
    const head = all.subarray(0, length);
    this.received = [all.subarray(head.length)];
    this.length -= head.length;
    return head.toString('latin1');
  }

  /** Sends a command, and resolves to the reply up to and with `end`. */
  async ask(command: string | Uint8Array, end = '\r\n'): Promise<string> {
    this.send(command);
    for (;;) {
      const text = Buffer.concat(this.received).toString('latin1');
      const at = text.indexOf(end);
      if (at !== -1) return this.take(at + end.length);
      if (this.ended) throw new Error(`closed after ${JSON.stringify(text)}`);
      await this.more();
    }
  }

  /** Resolves when the server has closed the connection, to what came before and was not taken. */
  async closed(): Promise<string> {
    while (!this.ended) {
      if (this.socket.readableEnded) break;
      await Promise.race([this.more(), once(this.socket, 'end').catch(() => [])]);
    }
    return this.take(this.length);
  }

  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
