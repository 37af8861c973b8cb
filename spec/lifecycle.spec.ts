// The life of a server process where it is not at its best: its end under load and the start after it, few descriptors,
// a full disk, a stderr that nobody reads, being stopped for a while, or its client, being process 1, and systemd. (A
// machine's sleep is in 1.6-clock.spec.ts.)
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { loadSystem } from '../reactor/linux/ffi';
import { AF_UNIX, F_SETFL, O_NONBLOCK, SOCK_DGRAM } from '../reactor/socket.h';
import { notifyReady } from '../scripts/command/notify';
import { Client, ask } from './support/client';
import { environment, program, startServer, userOption } from './support/server';
import type { Options, Server } from './support/server';
import { backendsToTry, upTo } from './support/thorough';
import { where } from './support/where';

const VERSION = /^VERSION 1\.6\.45\r\n$/;
const onLinux = where(process.platform === 'linux', 'Linux', test.serial);

function folderFor(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function start(t: ExecutionContext, options: Options): Promise<Server> {
  const server = await startServer({ today: true, ...options });
  t.teardown(() => server.stop());
  return server;
}

/** Writes one number after the other until the server ends. Resolves to the last whose write was answered. */
async function writes(t: ExecutionContext, client: Client, key: string, answered: () => void): Promise<number> {
  for (let i = 1; ; i++) {
    client.send(`set ${key} 0 0 ${String(i).length}\r\n${i}\r\n`);
    const reply = await client.take('STORED\r\n'.length);
    if (reply !== 'STORED\r\n') {
      t.is(reply, '', 'a reply came in part');
      return i - 1;
    }
    answered();
  }
}

/** Resolves when the process is stopped. */
async function stopped({ pid }: ChildProcess): Promise<void> {
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))) await sleep(1);
}

const ENDS = [['epoll', 'SIGUSR1', true], ['net', 'SIGTERM', false]] as const;

for (const [backend, signal, keeps] of ENDS.slice(0, upTo(1, 2))) {
  const lost = keeps ? ', and with -e no write that was answered is lost' : '';
  test.serial(`${backend}: ${signal} under load cuts no reply, and the port can be bound again at once${lost}`, async (t) => {
    const file = join(folderFor(t), 'items');
    const first = await start(t, { backend, args: ['-e', file] });
    const clients = await Promise.all(Array.from({ length: 6 }, () => Client.connect(first.port)));
    const exit = once(first.process, 'exit');
    let answers = 0;
    const written = await Promise.all(clients.map((client, i) => writes(t, client, `key${i}`, () => {
      answers++;
      if (answers === 300) first.process.kill(signal);
    })));
    t.deepEqual(await exit, [0, null]);
    for (const client of clients) client.destroy();

    const second = await start(t, { backend, args: ['-e', file, '-p', String(first.port)] });
    t.is(second.port, first.port);
    for (const [i, last] of written.entries()) {
      const reply = await ask(second.port, `get key${i}\r\n`, 'END\r\n');
      const value = Number(/\r\n(\d+)\r\n/.exec(reply)?.[1] ?? -1);
      // One write more may have been done, but not answered.
      t.true(keeps ? value === last || value === last + 1 : value === -1, `${last} answered, ${value} found`);
    }
  });
}

