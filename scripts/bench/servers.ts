// The servers to compare: how to start each, and when it is ready.
import type { ChildProcess } from 'node:child_process';
import { lookup } from 'node:dns/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { freePort } from '../free-port';
import type { Options, ServerName } from './arguments';
import { Misuse } from './arguments';
import { Failure } from './failure';
import { end, findInPath, start } from './processes';

const LOOPBACK = '127.0.0.1';
const CONNECTIONS = 2048;
/** How long a server may take until it listens. */
const START_LIMIT_MS = 30_000;

type Limits = [port: number, megabytes: number, connections: number];

export interface Contestant {
  name: string;
  /**
   * The command line and its additions to the environment, for a port, megabytes for items, and a maximum of
   * connections; null if the server runs already.
   */
  command: ((...limits: Limits) => { line: string[]; env?: NodeJS.ProcessEnv }) | null;
  /** Of a server that runs already. */
  address: Address | null;
}

export interface Address {
  /** Dotted IPv4. */
  host: string;
  port: number;
}

export interface Server extends Address {
  /** Null if it was not started here. */
  pid: number | null;
  stop: () => Promise<void>;
}

/** `scripts` is the folder of the compiled scripts. Throws Misuse. */
export async function contestants(options: Options, scripts: string): Promise<Contestant[]> {
  const memcached = findInPath('memcached');
  const names: ServerName[] = options.servers ?? (memcached === null ? ['ours'] : ['ours', 'memcached']);
  if (names.includes('memcached') && memcached === null) throw new Misuse('memcached is not installed');
  const against = await Promise.all(options.against.map(external));
  return [...names.map((name) => local(name, options, scripts)), ...against];
}

function local(name: ServerName, { backend }: Options, scripts: string): Contestant {
  const common = (...[port, megabytes, connections]: Limits): string[] =>
    ['-p', String(port), '-l', LOOPBACK, '-m', String(megabytes), '-c', String(connections)];
  const ours = (...more: string[]) => (...limits: Limits): string[] =>
    [process.execPath, join(scripts, 'memcached-ts.js'), ...common(...limits), ...more];
  const on = (wanted: Options['backend']): NodeJS.ProcessEnv =>
    wanted === null ? {} : wanted === 'net' ? { EVENT_NOEPOLL: '1' } : { EVENT_NONET: '1' };

  switch (name) {
    case 'ours':
      return started(name, ours(), on(backend));
    case 'net':
      return started(name, ours(), on('net'));
    case '1.0':
      return started(name, ours('--1.0'), on(backend));
    case 'classic':
      return started(name, ours('--classic'), on(backend));
    case 'plain':
      return started(name, (port) => [process.execPath, join(scripts, 'bench', 'plain.js'), String(port)]);
    case 'memcached': {
      // memcached refuses to run as root without -u root.
      const user = process.getuid?.() === 0 ? ['-u', 'root'] : [];
      return started(name, (...limits) => ['memcached', '-t', '1', ...common(...limits), ...user]);
    }
  }
}

function started(
  name: string, line: (...limits: Limits) => string[], env: NodeJS.ProcessEnv = {},
): Contestant {
  return { name, command: (...limits) => ({ line: line(...limits), env }), address: null };
}

async function external({ host, port }: Address): Promise<Contestant> {
  try {
    const { address } = await lookup(host, { family: 4 });
    return { name: `${host}:${port}`, command: null, address: { host: address, port } };
  } catch {
    throw new Misuse(`--against: no IPv4 address for "${host}"`);
  }
}

/** Starts the server unless it runs already, and resolves when it accepts connections. */
export async function startServer(
  contestant: Contestant, megabytes: number, cpu: number | null, connections = CONNECTIONS,
): Promise<Server> {
  const { command, address } = contestant;
  if (command === null) {
    if (address === null) throw new Error(`${contestant.name} has neither a command nor an address`);
    return { ...address, pid: null, stop: () => Promise.resolve() };
  }
  const port = await freePort();
  const { line, env } = command(port, megabytes, connections);
  const child = start(line, cpu, {
    env: { ...process.env, NODE_V8_COVERAGE: undefined, DEBUG: undefined, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await listening(child, contestant.name, port);
  return { host: LOOPBACK, port, pid: child.pid ?? null, stop: () => end(child) };
}

async function listening(child: ChildProcess, name: string, port: number): Promise<void> {
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => void (said += chunk.toString().slice(0, 1000)));
  const troubles: string[] = [];
  child.once('error', ({ message }) => troubles.push(message));
  child.once('exit', (code) => troubles.push(`it ended with ${code ?? 'a signal'}: ${said.trim()}`));
  const begun = performance.now();
  while (performance.now() - begun < START_LIMIT_MS) {
    if (troubles.length > 0) throw new Failure(`${name} did not start: ${troubles[0]}`);
    if (await accepts(port)) return;
    await sleep(20);
  }
  throw new Failure(`${name} does not listen after ${START_LIMIT_MS / 1000} seconds`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
