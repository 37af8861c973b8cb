// The server as a library, as a program gets it: by the package's name.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

import test from 'ava';
import { start } from 'memcached-ts';

import { Client } from './support/client';
import { root } from './support/server';
import { Stderr } from './support/stderr';
import { upTo } from './support/thorough';

const load = createRequire(__filename);

/** The value of a line of `stats`, or of another answer that has STAT lines. */
function stat(answer: string, name: string): string | undefined {
  return new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(answer)?.[1];
}

/** Tests that ask for it are serial, and so come before the one that ends it. */
const shared = start({ port: 0, memory: 8, args: ['-A'] });
test.after.always(async () => (await shared).close());

test.serial('a server starts in a process of its own, on a free port, as a memcached without items', async (t) => {
  const server = await shared;
  t.true(server.port > 0);
  t.is(server.address, `127.0.0.1:${server.port}`);
  t.not(server.pid, process.pid);
  const client = await Client.connect(server.port);
  const stats = await client.ask('stats\r\n', 'END\r\n');
  t.is(stat(stats, 'pid'), String(server.pid));
  t.is(stat(stats, 'curr_connections'), '1', 'ours');
  t.is(stat(stats, 'limit_maxbytes'), String(8 << 20));
  t.is(await client.ask('set a 0 0 1\r\n1\r\n'), 'STORED\r\n');
  client.destroy();
});

test('import gives the same as require, for the server and the reactor', async (t) => {
  t.is((await import('memcached-ts')).start, start);
  for (const name of ['memcached-ts', 'memcached-ts/reactor', 'memcached-ts/reactor/sim'] as const) {
    const required = load(name) as object;
    const imported = await import(name) as Record<string, unknown>;
    const { default: all, ...names } = imported;
    t.is(all, required);
    t.true(Object.keys(required).every((key) => key in names), name);
  }
  t.is((load('memcached-ts/package.json') as { name: string }).name, 'memcached-ts');
});

test.serial('a failure to start is reported in the one line that the command prints', async (t) => {
  const { port } = await shared;
  const where = 'one of interface(s) 127.0.0.1';
  const wrong = [
    [{ port }, `failed to listen on ${where}: address already in use`],
    [{ args: ['--bogus'] }, /^[^\n]*'--bogus'$/],
  ] as const;
  for (const [options, message] of wrong.slice(0, upTo(1, 2))) await t.throwsAsync(start(options), { message });
  await t.throwsAsync(start({ args: ['--1.0'] }), { message: /^start\(\) serves memcached 1\.6: --1\.0 / });
});

test('an unexpected end is reported, and close still resolves', async (t) => {
  const server = await shared;
  const client = await Client.connect(server.port);
  client.send('shutdown\r\n');
  t.is((await server.closed)?.message, 'the server ended with status 0');
  await server.close();
  t.not(await server.closed, null);
});

test('start takes a unix socket and options, passes on stderr, and close may be called twice', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-spec-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'socket');
  const stderr = new Stderr();
  t.teardown(() => stderr.restore());
  const server = await start({ path, maxItemSize: 4096, verbose: true, args: ['-o', 'slab_chunk_max=4', '-vM'] });
  t.is(server.address, path);
  t.is(server.port, 0);
  const client = connect(path);
  client.write('stats settings\r\nbogus\r\nquit\r\n');
  const answer = await text(client);
  t.is(stat(answer, 'item_size_max'), '4096');
  t.is(stat(answer, 'evictions'), 'off');
  t.is(stat(answer, 'verbosity'), '2');
  t.is(stat(answer, 'maxbytes'), String(64 << 20), 'as the command');
  await Promise.all([server.close(), server[Symbol.asyncDispose]()]);
  await server.close();
  t.is(await server.closed, null, 'no unexpected end');
  t.true(stderr.lines().some((line) => line.endsWith(' bogus')));
  const [error] = await once(connect(path), 'error') as [NodeJS.ErrnoException];
  t.is(error.code, 'ECONNREFUSED');
});

const PROGRAM = `
process.stdin.resume(); // waits for its end
require('memcached-ts').start().then(({ port }) => console.log(port));`;

/** Resolves when nobody listens on a port: the system closes the sockets of a killed process one after the other. */
async function refused(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const connects = await once(socket, 'connect').then(() => true, () => false);
    socket.destroy();
    if (!connects) return;
  }
}

test('a program that ends without close, or by SIGKILL, takes its server with it', async (t) => {
  for (const killed of [false, true]) {
    const program = spawn(process.execPath, ['-e', PROGRAM], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
    const ends = once(program, 'exit');
    const [port] = await once(createInterface({ input: program.stdout }), 'line') as [string];
    const client = await Client.connect(Number(port));
    await client.ask('version\r\n');
    if (killed) program.kill('SIGKILL');
    else program.stdin.end();
    t.is(await client.closed(), '');
    client.destroy();
    t.deepEqual(await ends, killed ? [null, 'SIGKILL'] : [0, null]);
    await refused(Number(port));
  }
});
