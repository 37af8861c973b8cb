// The parent's side of an embedded server: the server's messages, that it listens, and that it has ended.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';

/** This much of stderr is kept. */
const SAID_CHARACTERS = 4096;

export class Child {
  /** Resolves to its TCP port, or 0; rejects with the server's message if it ends before. */
  readonly listening: Promise<number>;
  /** Resolves when it has ended: to null after close(), else to an error that says how. */
  readonly closed: Promise<Error | null>;
  private readonly process: ChildProcess;
  private said = '';
  private listens = false;
  private closing = false;

  /** Runs `program` with `args`; with `verbose` its messages also go to our stderr. */
  constructor(program: string, args: readonly string[], verbose: boolean) {
    this.process = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, DEBUG: undefined }, // the user's is about the user's program
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      windowsHide: true,
    });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.said = (this.said + text).slice(-SAID_CHARACTERS);
      if (verbose) process.stderr.write(text);
    });
    this.closed = this.end();
    this.listening = this.port();
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Lets our process end before the child. */
  unref(): void {
    for (const handle of this.handles()) handle.unref();
  }

  async close(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.closing = true;
      for (const handle of this.handles()) handle.ref();
      this.process.kill();
    }
    await this.closed;
  }

  /** The handles that keep our process alive while the child lives. */
  private handles(): { ref(): void; unref(): void }[] {
    const { channel, stderr } = this.process;
    return [this.process, ...(channel ? [channel] : []), ...(stderr instanceof Socket ? [stderr] : [])];
  }

  private async port(): Promise<number> {
    const message = once(this.process, 'message').then(([port]) => Number(port));
    const port = await Promise.race([message, this.closed]);
    if (typeof port !== 'number') throw port ?? new Error('closed');
    this.listens = true;
    return port;
  }

  private end(): Promise<Error | null> {
    return new Promise((resolve) => {
      this.process.once('error', resolve);
      // 'exit' may come before the last of stderr.
      this.process.once('close', (status, signal) => resolve(this.closing ? null : this.failure(status, signal)));
    });
  }

  private failure(status: number | null, signal: NodeJS.Signals | null): Error {
    const said = this.said.trim();
    const how = `the server ended ${signal === null ? `with status ${String(status)}` : `by ${signal}`}`;
    if (this.listens) return new Error(said === '' ? how : `${how}: ${said}`);
    return new Error(said === '' ? how : said);
  }
}
