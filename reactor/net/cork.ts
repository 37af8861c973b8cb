// Where the writes of one connection are gathered until they leave in one: many small socket.write calls are slow.
// There is one cork for all connections. It is flushed when another connection writes, when it is full, and when the
// callbacks of a turn of the loop are over; at other times nothing is kept.

/** Who writes into the cork. */
export interface Corked {
  /** Sends `bytes`; false if node:net still needs the memory when it returns. */
  send(bytes: Uint8Array): boolean;
}

/** Bytes of a cork: as much as one connection may have on its way through node:net. */
const CORK_SIZE = 256 * 1024;
/** With less room than this, it is time for new memory. */
const MIN_ROOM = 64 * 1024;
/** Below this many bytes, a loop over them is quicker than a view for TypedArray.set. */
const SMALL = 48;

export class Cork {
  private memory = Buffer.allocUnsafeSlow(CORK_SIZE);
  /** Before this, node:net holds what it could not send at once. */
  private start = 0;
  private end = 0;
  private owner: Corked | null = null;
  private inTurn = false;

  beginTurn(): void {
    this.inTurn = true;
  }

  endTurn(): void {
    this.flush();
    this.inTurn = false;
  }

  /** Takes up to `length` bytes for `owner`, and says how many. */
  write(owner: Corked, buf: Uint8Array, offset: number, length: number): number {
    if (this.owner !== owner) {
      this.flush();
      this.owner = owner;
    }
    const { memory, end } = this;
    const n = Math.min(length, CORK_SIZE - end);
    if (n < SMALL) for (let i = 0; i < n; i++) memory[end + i] = buf[offset + i];
    else memory.set(buf.subarray(offset, offset + n), end);
    this.end = end + n;
    if (this.end === CORK_SIZE || !this.inTurn) this.flush();
    return n;
  }

  flush(): void {
    const { memory, owner, start, end } = this;
    if (owner === null) return;
    this.owner = null;
    this.end = start;
    if (owner.send(memory.subarray(start, end))) return;
    if (CORK_SIZE - end < MIN_ROOM) {
      this.memory = Buffer.allocUnsafeSlow(CORK_SIZE);
      this.start = this.end = 0;
    } else this.start = this.end = end;
  }

  /** Flushes what `owner` has written. */
  flushOf(owner: Corked): void {
    if (this.owner === owner) this.flush();
  }
}
