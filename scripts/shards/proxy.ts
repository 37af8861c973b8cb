// twemproxy as a child process: starts it with a configuration, waits until it listens, and ends it with us.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { reachable } from '../embed/reachable';
import { freePort, isFree } from '../free-port';

export const PROGRAM = 'nutcracker';

export interface Proxy {
  pid: number;
  /** The path of its configuration. */
  configuration: string;
  /** Resolves when it has ended: to null after close(), else to an error that says how. Never rejects. */
  closed: Promise<Error | null>;
  close(): Promise<void>;
}

/**
 * Starts twemproxy with the text of a configuration in which it listens on `port`. Resolves when it does, and rejects
 * if it cannot.
 */
export async function startProxy(text: string, port: number): Promise<Proxy> {
  if (!await isFree(port)) throw new Error(`port ${port} of 127.0.0.1 is taken`); // it would not say why it exits
  const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-shards-'));
  const configuration = join(folder, 'nutcracker.yml');
  writeFileSync(configuration, text);
  // Debian's twemproxy writes its log and pid file to /var by default, as only root can. '' sends the log to stderr.
  const args = ['--conf-file', configuration, '--output', '', '--pid-file', join(folder, 'pid')];
  const statistics = ['--stats-addr', '127.0.0.1', '--stats-port', String(await freePort())];
  // detached: a terminal's Ctrl-C must reach only us, and we end it.
  const child = spawn(PROGRAM, [...args, ...statistics], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const kill = (): void => void child.kill();
  process.on('exit', kill);
  let closing = false, said = '';
  const closed = new Promise<Error | null>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ENOENT' ? new Error(`${PROGRAM} (twemproxy) is not installed`) : error);
    });
    child.once('close', (status, signal) => resolve(closing ? null : failure(said, signal ?? status)));
  });
  void closed.then(() => {
    process.off('exit', kill);
    rmSync(folder, { recursive: true });
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    said = line.replace(/^\[[^\]]*\] \S+ /, ''); // "[time] file.c:line message"
  });
  await reachable({ host: '127.0.0.1', port }, closed);
  return {
    pid: child.pid ?? 0,
    configuration,
    closed,
    close: async () => {
      closing = true;
      child.kill();
      await closed;
    },
  };
}

function failure(said: string, how: string | number | null): Error {
  return new Error(`${PROGRAM} ended with ${String(how)}: ${said}`);
}
