// Awaits bytes from a server, by their length, their last words, or their end. A subclass supplies the bytes.

export abstract class Replies {
  /** Bytes not taken yet are from `start` to `limit`. They never change, since callers may hold parts of them. */
  private bytes: Buffer = Buffer.allocUnsafe(4096);
  private start = 0;
  private limit = 0;
  private over = false;
  private wake: () => void = () => {};

  abstract send(data: string | Uint8Array): void;

  /** The next `length` bytes; fewer only when the server has closed the connection. */
  async take(length: number): Promise<string> {
    return (await this.takeBytes(length)).toString('latin1');
  }

  async takeBytes(length: number): Promise<Buffer> {
    while (this.waiting < length && !this.over) await this.more();
    const head = this.bytes.subarray(this.start, Math.min(this.start + length, this.limit));
    this.start += head.length;
    return head;
  }

  /** Sends a command, and resolves to the reply up to and with `end`. */
  async ask(command: string | Uint8Array, end = '\r\n'): Promise<string> {
    this.send(command);
    for (let searched = 0; ;) {
      const all = this.bytes.subarray(this.start, this.limit);
      const at = all.indexOf(end, searched, 'latin1');
      if (at !== -1) return this.take(at + end.length);
      if (this.over) throw new Error(`closed after ${JSON.stringify(all.toString('latin1'))}`);
      searched = Math.max(0, all.length - end.length);
      await this.more();
    }
  }

  /** Resolves to the bytes not taken yet, when the server has closed the connection. */
  async closed(): Promise<string> {
    while (!this.over) await this.more();
    return this.take(this.waiting);
  }

  /** Bytes that have come and were not taken. */
  get waiting(): number {
    return this.limit - this.start;
  }

  protected received(chunk: Buffer): void {
    if (this.limit + chunk.length > this.bytes.length) {
      const bytes = Buffer.allocUnsafe(Math.max(4096, 2 * (this.waiting + chunk.length)));
      this.limit = this.bytes.copy(bytes, 0, this.start, this.limit);
      this.start = 0;
      this.bytes = bytes;
    }
    this.limit += chunk.copy(this.bytes, this.limit);
    this.wake();
  }

  /** Nothing more will come. */
  protected ended(): void {
    this.over = true;
    this.wake();
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
