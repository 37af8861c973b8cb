// What comes from a server, awaited by its length, its last words, or its end. How it comes is the subclass's matter.

export abstract class Replies {
  private chunks: Buffer[] = [];
  private length = 0;
  private over = false;
  private wake: () => void = () => {};

  abstract send(data: string | Uint8Array): void;

  /** The next `length` bytes; fewer only when the server has closed the connection. */
  async take(length: number): Promise<string> {
    return (await this.takeBytes(length)).toString('latin1');
  }

  async takeBytes(length: number): Promise<Buffer> {
    while (this.length < length && !this.over) await this.more();
    const all = this.gathered();
    const head = all.subarray(0, length);
    this.chunks = head.length < all.length ? [all.subarray(head.length)] : [];
    this.length -= head.length;
    return head;
  }

  /** Sends a command, and resolves to the reply up to and with `end`. */
  async ask(command: string | Uint8Array, end = '\r\n'): Promise<string> {
    this.send(command);
    for (;;) {
      const all = this.gathered();
      const at = all.indexOf(end, 0, 'latin1');
      if (at !== -1) return this.take(at + end.length);
      if (this.over) throw new Error(`closed after ${JSON.stringify(all.toString('latin1'))}`);
      await this.more();
    }
  }

  /** Resolves when the server has closed the connection, to what came before and was not taken. */
  async closed(): Promise<string> {
    while (!this.over) await this.more();
    return this.take(this.length);
  }

  /** Bytes that have come and were not taken. */
  get waiting(): number {
    return this.length;
  }

  protected received(chunk: Buffer): void {
    this.chunks.push(chunk);
    this.length += chunk.length;
    this.wake();
  }

  /** Nothing more will come. */
  protected ended(): void {
    this.over = true;
    this.wake();
  }

  private gathered(): Buffer {
    if (this.chunks.length !== 1) this.chunks = [Buffer.concat(this.chunks)];
    return this.chunks[0];
  }

  private more(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
    });
  }
}
