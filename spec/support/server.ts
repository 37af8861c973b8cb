// A server of our own for a spec: the compiled program in a process of its own, on a backend and a free port.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { userOption } from '../../scripts/sim/user';

export { userOption };

/** The backends that real clients can reach. */
export const backends = ['epoll', 'net'] as const;
export type Backend = (typeof backends)[number];

/** The kinds of 1.0.4 servers: on each backend with the system calls of C, or fewer. */
export const kinds: readonly { name: string; backend: Backend; classic?: boolean }[] = [
  { name: 'epoll', backend: 'epoll' },
  { name: 'epoll --classic', backend: 'epoll', classic: true },
  { name: 'net', backend: 'net' },
  { name: 'net --classic', backend: 'net', classic: true },
];

export const root = join(__dirname, '..', '..');
export const program = join(root, 'dist', 'scripts', 'memcached-ts.js');

export interface Server {
  port: number;
  process: ChildProcess;
  /** Its stderr so far, without debug lines. */
  stderr(): string;
  /** Resolves when it has written that to stderr. */
  says(text: string): Promise<void>;
  /** Ends it with SIGTERM; resolves to its exit status. */
  stop(): Promise<number | null>;
}

export interface Options {
  backend?: Backend;
  /** Whether it runs with `--classic`. */
  classic?: boolean;
  /** Whether it is memcached 1.6; else 1.0.4. */
  today?: boolean;
  /** Whether to leave out -u if root starts it. */
  userUnsaid?: boolean;
  /** Arguments besides these, the port and `-l 127.0.0.1`. */
  args?: readonly string[];
  /** Options of node itself. */
  nodeArgs?: readonly string[];
  /** A command that runs it, such as strace. */
  under?: readonly string[];
  env?: NodeJS.ProcessEnv;
}

/** The environment that leaves only `backend`. */
export function environment(backend: Backend | undefined): NodeJS.ProcessEnv {
  const others = backends.filter((name) => backend !== undefined && name !== backend);
  return Object.fromEntries(others.map((name) => [`EVENT_NO${name.toUpperCase()}`, '1']));
}

const PORTS = 100;
let ports = 0;

/**
 * The port to ask for: any free one; but on net one of this process's own, below the system's ephemeral ports. The net
 * backend probes a port and listens a moment later, and another server may take it in between. (freePort's are higher.)
 */
function portFor(backend: Backend | undefined, today: boolean): number {
  if (backend !== 'net') return today ? -1 : 0;
  return 10_000 + (process.pid % 220) * PORTS + (ports++ % PORTS);
}

/** Starts a server, and resolves when it listens. */
export async function startServer(options: Options = {}): Promise<Server> {
  const {
    backend, classic = false, today = false, userUnsaid = false, args = [], nodeArgs = [], under = [], env = {},
  } = options;
  const mode = today ? (userUnsaid ? [] : userOption) : classic ? ['--classic'] : ['--1.0'];
  const port = String(portFor(backend, today));
  const line = [...under, process.execPath, ...nodeArgs, program, ...mode, '-p', port, '-l', '127.0.0.1', ...args];
  const child = spawn(line[0], line.slice(1), {
    cwd: root,
    env: { ...process.env, NODE_V8_COVERAGE: undefined, ...environment(backend), DEBUG: 'memcached:conn', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const lines = createInterface({ input: child.stderr });
  const listening = new Promise<number>((resolve, reject) => {
    lines.on('line', (text) => {
      const line = /memcached:conn .*listening on port (\d+)/.exec(text);
      if (line !== null) resolve(Number(line[1]));
      else if (!text.includes('memcached:conn')) said += `${text}\n`;
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    child.once('error', reject);
  });
  return {
    port: await listening,
    process: child,
    stderr: () => said,
    says: async (text) => {
      while (!said.includes(text)) await once(lines, 'line');
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = (await exit) as [number | null];
      return code;
    },
  };
}