for (const backend of backendsToTry) {
  onLinux(`${backend}: with 64 descriptors, further clients wait, and are served when others disconnect`, async (t) => {
    const server = await start(t, { backend, under: ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh'], args: ['-c', '60'] });
    const clients = await Promise.all(Array.from({ length: 120 }, () => Client.connect(server.port)));
    await Promise.all(clients.map(async (client) => {
      t.regex(await client.ask('version\r\n'), VERSION);
      client.destroy();
    }));
    t.regex(await ask(server.port, 'version\r\n'), VERSION);
  });

  onLinux(`${backend}: a full stderr that is not read does not stop the server`, async (t) => {
    const server = await start(t, { backend, env: { DEBUG: 'memcached:*,reactor:*' } });
    server.process.stderr?.removeAllListeners('data').pause();
    const client = await Client.connect(server.port);
    for (let i = 0; i < 100; i++) t.is((await client.ask('mn\r\n'.repeat(10), 'MN\r\n'.repeat(10))).length, 40);
    server.process.stderr?.resume();
  });

  onLinux(`${backend}: after SIGSTOP and SIGCONT the server answers what came meanwhile`, async (t) => {
    const server = await start(t, { backend });
    const client = await Client.connect(server.port);
    t.is(await client.ask('set a 0 0 1\r\nb\r\n'), 'STORED\r\n');
    server.process.kill('SIGSTOP');
    await stopped(server.process);
    await client.sent('get a\r\n');
    const late = Client.connect(server.port);
    server.process.kill('SIGCONT');
    t.is(await client.ask('', 'END\r\n'), 'VALUE a 0 1\r\nb\r\nEND\r\n');
    t.regex(await (await late).ask('version\r\n'), VERSION);
  });
}

/** A client that says when the first of its replies has come, and, at their end, how long they were. */
const READER = `
const { connect } = require('node:net');
const [port, length] = process.argv.slice(1).map(Number);
let read = 0;
const socket = connect(port, '127.0.0.1', () => socket.write('get large\\r\\n'.repeat(40)));
socket.on('data', (chunk) => {
  if (read === 0) console.log('begun');
  read += chunk.length;
  if (read >= length) socket.end(() => console.log(read));
});`;

onLinux('a client that is stopped for a while gets all of its replies; others are served meanwhile', async (t) => {
  const server = await start(t, { backend: 'epoll' });
  const other = await Client.connect(server.port);
  const value = 'x'.repeat(900_000);
  t.is(await other.ask(`set large 0 0 ${value.length}\r\n${value}\r\n`), 'STORED\r\n');
  const length = 40 * `VALUE large 0 ${value.length}\r\n${value}\r\nEND\r\n`.length;
  const reader = spawn(process.execPath, ['-e', READER, String(server.port), String(length)], {
    env: { ...process.env, NODE_V8_COVERAGE: undefined }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => reader.kill('SIGKILL'));
  const said = createInterface({ input: reader.stdout })[Symbol.asyncIterator]();
  t.is((await said.next()).value, 'begun');
  reader.kill('SIGSTOP');
  await stopped(reader);
  for (let i = 0; i < 20; i++) t.regex(await other.ask('version\r\n'), VERSION);
  reader.kill('SIGCONT');
  t.is((await said.next()).value, String(length));
});

/** A server that cannot tell its port on stderr: `redirection` says where that goes. */
async function startUnheard(t: ExecutionContext, redirection: string): Promise<{ child: ChildProcess; port: number }> {
  const ports = join(folderFor(t), 'ports');
  const line = [process.execPath, program, ...userOption, '-p', '-1', '-l', '127.0.0.1', '-vv'];
  const child = spawn('sh', ['-c', `exec "$@" ${redirection}`, 'sh', ...line], {
    env: { ...process.env, NODE_V8_COVERAGE: undefined, ...environment('epoll'), MEMCACHED_PORT_FILENAME: ports },
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  while (!existsSync(ports)) await sleep(5);
  return { child, port: Number(/TCP INET: (\d+)/.exec(readFileSync(ports, 'latin1'))?.[1]) };
}

const unheard = { 'on a full disk': '2>/dev/full', 'closed': '2>&-' };

for (const [what, redirection] of Object.entries(unheard).slice(0, upTo(1, 2))) {
  onLinux(`with a stderr that is ${what}, the server runs, and ends with status 0`, async (t) => {
    const { child, port } = await startUnheard(t, redirection);
    const client = await Client.connect(port);
    client.send('set a 0 0 1000\r\nbegun');
    client.reset(); // which -v tells
    t.regex(await ask(port, 'version\r\n'), VERSION);
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    t.deepEqual(await exit, [0, null]);
  });
}

onLinux('on a full disk, failures to write the pid file and the items of -e are reported; the server runs and ends', async (t) => {
  const folder = folderFor(t), items = join(folder, 'items'), pid = join(folder, 'pid');
  symlinkSync('/dev/full', `${pid}.tmp`);
  const server = await start(t, { backend: 'epoll', args: ['-e', items, '-P', pid] });
  await server.says('Could not open the pid file');
  t.is(await ask(server.port, 'set a 0 0 1\r\nb\r\n'), 'STORED\r\n');
  symlinkSync('/dev/full', `${items}.tmp`);
  const exit = once(server.process, 'exit');
  server.process.kill('SIGUSR1');
  t.deepEqual(await exit, [0, null]);
  t.regex(server.stderr(), /no space left on device/);
  t.false(existsSync(`${items}.meta`), 'something is left to be believed');
});

const unshares = spawnSync('unshare', ['-p', '-f', '--mount-proc', 'true']).status === 0;
const asProcess1 = where(unshares, 'the right to make namespaces of processes', test.serial);

asProcess1('as process 1 the server runs, and ends on SIGTERM', async (t) => {
  const under = ['unshare', '-p', '-f', '--mount-proc', '--kill-child'];
  const server = await startServer({ today: true, backend: 'epoll', under });
  t.teardown(() => server.process.kill('SIGKILL'));
  t.regex(await ask(server.port, 'stats\r\n', 'END\r\n'), /^STAT pid 1\r\n/);
  const children = readFileSync(`/proc/${server.process.pid}/task/${server.process.pid}/children`, 'latin1');
  const exit = once(server.process, 'exit');
  process.kill(Number(children), 'SIGTERM');
  t.deepEqual(await exit, [0, null]);
});

const system = loadSystem();
const withCalls = where(system !== null, 'koffi', test.serial);

/** A socket as systemd's, and what comes there. */
function notified(t: ExecutionContext, name: string): () => Promise<string> {
  const calls = system?.syscalls;
  if (calls === undefined) throw new Error('no calls');
  const fd = calls.socket(AF_UNIX, SOCK_DGRAM, 0);
  t.teardown(() => calls.close(fd));
  t.is(calls.bind(fd, { sunFamily: AF_UNIX, sunPath: name }), 0);
  calls.fcntl(fd, F_SETFL, O_NONBLOCK);
  const message = Buffer.alloc(100);
  return async () => {
    let length = calls.recvfrom(fd, message, 0, message.length, null);
    for (; length === -1; length = calls.recvfrom(fd, message, 0, message.length, null)) await sleep(5);
    return message.toString('latin1', 0, length);
  };
}

withCalls('Type=notify: the server notifies systemd when it listens', async (t) => {
  const path = join(folderFor(t), 'notify');
  const message = notified(t, path);
  const server = await start(t, { backend: 'epoll', env: { NOTIFY_SOCKET: path } });
  t.is(await message(), 'READY=1');
  t.regex(await ask(server.port, 'version\r\n'), VERSION);
});

withCalls('Type=notify: a socket name that begins with @ is abstract', async (t) => {
  const name = join(folderFor(t), 'notify');
  const message = notified(t, `\0${name}`);
  t.teardown(() => delete process.env['NOTIFY_SOCKET']);
  process.env['NOTIFY_SOCKET'] = `@${name}`;
  notifyReady();
  t.is(await message(), 'READY=1');
});
