// daemon(3) without fork(2): starts the program once more, in a session of its own, and ends this process.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { exit } from './stdlib';

/** This variable in the environment tells the new process that it is the daemon. */
const DAEMON = 'MEMCACHED_TS_DAEMON';

/**
 * Resolves to 0 in the daemon only, or to -1 if it does not start. The original process ends: with status 0 once the
 * daemon has begun to serve, or with the daemon's status if that ends before.
 */
export async function daemon(nochdir: number, noclose: number): Promise<number> {
  if (process.env[DAEMON] !== undefined) {
    Reflect.deleteProperty(process.env, DAEMON);
    // The rest of main runs before this, so its error messages still reach the terminal.
    setImmediate(() => {
      detach(nochdir, noclose);
    });
    return 0;
  }
  return new Promise((resolve) => {
    const [, script, ...args] = process.argv;
    const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
      detached: true,
      env: { ...process.env, [DAEMON]: '1' },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.once('error', () => {
      resolve(-1);
    });
    child.once('message', () => exit(0));
    child.once('exit', (code) => exit(code ?? 1));
  });
}

function detach(nochdir: number, noclose: number): void {
  if (!nochdir) process.chdir('/');
  if (!noclose) {
    closeSync(2);
    openSync('/dev/null', 'w'); // the lowest free descriptor: 2
  }
  process.send?.('serving', () => {
    process.disconnect();
  });
}
