// A client for specs, over a TCP connection.
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { Replies } from './replies';

export class Client extends Replies {
  private constructor(readonly socket: Socket) {
    super();
    socket.on('data', (chunk: Buffer) => this.received(chunk));
    socket.on('end', () => this.ended());
    socket.on('close', () => this.ended());
    socket.on('error', () => {}); // 'close' follows
  }

  static async connect(port: number): Promise<Client> {
    // A node:net server listens only after one more turn of Node's loop; until then connections are refused.
    for (let tries = 1000; tries > 0; tries--) {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
      const client = new Client(socket);
      const connected = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      if (connected) return client;
    }
    throw new Error(`nobody listens on ${port}`);
  }

  send(data: string | Uint8Array): void {
    this.socket.write(bytes(data));
  }

  /** Resolves when the kernel has taken all of `data`. */
  sent(data: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      this.socket.write(bytes(data), () => resolve());
    });
  }

  /** Sends all data and the end, whatever comes. Resolves to all that came; rejects if the connection breaks. */
  insists(...data: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      this.socket.once('error', reject);
      for (const each of data) this.send(each);
      this.end();
      void this.closed().then(resolve);
    });
  }

  /** Ends the client's side. */
  end(): void {
    this.socket.end();
  }

  /** Closes with an end of stream, or with a reset if there are unread bytes. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Closes with a reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  pauseReading(): void {
    this.socket.pause();
  }

  resumeReading(): void {
    this.socket.resume();
  }
}

/** The reply to one command, on a connection of its own. */
export async function ask(port: number, command: string, end = '\r\n'): Promise<string> {
  const client = await Client.connect(port);
  const reply = await client.ask(command, end);
  client.destroy();
  return reply;
}

/**
 * Resolves when the server has handled everything that has reached it: descriptors that were ready before a new
 * connection are served at the latest when it is accepted, a turn of the loop before its first command.
 */
export async function served(port: number): Promise<void> {
  await ask(port, 'version\r\n');
}

function bytes(data: string | Uint8Array): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
}
