// The other end of a connection, which a test controls.
import { portOf } from '../sockaddr';
import type { Waiting } from './bytes';
import { Endpoint } from './endpoint';

/** Where a connection is in its life; 'ended': the client sends no more; 'closed': the program has closed its end. */
export type ConnectionState = 'backlog' | 'open' | 'ended' | 'closed' | 'reset';

export class SimClient {
  /** The program has ended its side, and the client has read all of it. */
  ended = false;
  /** The program, or its kernel, has reset the connection. */
  wasReset = false;
  /** The connection is in the queue for accept, or has been there. */
  connected = false;
  /** The loop calls it in the turn after bytes, the end or a reset have come. */
  onReceive: (() => void) | null = null;

  private readonly taken: Buffer[] = [];
  private paused = false;
  private gone = false;
  private told = false;

  /** Simulation.connect and Simulation.serve make clients. `soon` runs a function in the loop's next turn. */
  constructor(private readonly endpoint: Endpoint, private readonly soon: (fn: () => void) => void) {
    endpoint.onChange = () => {
      this.drain();
    };
  }

  /** The program's descriptor; -1 before accept. */
  get fd(): number {
    return this.endpoint.peer.fd;
  }

  /** The number of the program's socket in the record of calls; 0 before accept. */
  get socket(): number {
    return this.endpoint.peer.serial;
  }

  /** This end's port. */
  get port(): number {
    return portOf(this.endpoint.address);
  }

  /** What the kernel holds for the program to read. */
  get toProgram(): Waiting {
    return this.endpoint.peer.received;
  }

  /** What the kernel holds for the client, if that has paused reading. */
  get toClient(): Waiting {
    return this.endpoint.received;
  }

  /** How many bytes the program may write before it gets EAGAIN. */
  get space(): number {
    return this.endpoint.peer.space;
  }

  get reading(): boolean {
    return !this.paused;
  }

  get state(): ConnectionState {
    const { endpoint } = this;
    if (endpoint.dead || endpoint.peer.dead) return 'reset';
    if (endpoint.peer.closed) return 'closed';
    if (endpoint.peer.serial === 0) return 'backlog';
    return endpoint.closed || endpoint.sendsNoMore ? 'ended' : 'open';
  }

  /** Sends bytes, or a string of latin1 characters. There is always room. */
  send(data: Uint8Array | string): void {
    if (this.gone || this.endpoint.sendsNoMore) throw new Error('send after end, close or reset');
    const bytes = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    this.endpoint.send(bytes, 0, bytes.length);
  }

  /** Ends the client's side, so that the program reads an end of stream. The client goes on reading. */
  end(): void {
    this.endpoint.shutdown(false, true);
  }

  /** Closes with an end of stream, or with a reset if there are unread bytes, since reading was paused. */
  close(): void {
    this.gone = true;
    this.endpoint.close(false);
  }

  /** Closes with a reset: the program's next call gives ECONNRESET. */
  reset(): void {
    this.gone = true;
    this.endpoint.close(true);
  }

  /** Returns the bytes that have come since the last take(). */
  take(): Buffer {
    return Buffer.concat(this.taken.splice(0));
  }

  /** From now on the program's writes stay in its send buffer, until that is full. */
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
