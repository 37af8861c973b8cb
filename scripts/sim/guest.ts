// A client of a run: the bytes that it has to send, its requests that are not done yet, and the bytes that it must get.
import type { SimClient } from '../../reactor/sim';
import { Expected } from './expected';
import { writeBinary, writeText } from './op';
import type { Books, Op } from './op';
import type { Job, Outcome } from './world';

/** The server's message to a client above the limit. */
const TOO_MANY = 'ERROR Too many open connections\r\n';

/** As long as a connection lingers whose client sends nothing. */
const PATIENCE_SECONDS = 2;

interface Sent {
  job: Job;
  /** Offsets in the client's bytes: the end of its line, and of all of it. */
  headEnd: number;
  end: number;
}

export class Guest {
  readonly expected = new Expected();
  paused = false;
  private pausedAt = 0;
  /** The server has processed a command of it. */
  hasBegun = false;
  /** It sends no more. */
  shut = false;
  /** It has left. */
  gone = false;
  /** The server may close the connection: a call on it has failed. */
  mayDie = false;
  /** The connection may hang without an answer: the call that should have ended it has failed, too. */
  mayStick = false;
  /** A read on the connection was cut short by a fault, so that the server takes it for all input. */
  readShort = false;
  /** The server must close the connection, once all due replies are sent. */
  closes = false;
  /** An allocation has failed during a command of it, so its replies may be errors. */
  wild = false;
  /** All bytes that it has received, in latin1. */
  readonly log: string[] = [];

  /** It has sent quit, or something else after which the server ignores it. */
  private over = false;
  private hands = '';
  private said = 0;
  private sentBytes = 0;
  /** Requests that the server has not done yet, in order. */
  private readonly waiting: Sent[] = [];
  /** The request whose data are still to come. */
  private inData: Sent | null = null;

  constructor(readonly name: string, readonly client: SimClient, readonly binary: boolean) {}

  /** The server has accepted it. */
  get accepted(): boolean {
    return this.client.socket !== 0;
  }

  /** The connection is closed, and the client knows. */
  get closed(): boolean {
    return this.client.ended || this.client.wasReset;
  }

  get canSend(): boolean {
    return !this.gone && !this.shut && !this.closed;
  }

  say(op: Op, books: Books, serial: number): void {
    if (this.over) return;
    this.over = op.name === 'quit' || op.name === 'flood';
    const written = (this.binary ? writeBinary : writeText)(op, books, serial);
    const job: Job = { op, written, binary: this.binary, serial, exptime: 0 };
    this.hands += written.text;
    this.said += written.text.length;
    const start = this.said - written.text.length;
    this.waiting.push({ job, headEnd: start + written.head, end: this.said });
  }

  /** Sends so many bytes of what it has to say; 0 for all. Returns them. */
  push(bytes: number): string {
    const part = bytes === 0 ? this.hands : this.hands.slice(0, bytes);
    if (part === '' || !this.canSend) return '';
    // If the connection is closed already, the answer is a reset, which drops the bytes that the client has not read.
    if (this.closes && this.paused) this.mayDie = true;
    this.hands = this.hands.slice(part.length);
    this.sentBytes += part.length;
    this.client.send(part);
    return part;
  }

  /** `elapsed`: seconds since the start of the run. */
  pause(elapsed: number): void {
    this.paused = true;
    this.pausedAt = elapsed;
    this.client.pauseReading();
  }

  resume(): void {
    this.paused = false;
    this.client.resumeReading();
  }

  /** A client that reads nothing for PATIENCE_SECONDS may lose bytes in transit when the server closes. */
  waits(elapsed: number): void {
    const isLeaving = this.closes || this.shut;
    if (this.paused && isLeaving && elapsed - this.pausedAt >= PATIENCE_SECONDS) this.mayDie = true;
  }

  shutdown(): void {
    if (!this.canSend) return;
    this.shut = true;
    this.client.end();
  }

  leave(reset: boolean): void {
    if (this.gone || this.closed) return;
    this.gone = true;
    if (reset) this.client.reset();
    else this.client.close();
  }

  /** The operation that the server is about to do; null if none was sent. */
  get next(): Job | null {
    return this.inData?.job ?? this.waiting.at(0)?.job ?? null;
  }

  /** The server has processed a line, or the data behind one. A string is an error. */
  begun(phase: 'line' | 'data'): Job | string {
    this.hasBegun = true;
    if (phase === 'data') {
      const sent = this.inData;
      this.inData = null;
      if (sent === null) return `${this.name}: data without a line were stored`;
      return sent.end <= this.sentBytes ? sent.job : `${this.name}: data were stored before they had all come`;
    }
    const sent = this.waiting.shift();
    if (sent === undefined) return `${this.name}: a command was done that it has not sent`;
    const isWhole = sent.headEnd <= this.sentBytes || sent.job.op.name === 'flood';
    if (!isWhole) return `${this.name}: a command was done before all of it had come`;
    this.inData = sent;
    return sent.job;
  }

  answered(outcome: Outcome): void {
    if (!outcome.waits) this.inData = null;
    if (this.closes) return;
    for (const part of outcome.reply) this.expected.push(part);
    this.closes = outcome.closes;
  }

  /** Takes the received bytes. Null, or the error in them. */
  receive(): string | null {
    const bytes = this.client.take().toString('latin1');
    if (bytes !== '') this.log.push(bytes);
    if (this.wild) return null;
    const wrong = this.expected.receive(bytes) ?? this.expected.takeOff();
    if (wrong !== null) return `${this.name} ${wrong}`;
    const { unasked } = this.expected;
    return unasked === null || this.refused ? null : `${this.name} received ${unasked}, and had not asked for it`;
  }

  /** The server has told it that there are too many connections. */
  get refused(): boolean {
    if (this.hasBegun) return false;
    const all = this.log.join('');
    return all !== '' && TOO_MANY.startsWith(all);
  }

  /** A request that it has sent completely and the server has not done; null if there is none. */
  get undone(): string | null {
    if (this.inData !== null && this.inData.end <= this.sentBytes) return `the data of ${nameOf(this.inData)}`;
    const first = this.waiting.at(0);
    return first !== undefined && first.end <= this.sentBytes ? nameOf(first) : null;
  }
}

function nameOf({ job: { written } }: Sent): string {
  return JSON.stringify(written.text.slice(0, 60));
}
