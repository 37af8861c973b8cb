// What the generator sends and what must come back, made before anything is measured: the hot path only moves offsets.

/** How many bytes one read takes at most. */
export const READ_SIZE = 128 * 1024;

/** Exchanges, numbered from 0: a request, the reply that must come, and how many operations that is. */
export interface Tables {
  /**
   * One memory for all, since a system call looks up the address of a buffer only when it is another one than before:
   * READ_SIZE bytes to read into, then all requests, then all replies.
   */
  bytes: Buffer;
  /** Where in `bytes` the request of an exchange begins; it ends where that of the next begins. */
  requestAt: Uint32Array;
  replyAt: Uint32Array;
  operations: Uint32Array;
  /**
   * By exchange, the one to do next when the reply says that there is no such item (only END), or -1: it must be there.
   */
  onMiss: Int32Array;
  /** Where the reply to a miss is. */
  missAt: number;
  missEnd: number;
  /**
   * Whether a set may be refused, as memcached does when it cannot evict as fast as it is filled; and where that reply
   * is.
   */
  mayRefuse: boolean;
  refusedAt: number;
  refusedEnd: number;
  /** The exchanges in the order in which they are to be done. */
  order: Uint32Array;
}

export interface Exchange {
  request: string;
  reply: string;
  operations: number;
  /** The number of another exchange. */
  onMiss?: number;
}

const MISS = 'END\r\n';
const REFUSED = 'SERVER_ERROR out of memory storing object\r\n';

/** Text in which a byte is a character (latin1), put one behind the other. */
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

  /** Where each text starts, and where the last ends, when all of it lies at `base`. */
  offsets(base: number): Uint32Array {
    const offsets = new Uint32Array(this.starts.length + 1);
    this.starts.forEach((start, i) => void (offsets[i] = base + start));
    offsets[this.starts.length] = base + this.length;
    return offsets;
  }
}

/** The tables of some exchanges, which are done in `order`, or one after the other. */
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
  const missAt = READ_SIZE + requests.used.length + replies.used.length;
  const refusedAt = missAt + MISS.length;
  return {
    bytes: Buffer.concat([Buffer.alloc(READ_SIZE), requests.used, replies.used, Buffer.from(MISS + REFUSED)]),
    requestAt: requests.offsets(READ_SIZE),
    replyAt: replies.offsets(READ_SIZE + requests.used.length),
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
