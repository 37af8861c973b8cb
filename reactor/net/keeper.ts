// Keeps a listening socket open while the program accepts no connections. While node:net has the socket, it accepts;
// and if we closed the last descriptor of the socket, the kernel would reset the clients in its backlog. So a second
// process holds the socket and does nothing: clients wait in the kernel, as without an accept(2). The socket goes there
// and comes back as a message with a handle.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Server } from 'node:net';

/** How long the socket may take to come back. */
const RETURN_LIMIT_MS = 5000;
/** How long the second process stays when it holds no socket. Its start takes about 40 ms. */
const IDLE_LIMIT_MS = 10_000;

/**
 * The second process. Node listens there, too, so we pass our backlog, or it would set its own. It accepts nothing,
 * because it blocks in a read until we want the socket back. When we end, it ends.
 */
const PROGRAM = `
const { readSync } = require('node:fs');
const { createServer } = require('node:net');
const byte = new Uint8Array(1);
process.on('message', (backlog, server) => {
  createServer().listen(server, backlog);
  if (readSync(0, byte) === 0) process.exit();
  process.send('back', server);
  server.close();
});
`;

export class Keeper {
  private child: ChildProcess | null = null;
  /** The second process has the socket; we have asked it to give the socket back. */
  private has = false;
  private asked = false;
  /** Not on Windows, where we cannot close a socket before the second process has it. */
  private available = process.platform !== 'win32';
  /** Ends a process that does not answer, or is not needed. */
  private timer: NodeJS.Timeout | null = null;

  /** `onBack` gets the socket back; `onLost` is called if it does not come back, so that the backlog is lost. */
  constructor(private readonly onBack: (server: Server) => void, private readonly onLost: () => void) {}

  /** Afterwards the caller can close `server`, and its socket goes on listening. False if that is not possible. */
  take(server: Server, backlog: number): boolean {
    if (this.has || !this.available) return false;
    this.child ??= this.start();
    if (this.child === null) return false;
    this.setTimer(null);
    this.has = true;
    this.child.send(backlog, server, () => {}); // it fails only if the process has ended
    return true;
  }

  /** Asks for the socket, if the second process has it. */
  giveBack(): void {
    if (!this.has || this.asked) return;
    this.asked = true;
    this.child?.stdin?.write('.');
    this.setTimer(RETURN_LIMIT_MS);
  }

  /** Ends the second process, which closes the socket if it has it. */
  end(): void {
    this.has = this.asked = false;
    this.setTimer(null);
    this.child?.kill('SIGKILL');
    this.child = null;
  }

  private start(): ChildProcess | null {
    const child = spawn(process.execPath, ['-e', PROGRAM], {
      env: {},
      // The terminal's signals are for us only.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    });
    child.on('error', () => {});
    if (child.pid === undefined) {
      this.available = false;
      return null;
    }
    child.on('message', (_message, server) => {
      this.has = this.asked = false;
      this.setTimer(IDLE_LIMIT_MS);
      this.onBack(server as Server);
    });
    child.on('exit', () => {
      if (this.child !== child) return;
      const { has } = this;
      this.end();
      if (has) this.onLost();
    });
    // The child must not keep our process alive.
    child.unref();
    child.channel?.unref();
    if (child.stdin instanceof Socket) child.stdin.unref();
    child.stdin?.on('error', () => {}); // it has ended
    return child;
  }

  private setTimer(delay: number | null): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = delay === null ? null : setTimeout(this.onTimer, delay).unref();
  }

  private readonly onTimer = (): void => {
    // The address is free only after the process has ended; 'exit' does the rest.
    if (this.has) this.child?.kill('SIGKILL');
    else this.end();
  };
}
