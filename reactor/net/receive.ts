// The receive buffer of a connection: the chunks from node:net that the program has not read yet.

/** With more unread bytes than this, it is full. A chunk of node:net is 64 KiB at most. */
const RECEIVE_LIMIT_BYTES = 64 * 1024;
/** With this many chunks it is full, too: even a chunk of a single byte takes a few hundred bytes. */
export const CHUNKS_MAX = 256;
/** Below this many bytes, a loop over them is quicker than a view for TypedArray.set. */
const SMALL_BYTES = 48;
const NONE = new Uint8Array(0);

export class ReceiveBuffer {
  /** How many bytes are unread. */
  length = 0;
  private first: Uint8Array | null = null;
  private position = 0;
  private readonly rest: Uint8Array[] = [];
  private restStart = 0;

  /** The connection must stop reading from the socket. */
  get full(): boolean {
    return this.length > RECEIVE_LIMIT_BYTES || this.rest.length - this.restStart >= CHUNKS_MAX;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.length += chunk.length;
    if (this.first === null) this.first = chunk;
    else this.rest.push(chunk);
  }

  /** Moves up to `length` bytes into `buf` at `offset`; returns how many. */
  read(buf: Uint8Array, offset: number, length: number): number {
    let done = 0;
    while (this.first !== null && done < length) {
      const chunk = this.first;
      const start = this.position;
      const n = Math.min(chunk.length - start, length - done);
      if (n < SMALL_BYTES) for (let i = 0; i < n; i++) buf[offset + done + i] = chunk[start + i];
      else buf.set(n === chunk.length ? chunk : chunk.subarray(start, start + n), offset + done);
      done += n;
      if (start + n < chunk.length) this.position = start + n;
      else this.next();
    }
    this.length -= done;
    return done;
  }

  clear(): void {
    this.length = 0;
    this.first = null;
    this.position = 0;
    this.rest.length = 0;
    this.restStart = 0;
  }

  private next(): void {
    this.position = 0;
    if (this.restStart === this.rest.length) {
      this.first = null;
      return;
    }
    this.first = this.rest[this.restStart];
    // The array must neither keep chunks that were read nor grow for ever: under load the buffer may never be empty.
    this.rest[this.restStart++] = NONE;
    if (this.restStart === this.rest.length) {
      this.rest.length = 0;
      this.restStart = 0;
    } else if (this.restStart === CHUNKS_MAX) {
      this.rest.splice(0, CHUNKS_MAX);
      this.restStart = 0;
    }
  }
}
