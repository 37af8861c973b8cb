// The bytes on their way in one direction of a connection.

/** Bytes that wait, to look at. */
export interface Waiting {
  readonly length: number;
  /** A copy of the first `max` of them, or of all. */
  peek(max: number): Buffer;
}

export class ByteQueue implements Waiting {
  length = 0;
  private chunks: Buffer[] = [];
  /** The offset of the remaining bytes in the first chunk. */
  private head = 0;

  /** Takes over `chunk`, which must not change afterwards. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.chunks.push(chunk);
    this.length += chunk.length;
  }

  /** Moves up to `length` bytes into `buf` at `offset`; returns how many. */
  take(buf: Uint8Array, offset: number, length: number): number {
    const wanted = Math.min(length, this.length);
    let taken = 0;
    let used = 0;
    while (taken < wanted) {
      const chunk = this.chunks[used];
      const n = Math.min(wanted - taken, chunk.length - this.head);
      buf.set(chunk.subarray(this.head, this.head + n), offset + taken);
      taken += n;
      this.head += n;
      if (this.head === chunk.length) {
        used++;
        this.head = 0;
      }
    }
    if (used > 0) this.chunks.splice(0, used);
    this.length -= taken;
    return taken;
  }

  peek(max: number): Buffer {
    const chunks: Buffer[] = [];
    let from = this.head;
    let left = Math.min(max, this.length);
    for (let i = 0; left > 0; i++) {
      const chunk = this.chunks[i].subarray(from, from + left);
      chunks.push(chunk);
      left -= chunk.length;
      from = 0;
    }
    return Buffer.concat(chunks);
  }

  takeAll(): Buffer {
    const all = Buffer.alloc(this.length);
    this.take(all, 0, all.length);
    return all;
  }
}
