// Where a listening socket is kept while nobody wants connections. As long as node:net has the socket it accepts, and
// when the last descriptor of a socket is closed, the clients in its backlog are reset. So a second process keeps one
// open and does nothing: clients wait in the kernel, as they do where nobody calls accept(2). The socket goes there and
// comes back as a message with a handle.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Server } from 'node:net';

/** How long the socket may take to come back, in milliseconds. */
const RETURN_LIMIT_MS = 5000;
/** How long the other process stays when it has nothing to keep, in milliseconds. Its start takes about 40. */
const IDLE_LIMIT_MS = 10_000;

/**
 * The other process. Node has the socket listen there, too: with the backlog that we say, not with Node's own, and
 * without accepting, since the process is blocked until we want the socket back. When we end, it does.
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
  /** It has the socket; and it was asked for it. */
  private has = false;
  private asked = false;
  /** Not on Windows: there a socket cannot be closed before the other process has it. */
  private available = process.platform !== 'win32';
  /** Ends a process that does not answer, or that is not needed. */
  private timer: NodeJS.Timeout | null = null;

  /** `onBack` gets what was kept; `onLost` is called where it does not come back, and the backlog is lost. */
  constructor(private readonly onBack: (server: Server) => void, private readonly onLost: () => void) {}

  /** From now on `server` can be closed, and its socket goes on listening. False where that cannot be done. */
  take(server: Server, backlog: number): boolean {
    if (this.has || !this.available) return false;
    this.child ??= this.start();
    if (this.child === null) return false;
    this.setTimer(null);
    this.has = true;
    this.child.send(backlog, server, () => {}); // where it fails, the process has ended
    return true;
  }

  /** Has the socket come back, if it is kept. */
  giveBack(): void {
    if (!this.has || this.asked) return;
    this.asked = true;
    this.child?.stdin?.write('.');
    this.setTimer(RETURN_LIMIT_MS);
  }

  /** It is not needed any more; what is kept is closed. */
  end(): void {
    this.has = this.asked = false;
    this.setTimer(null);
    this.child?.kill('SIGKILL');
    this.child = null;
  }

  private start(): ChildProcess | null {
    const child = spawn(process.execPath, ['-e', PROGRAM], {
      env: {},
      // The terminal's signals are for us.
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
    // It does not keep our process alive.
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
    // Only when it has ended, the address is free.
    if (this.has) this.child?.kill('SIGKILL');
    else this.end();
  };
}
