// The server as a process: what it says and to whom, the memory that it is given, and the states it shows. (Its command
// line and its end are in command.spec.ts and connections.spec.ts.)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { Client, ask, served } from './support/client';
import { environment, program, startServer } from './support/server';
import type { Options, Server } from './support/server';
import { sharedServer } from './support/shared-server';
import { backendsToTry } from './support/thorough';

/** A server that ends with the test, and with status 0. */
async function start(t: ExecutionContext, options: Options): Promise<Server> {
  const server = await startServer(options);
  t.teardown(async () => {
    const status = await server.stop();
    if (status !== 0) throw new Error(`the server ended with ${status ?? 'a signal'}: ${server.stderr()}`);
  });
  return server;
}

/** A client resets the connection in the middle of a value, which -v reports. */
async function breakOff(server: Server): Promise<void> {
  const client = await Client.connect(server.port);
  await client.ask('version\r\n');
  client.send('set a 0 0 1000\r\nbegun');
  await served(server.port);
  client.reset();
}

/** Resolves when no other connection is left. */
async function alone(server: Server): Promise<void> {
  const client = await Client.connect(server.port);
  while (!(await client.ask('stats\r\n', 'END\r\n')).includes('STAT curr_connections 1\r\n'));
  client.destroy();
}

for (const backend of backendsToTry) {
  const shared = sharedServer({ backend, args: ['-l', '127.1'] });

  test.serial(`${backend}: -l takes an address in a short form, and the server listens on no other`, async (t) => {
    const server = await shared();
    t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.0.4\r\n');
    const [error] = (await once(connect({ port: server.port, host: '127.0.0.2' }), 'error')) as [NodeJS.ErrnoException];
    if (process.platform === 'linux') t.is(error.code, 'ECONNREFUSED');
  });

  test.serial(`${backend}: without -v a failed read is not reported`, async (t) => {
    const server = await shared();
    await breakOff(server);
    await alone(server);
    t.is(server.stderr(), '');
  });

  test(`${backend}: with -k the server keeps running, with a one-line warning if memory cannot be locked`, async (t) => {
    const server = await start(t, { backend, args: ['-k', '-m', '8', '-c', '50'] });
    const clients = await Promise.all(Array.from({ length: 20 }, () => Client.connect(server.port)));
    const value = 'x'.repeat(50_000);
    for (let turn = 0; turn < 5; turn++) {
      await Promise.all(clients.map(async (client, i) => {
        t.is(await client.ask(`set key${i} 0 0 ${value.length}\r\n${value}\r\n`), 'STORED\r\n');
        t.is(await client.ask(`get key${i}\r\n`, 'END\r\n'), `VALUE key${i} 0 ${value.length}\r\n${value}\r\nEND\r\n`);
      }));
    }
    t.regex(server.stderr(), /^(warning: -k invalid, mlockall\(\) failed: [^\n]+\n)?$/);
  });

  test(`${backend}: -v reports a failed read in one line; a closed stderr does not stop the server`, async (t) => {
    const server = await start(t, { backend, args: ['-v'] });
    await breakOff(server);
    await alone(server);
    await server.says('\n');
    t.is(server.stderr(), 'Failed to read, and not due to blocking\n');
    server.process.stderr?.destroy();
    for (let i = 0; i < 3; i++) {
      await breakOff(server);
      await alone(server);
    }
    t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.0.4\r\n');
  });

  test(`${backend}: DEBUG=memcached:state shows each state of a get, as C's loop goes through them`, async (t) => {
    const server = await start(t, { backend, env: { DEBUG: 'memcached:conn,memcached:state' } });
    const client = await Client.connect(server.port);
    t.is(await client.ask('set a 0 0 3\r\nabc\r\n'), 'STORED\r\n');
    await served(server.port);
    const before = server.stderr().length;
    t.is(await client.ask('get a\r\n', 'END\r\n'), 'VALUE a 0 3\r\nabc\r\nEND\r\n');
    await served(server.port);
    const lines = [...server.stderr().slice(before).matchAll(/memcached:state (\d+): state (\w+)/g)];
    const ours = lines.find(([, , state]) => state === 'mwrite')?.[1];
    t.deepEqual(lines.filter(([, fd]) => fd === ours).map(([, , state]) => state), [
      'read', // there is no line yet: it comes from the network
      'read', // the line is a get
      'mwrite', // the VALUE line is made
      'mwrite', // and written
      'mwrite', // the data are next
      'mwrite', // and written
      'mwrite', // there is no other item
      'mwrite', // so END is made
      'write', // and written
      'write', // all of it
      'read', // nothing more has come
    ]);
  });

  test(`${backend}: the daemon of -d runs on this backend`, async (t) => {
    const parent = spawn(process.execPath, [program, '--1.0', '-d', '-p', '0', '-l', '127.0.0.1'], {
      env: {
        ...process.env, NODE_V8_COVERAGE: undefined, ...environment(backend),
        DEBUG: 'memcached:conn', EVENT_SHOW_METHOD: '1',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const closed = once(parent, 'close');
    const said = await text(parent.stderr);
    t.deepEqual(await closed, [0, null]);
    t.regex(said, new RegExp(`^libevent using: ${backend}$`, 'm'));
    const client = await Client.connect(Number(/listening on port (\d+)/.exec(said)?.[1]));
    const pid = Number(/STAT pid (\d+)\r/.exec(await client.ask('stats\r\n', 'END\r\n'))?.[1]);
    t.teardown(async () => {
      process.kill(pid, 'SIGTERM');
      await client.closed();
    });
    t.not(pid, parent.pid);
    if (process.platform === 'linux') {
      t.is(sessionOf(pid), pid);
      t.is(readlinkSync(`/proc/${pid}/cwd`), '/');
      t.is(readlinkSync(`/proc/${pid}/fd/2`), '/dev/null');
    }
    t.is(await client.ask('set a 0 0 1\r\nb\r\n'), 'STORED\r\n');
  });
}

for (const [megabytes, limit] of [['4000', 4000 * (1 << 20)], ['0', 0]] as const) {
  test(`-m ${megabytes} sets limit_maxbytes to ${limit}`, async (t) => {
    const server = await start(t, { args: ['-m', megabytes] });
    const stats = await ask(server.port, 'stats\r\n', 'END\r\n');
    t.true(stats.includes(`STAT limit_maxbytes ${limit}\r\n`), stats);
    const value = 'x'.repeat(900_000);
    t.is(await ask(server.port, `set a 0 0 ${value.length}\r\n${value}\r\n`), 'STORED\r\n');
    t.is(await ask(server.port, 'get a\r\n', 'END\r\n'), `VALUE a 0 ${value.length}\r\n${value}\r\nEND\r\n`);
  });
}

/** The sixth field of its stat; the second is its name in parentheses, which may hold anything. */
function sessionOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]);
}
