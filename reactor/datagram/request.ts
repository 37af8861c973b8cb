// A request that came in one datagram: its bytes, and the answer, which leaves in as many datagrams as it needs. Each
// begins with a header of 16-bit numbers, the high byte first: the request's id, the sequence number, how many
// datagrams there are, and 0.
import type { Event } from '../event.h';
import { EAGAIN, EMSGSIZE } from '../errno.h';
import { portOf } from '../sockaddr';
import type { Sockaddr } from '../socket.h';

const HEADER_BYTES = 8;
const ID = 0, SEQUENCE = 2, TOTAL = 4;
/** Size of an answer's datagram with its header: nearly every network passes it in one piece. */
export const DATAGRAM_BYTES = 1400;
const DATA_BYTES = DATAGRAM_BYTES - HEADER_BYTES;
const ANSWER_MAX_BYTES = 0xffff * DATA_BYTES;

export class Request {
  /** The program's descriptor; -1 before accept. */
  fd = -1;
  /** The events that wait for it. */
  evread: Event | null = null;
  evwrite: Event | null = null;
  private start = 0;
  /** A read has returned EAGAIN after the last byte. */
  private drained = false;
  private answer = new Uint8Array(0);
  private length = 0;
  /** How many datagrams of the answer have left. */
  private sent = 0;

  private constructor(private readonly id: number, private readonly payload: Uint8Array, readonly peer: Sockaddr) {}

  /**
   * The request in the first `length` bytes of `bytes`, which came from `peer` to a socket with `port`. Null for an
   * invalid one, which must get no answer: its source address may be forged. A datagram from the same port comes from
   * another server: the two would answer each other for ever.
   */
  static parse(bytes: Uint8Array, length: number, peer: Sockaddr, port: number): Request | null {
    if (length <= HEADER_BYTES || uint16(bytes, TOTAL) !== 1 || portOf(peer) === port) return null;
    return new Request(uint16(bytes, ID), bytes.slice(HEADER_BYTES, length), peer);
  }

  /** Returns the bytes, then EAGAIN once, so that the program processes them, then the end. */
  read(buf: Uint8Array, offset: number, length: number): number {
    const { payload, start } = this;
    const n = Math.min(length, payload.length - start);
    if (n === 0 && length > 0 && !this.drained) {
      this.drained = true;
      return -EAGAIN;
    }
    buf.set(payload.subarray(start, start + n), offset);
    this.start = start + n;
    return n;
  }

  /** Adds to the answer. If it gets too long for the header's numbers, fails, and none of it is sent. */
  write(buf: Uint8Array, offset: number, length: number): number {
    if (this.length === -1 || this.length + length > ANSWER_MAX_BYTES) {
      this.length = -1;
      this.answer = new Uint8Array(0);
      return -EMSGSIZE;
    }
    const end = this.length + length;
    if (end > this.answer.length) {
      const larger = new Uint8Array(Math.max(DATA_BYTES, 2 * this.answer.length, end));
      larger.set(this.answer.subarray(0, this.length));
      this.answer = larger;
    }
    this.answer.set(buf.subarray(offset, offset + length), this.length);
    this.length = end;
    return length;
  }

  /** How many bytes of the answer have not left yet. */
  get unsent(): number {
    return Math.max(0, this.length - this.sent * DATA_BYTES);
  }

  /** Writes the next datagram to `packet`. Returns its length. */
  frame(packet: Uint8Array): number {
    const start = this.sent * DATA_BYTES;
    const end = Math.min(start + DATA_BYTES, this.length);
    putUint16(packet, ID, this.id);
    putUint16(packet, SEQUENCE, this.sent);
    putUint16(packet, TOTAL, Math.ceil(this.length / DATA_BYTES));
    packet.set(this.answer.subarray(start, end), HEADER_BYTES);
    return HEADER_BYTES + end - start;
  }

  /** The datagram that `frame` has written has left. */
  framed(): void {
    this.sent++;
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return bytes[at] << 8 | bytes[at + 1];
}

function putUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}
