// A server of our own for a spec: the compiled program in a process of its own, on a backend and a free port.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The backends that real clients can reach. */
export const backends = ['epoll', 'net'] as const;
export type Backend = (typeof backends)[number];

/** The servers that there are: on each backend with the calls of C, or fewer. */
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
  /** What it has written to stderr so far, but for its debug lines. */
  stderr(): string;
  /** Ends it with SIGTERM; resolves to its exit status. */
  stop(): Promise<number | null>;
}

export interface Options {
  backend?: Backend;
  /** Whether it runs with `--classic`. */
  classic?: boolean;
  /** Arguments beside that, the port and `-l 127.0.0.1`. */
  args?: readonly string[];
  /** Of node itself. */
  nodeArgs?: readonly string[];
  /** A command that runs it, as strace. */
  under?: readonly string[];
  env?: NodeJS.ProcessEnv;
}

/** The environment in which only `backend` is left. */
export function environment(backend: Backend | undefined): NodeJS.ProcessEnv {
  const others = backends.filter((name) => backend !== undefined && name !== backend);
  return Object.fromEntries(others.map((name) => [`EVENT_NO${name.toUpperCase()}`, '1']));
}

/** Starts a server, and resolves when it listens. */
export async function startServer(options: Options = {}): Promise<Server> {
  const { backend, classic = false, args = [], nodeArgs = [], under = [], env = {} } = options;
  const mode = classic ? ['--classic'] : [];
  const line = [...under, process.execPath, ...nodeArgs, program, ...mode, '-p', '0', '-l', '127.0.0.1', ...args];
  const child = spawn(line[0], line.slice(1), {
    cwd: root,
    env: { ...process.env, NODE_V8_COVERAGE: undefined, ...environment(backend), DEBUG: 'memcached:conn', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  const port = new Promise<number>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (text) => {
      const listening = /memcached:conn .*listening on port (\d+)/.exec(text);
      if (listening !== null) resolve(Number(listening[1]));
      else if (!text.includes('memcached:conn')) said += `${text}\n`;
    });
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    child.once('error', reject);
  });
  return {
    port: await port,
    process: child,
    stderr: () => said,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      const [code] = (await exit) as [number | null];
      return code;
    },
  };
}
