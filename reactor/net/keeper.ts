// Where a listening socket is kept while nobody wants connections. As long as node:net has the socket it accepts, and when it
// closes the last descriptor of it, the clients in the backlog are reset. So a second process keeps a descriptor open, and
// does nothing: clients wait in the kernel, as they do where nobody calls accept(2). The socket goes there and comes
// back as a message with a handle.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { Server } from 'node:net';

/** How long the socket may take to come back, in milliseconds. */
const RETURN_LIMIT_MS = 5000;

/** The other process. It is blocked while it has the socket: otherwise it would accept, too. When we end, it does. */
const PROGRAM = `
const { readSync } = require('node:fs');
const byte = new Uint8Array(1);
process.on('message', (_, server) => {
  if (readSync(0, byte) === 0) process.exit();
  process.send('back', server);
  server.close();
});
`;

export class Keeper {
  private child: ChildProcess | null = null;
  private has = false;
  private asked = false;
  private unavailable = process.platform === 'win32'; // there a socket cannot be closed before the other process has it

  /** `onBack` gets what was kept; `onLost` is called where it does not come back, and the backlog is lost. */
  constructor(private readonly onBack: (server: Server) => void, private readonly onLost: () => void) {}

  /** From now on `server` can be closed, and its socket goes on listening. False where that cannot be done. */
  take(server: Server): boolean {
    if (this.has || this.unavailable) return false;
    this.child ??= this.start();
    if (this.child === null) {
      this.unavailable = true;
      return false;
    }
    this.has = true;
    this.child.send('keep', server, () => {}); // what fails ends the process
    return true;
  }

  /** Has the socket come back, if it is kept. */
  giveBack(): void {
    const { child } = this;
    if (child === null || !this.has || this.asked) return;
    this.asked = true;
    child.stdin?.write('.');
    const timer = setTimeout(() => child.kill('SIGKILL'), RETURN_LIMIT_MS);
    child.once('message', () => clearTimeout(timer));
    child.once('exit', () => clearTimeout(timer));
  }

  /** It is not needed any more; what is kept is closed. */
  end(): void {
    this.has = false;
    this.child?.kill('SIGKILL');
  }

  private start(): ChildProcess | null {
    const child = spawn(process.execPath, ['-e', PROGRAM], {
      env: {},
      // The terminal's signals are for us.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore', 'ipc'],
    });
    child.on('error', () => {}); // it was not started: there is no pid
    if (child.pid === undefined) return null;
    child.on('message', (_message, server) => {
      this.has = this.asked = false;
      this.onBack(server as Server);
    });
    child.on('exit', () => {
      const { has } = this;
      this.child = null;
      this.has = this.asked = false;
      if (has) this.onLost();
    });
    // It does not keep our process alive.
    child.unref();
    child.channel?.unref();
    if (child.stdin instanceof Socket) child.stdin.unref();
    child.stdin?.on('error', () => {}); // it has ended
    return child;
  }
}
