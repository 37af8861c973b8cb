// The other end of a connection, in the hands of a test.
import { Endpoint } from './endpoint';

export class SimClient {
  /** The program sends no more, and all that it sent has been read. */
  ended = false;
  /** The program, or the kernel for it, has reset the connection. */
  wasReset = false;
  /** In the queue of connections to accept, or out of it again. */
  connected = false;
  /** Called when bytes, the end or a reset have come: by the loop, in its next turn. */
  onReceive: (() => void) | null = null;

  private readonly taken: Buffer[] = [];
  private paused = false;
  private gone = false;
  private told = false;

  /** Made by Simulation.connect and Simulation.serve. `soon` runs a function in the loop's next turn. */
  constructor(private readonly endpoint: Endpoint, private readonly soon: (fn: () => void) => void) {
    endpoint.onChange = () => {
      this.drain();
    };
  }

  /** The program's descriptor; -1 until it has accepted. */
  get fd(): number {
    return this.endpoint.peer.fd;
  }

  /** The number of the program's socket in the record of calls; 0 until it has accepted. */
  get socket(): number {
    return this.endpoint.peer.serial;
  }

  /** This end's port. */
  get port(): number {
    return this.endpoint.address.port;
  }

  /** Bytes, or a string of latin1 characters. There is always room. */
  send(data: Uint8Array | string): void {
    if (this.gone || this.endpoint.sendsNoMore) throw new Error('send after end, close or reset');
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    this.endpoint.send(bytes, 0, bytes.length);
  }

  /** Sends no more, and goes on reading: the program reads an end of stream. */
  end(): void {
    this.endpoint.shutdown(false, true);
  }

  /** Gone: an end of stream, or a reset where bytes were left unread while reading was paused. */
  close(): void {
    this.gone = true;
    this.endpoint.close(false);
  }

  /** Gone, with a reset: the program's next call gives ECONNRESET. */
  reset(): void {
    this.gone = true;
    this.endpoint.close(true);
  }

  /** What has come since the last time. */
  take(): Buffer {
    return Buffer.concat(this.taken.splice(0));
  }

  /** What the program writes stays in its send buffer, until that is full. */
  pauseReading(): void {
    this.paused = true;
  }

  resumeReading(): void {
    this.paused = false;
    this.drain();
  }

  private drain(): void {
    const { endpoint } = this;
    let news = false;
    if (!this.paused && endpoint.received.length > 0) {
      const chunk = Buffer.alloc(endpoint.received.length);
      endpoint.recv(chunk, 0, chunk.length);
      this.taken.push(chunk);
      news = true;
    }
    if (endpoint.eof && endpoint.received.length === 0 && !this.ended) news = this.ended = true;
    if (endpoint.dead && !this.gone && !this.wasReset) news = this.wasReset = true;
    if (news) this.tell();
  }

  private tell(): void {
    if (this.onReceive === null || this.told) return;
    this.told = true;
    this.soon(() => {
      this.told = false;
      this.onReceive?.();
    });
  }
}
