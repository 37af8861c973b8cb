// The requests and the expected replies, made before the measurement, so that the hot path only moves offsets.

/** The most that one read takes. */
export const READ_SIZE_BYTES = 128 * 1024;

/** Exchanges, numbered from 0: a request, the expected reply, and its number of operations. */
export interface Tables {
  /**
   * One buffer for all, since a system call looks up a buffer's address only if the buffer changes between calls:
   * READ_SIZE_BYTES bytes to read into, then all requests, then all replies.
   */
  bytes: Buffer;
  /** Where in `bytes` the request of an exchange begins; it ends where that of the next begins. */
  requestAt: Uint32Array;
  replyAt: Uint32Array;
  operations: Uint32Array;
  /**
   * By exchange, the next one after a miss (the reply is only END), or -1 if a miss would be wrong.
   */
  onMiss: Int32Array;
  /** The reply of a miss. */
  missAt: number;
  missEnd: number;
  /**
   * Whether the server may refuse a set, as memcached does when it cannot evict fast enough; and that reply.
   */
  mayRefuse: boolean;
  refusedAt: number;
  refusedEnd: number;
  /** The exchanges in their order. */
  order: Uint32Array;
}

export interface Exchange {
  request: string;
  reply: string;
  operations: number;
  /** Returns the number of the new exchange. */
  onMiss?: number;
}

const MISS = 'END\r\n';
const REFUSED = 'SERVER_ERROR out of memory storing object\r\n';

/** Concatenates texts, one byte per character (latin1). */
class Bytes {
  private buffer = Buffer.allocUnsafe(1 << 16);
  private length = 0;
  private readonly starts: number[] = [];

  append(text: string): void {
    const end = this.length + text.length;
    if (end > this.buffer.length) {
      const longer = Buffer.allocUnsafe(Math.max(end, 2 * this.buffer.length));
      this.buffer.copy(longer, 0, 0, this.length);
      this.buffer = longer;
    }
    this.buffer.write(text, this.length, 'latin1');
    this.starts.push(this.length);
    this.length = end;
  }

  get used(): Buffer {
    return this.buffer.subarray(0, this.length);
  }

  /** The start of each text and the end of the last one, if the first starts at `base`. */
  offsets(base: number): Uint32Array {
    const offsets = new Uint32Array(this.starts.length + 1);
    this.starts.forEach((start, i) => void (offsets[i] = base + start));
    offsets[this.starts.length] = base + this.length;
    return offsets;
  }
}

/** The tables for exchanges that run in `order`, or one after the other. */
export function makeTables(exchanges: Iterable<Exchange>, order?: Uint32Array, mayRefuse = false): Tables {
  const requests = new Bytes();
  const replies = new Bytes();
  const operations: number[] = [];
  const onMiss: number[] = [];
  for (const exchange of exchanges) {
    requests.append(exchange.request);
    replies.append(exchange.reply);
    operations.push(exchange.operations);
    onMiss.push(exchange.onMiss ?? -1);
  }
  const missAt = READ_SIZE_BYTES + requests.used.length + replies.used.length;
  const refusedAt = missAt + MISS.length;
  return {
    bytes: Buffer.concat([Buffer.alloc(READ_SIZE_BYTES), requests.used, replies.used, Buffer.from(MISS + REFUSED)]),
    requestAt: requests.offsets(READ_SIZE_BYTES),
    replyAt: replies.offsets(READ_SIZE_BYTES + requests.used.length),
    operations: Uint32Array.from(operations),
    onMiss: Int32Array.from(onMiss),
    missAt,
    missEnd: refusedAt,
    mayRefuse,
    refusedAt,
    refusedEnd: refusedAt + REFUSED.length,
    order: order ?? Uint32Array.from(operations, (_, i) => i),
  };
}
