// Collects the writes of one connection and sends them in one call, since many small socket.write calls are slow. There
// is one write buffer for all connections. It is flushed when another connection writes, when it is full, and when the
// callbacks of a turn are over. Outside of a turn it keeps nothing.

/** A connection that writes into the buffer. */
export interface Writer {
  /** Sends `bytes`; false if node:net still needs the memory when it returns. */
  send(bytes: Uint8Array): boolean;
}

/** This is also the most that one connection may have on its way through node:net. */
const SIZE_BYTES = 256 * 1024;
/** With less room than this, we allocate new memory. */
const ROOM_MIN_BYTES = 64 * 1024;
/** Below this many bytes, a loop over them is quicker than a view for TypedArray.set. */
const SMALL_BYTES = 48;

export class WriteBuffer {
  private memory = Buffer.allocUnsafeSlow(SIZE_BYTES);
  /** node:net still needs the memory before this, for bytes that it could not send at once. */
  private start = 0;
  private end = 0;
  private writer: Writer | null = null;
  private inTurn = false;

  beginTurn(): void {
    this.inTurn = true;
  }

  endTurn(): void {
    this.flush();
    this.inTurn = false;
  }

  /** Takes up to `length` bytes from `writer`; returns how many. */
  write(writer: Writer, buf: Uint8Array, offset: number, length: number): number {
    if (this.writer !== writer) {
      this.flush();
      this.writer = writer;
    }
    const { memory, end } = this;
    const n = Math.min(length, SIZE_BYTES - end);
    if (n < SMALL_BYTES) for (let i = 0; i < n; i++) memory[end + i] = buf[offset + i];
    else memory.set(buf.subarray(offset, offset + n), end);
    this.end = end + n;
    if (this.end === SIZE_BYTES || !this.inTurn) this.flush();
    return n;
  }

  flush(): void {
    const { memory, writer, start, end } = this;
    if (writer === null) return;
    this.writer = null;
    this.end = start;
    if (writer.send(memory.subarray(start, end))) return;
    if (SIZE_BYTES - end < ROOM_MIN_BYTES) {
      this.memory = Buffer.allocUnsafeSlow(SIZE_BYTES);
      this.start = this.end = 0;
    } else this.start = this.end = end;
  }

  /** Flushes if `writer` wrote last. */
  flushOf(writer: Writer): void {
    if (this.writer === writer) this.flush();
  }
}
