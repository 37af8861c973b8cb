// One end of a connection. It behaves like Linux's TCP on loopback: bytes arrive at once. Results are the kernel's: a
// count, or a negated errno value.
import { EAGAIN, ECONNRESET, EPIPE } from '../errno.h';
import type { Sockaddr } from '../socket.h';
import { ByteQueue } from './bytes';

export const POLLIN = 0x01;
export const POLLOUT = 0x04;
export const POLLERR = 0x08;
export const POLLHUP = 0x10;

export class Endpoint {
  readonly received = new ByteQueue();
  /** The descriptor of the program under test, or -1. */
  fd = -1;
  /** The unique number of that socket; 0 before accept. */
  serial = 0;
  /** Called when the result of poll() may have changed. */
  onChange: () => void = () => {};
  closed = false;
  /** This end has sent or received a reset: no byte moves any more. */
  dead = false;
  /** The other end has ended its side. */
  eof = false;
  private shutRead = false;
  private shutWrite = false;
  /** The errno value that the next call reports, once. */
  private error = 0;
  private otherEnd: Endpoint | null = null;

  /** `capacity`: how many unread bytes may wait here before the other end's send() gives EAGAIN. */
  constructor(readonly address: Sockaddr, private readonly capacity: number) {}

  static pair(a: Endpoint, b: Endpoint): void {
    a.otherEnd = b;
    b.otherEnd = a;
  }

  get peer(): Endpoint {
    if (this.otherEnd === null) throw new Error('endpoint without a peer');
    return this.otherEnd;
  }

  /** How many bytes send() would take now. */
  get space(): number {
    return Math.max(0, this.peer.capacity - this.peer.received.length);
  }

  get sendsNoMore(): boolean {
    return this.shutWrite;
  }

  poll(): number {
    let what = 0;
    if (this.received.length > 0 || this.eof || this.shutRead || this.dead) what |= POLLIN;
    if (this.shutWrite || this.dead || this.peer.closed || this.space > 0) what |= POLLOUT;
    if (this.dead || (this.shutWrite && (this.eof || this.shutRead))) what |= POLLHUP;
    if (this.error !== 0) what |= POLLERR;
    return what;
  }

  recv(buf: Uint8Array, offset: number, length: number): number {
    if (this.received.length > 0) {
      const n = this.received.take(buf, offset, length);
      this.peer.onChange();
      return n;
    }
    if (this.eof) return 0;
    if (this.error !== 0) return this.takeError();
    return this.shutRead || this.dead ? 0 : -EAGAIN;
  }

  send(buf: Uint8Array, offset: number, length: number): number {
    if (this.error !== 0) return this.takeError();
    if (this.shutWrite || this.dead) return -EPIPE;
    if (this.peer.closed) {
      // The first write after the other end has closed succeeds, and a reset comes back.
      this.receiveReset();
      return length;
    }
    const n = Math.min(length, this.space);
    if (n === 0 && length > 0) return -EAGAIN;
    this.peer.received.push(Buffer.from(buf.subarray(offset, offset + n)));
    this.peer.onChange();
    return n;
  }

  shutdown(reading: boolean, writing: boolean): void {
    if (reading) this.shutRead = true;
    if (writing && !this.shutWrite) {
      this.shutWrite = true;
      this.peer.receiveFin();
    }
    this.onChange();
  }

  /** Closes with a reset if bytes are unread or `abort` is set, else with an end of stream. */
  close(abort: boolean): void {
    if (this.closed) return;
    this.closed = true;
    this.onChange = () => {};
    if (this.dead) return;
    if (abort || this.received.length > 0) {
      this.dead = true;
      this.peer.receiveReset();
    } else if (!this.shutWrite) this.peer.receiveFin();
  }

  /** The connection breaks down. This end knows already; the other one gets a reset. */
  breakDown(): void {
    if (this.dead) return;
    this.dead = true;
    this.peer.receiveReset();
    this.onChange();
  }

  private receiveFin(): void {
    this.eof = true;
    this.onChange();
  }

  private receiveReset(): void {
    if (this.closed || this.dead) return;
    this.dead = true;
    this.error = this.eof ? EPIPE : ECONNRESET;
    this.onChange();
  }

  private takeError(): number {
    const error = this.error;
    this.error = 0;
    return -error;
  }
}
