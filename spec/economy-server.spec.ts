// The server as it is without --classic: what clients get that the C server would leave without an answer, and what
// becomes of those that do not read. (That all else is as in C, is in the specs that run it both ways.)
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Client, ask, served } from './support/client';
import { environment, root, startServer } from './support/server';
import type { Server } from './support/server';
import { sharedServer } from './support/shared-server';
import { SimServer } from './support/sim-server';
import { backendsToTry } from './support/thorough';

/** Commands with the reply to them all, and with as many bytes as asked for, or nearly none. */
function commands(length: number): { sends: string; receives: string } {
  const end = 'get a\r\n';
  const count = Math.max(1, Math.floor((length - end.length) / 30));
  const size = Math.max(1, length - end.length - count * 'version\r\n'.length - 'set a 0 0 12345\r\n\r\n'.length);
  const set = `set a 0 0 ${String(size).padStart(5, '0')}\r\n`;
  const sends = `${set}${'x'.repeat(size)}\r\n${'version\r\n'.repeat(count)}${end}`;
  return { sends, receives: `STORED\r\n${'VERSION 1.0.4\r\n'.repeat(count)}VALUE a 0 ${size}\r\n${'x'.repeat(size)}\r\nEND\r\n` };
}

/** At 2,048 bytes the buffer is full, and at 4,096 and so on; at 32,768 it is worked off before more is read. */
const LENGTHS = [50, 2047, 2048, 2049, 4096, 8192, 16384, 32767, 32768, 32769, 65536, 100_000];

test.serial('sim: commands followed at once by the end are answered, all of them, and then the connection ends', async (t) => {
  for (const length of LENGTHS) {
    const { sends, receives } = commands(length);
    for (const sendBuffer of [100, 65536]) {
      const server = await SimServer.start([], { sendBuffer });
      const c = await server.connect();
      c.send(sends);
      c.end();
      t.true((await c.closed()) === receives, `${length} bytes`);
      t.false(c.client.wasReset);
      await server.stop();
    }
  }
});

test.serial("sim --classic: C's quirk: they are not, for it reads the end with them", async (t) => {
  const server = await SimServer.start([], { classic: true });
  const c = await server.connect();
  c.send('set a 0 0 1\r\n1\r\nget a\r\n');
  c.end();
  t.is(await c.closed(), '');
  await server.stop();
});

test.serial('sim: quit after other commands loses no byte of their replies, however late the client reads', async (t) => {
  const { sends, receives } = commands(100_000);
  const server = await SimServer.start([], { sendBuffer: 1000 });
  const c = await server.connect();
  c.pauseReading();
  c.send(`${sends}quit\r\n`);
  await server.sim.advance(59);
  c.resumeReading();
  t.true((await c.closed()) === receives);
  await server.stop();
});

test.serial('sim: a client that resets while replies are kept for it ends its own connection', async (t) => {
  const server = await SimServer.start([], { sendBuffer: 1000 });
  const other = await server.connect();
  t.is(await other.ask(`set a 0 0 5000\r\n${'x'.repeat(5000)}\r\n`), 'STORED\r\n');
  const sends = ['get a\r\n', 'get a\r\n'.repeat(100), 'get a\r\nquit\r\n', 'get a\r\nset half 0 0 100\r\nonly this'];
  for (const bytes of sends) {
    const c = await server.connect();
    c.pauseReading();
    c.send(bytes);
    await server.sim.idle();
    c.reset();
    await server.sim.idle();
    t.is(await other.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  }
  t.regex(await other.ask('stats\r\n', 'END\r\n'), /STAT curr_connections 1\r\n/);
  t.is(server.sim.openFds().length, 2, 'the listening one, and that of the other client');
  await server.stop();
});

test.serial('sim: an error that ends the connection is told, whatever else the client has sent; with --classic by a reset', async (t) => {
  for (const classic of [false, true]) {
    const server = await SimServer.start([], { classic });
    const c = await server.connect();
    c.send(`get ${'k'.repeat(4_000_000)}`);
    t.is(await c.closed(), 'SERVER_ERROR out of memory\r\n');
    t.deepEqual([c.client.ended, c.client.wasReset], [!classic, classic]);
    await server.stop();
  }
});

test.serial('sim: a get is one read and one write; a pipeline is one of each', async (t) => {
  const server = await SimServer.start([], { record: true });
  const c = await server.connect();
  await server.sim.idle();
  t.is(await c.ask('set a 0 0 3\r\nabc\r\n'), 'STORED\r\n');
  t.is(await c.ask('get a\r\n', 'END\r\n'), 'VALUE a 0 3\r\nabc\r\nEND\r\n');
  t.is(await c.ask('get a a\r\nversion\r\n', '.4\r\n'), `${'VALUE a 0 3\r\nabc\r\n'.repeat(2)}END\r\nVERSION 1.0.4\r\n`);
  c.send('quit\r\n');
  t.is(await c.closed(), '');
  t.deepEqual(server.sim.transcript(c.client), [
    ['accept'], ['read', 2048, 18], ['write', 8, 8], ['read', 2048, 7], ['write', 23, 23], ['read', 2048, 18], ['write', 56, 56],
    ['read', 2048, 6], ['close'],
  ]);
  await server.stop();
});

function resident({ process: { pid } }: Server): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1]);
}

for (const backend of backendsToTry) {
  const shared = sharedServer({ backend });

  test.serial(`${backend}: commands followed at once by the end are answered, all of them`, async (t) => {
    const server = await shared();
    for (const length of LENGTHS) {
      const { sends, receives } = commands(length);
      const c = await Client.connect(server.port);
      c.socket.cork();
      c.send(sends);
      c.end();
      c.socket.uncork();
      t.true((await c.closed()) === receives, `${length} bytes`);
    }
    t.is(server.stderr(), '');
  });

  test.serial(`${backend}: quit after other commands loses no byte of their replies`, async (t) => {
    const server = await shared();
    const { sends, receives } = commands(100_000);
    for (const late of [false, true]) {
      const c = await Client.connect(server.port);
      if (late) c.pauseReading();
      c.send(`${sends}${'get a\r\n'.repeat(200)}quit\r\n`);
      if (late) {
        await served(server.port);
        c.resumeReading();
      }
      const value = receives.slice(receives.indexOf('VALUE'));
      t.true((await c.closed()) === receives + value.repeat(200), late ? 'late' : 'at once');
    }
  });

  test(`${backend}: one that sends on and does not read is not read from either, and gets all when it reads`, async (t) => {
    const server = await startServer({ backend });
    t.teardown(() => server.stop());
    const other = await Client.connect(server.port);
    t.is(await other.ask(`set a 0 0 1000\r\n${'x'.repeat(1000)}\r\n`), 'STORED\r\n');
    const before = process.platform === 'linux' ? resident(server) : 0;
    const count = 60_000;
    const reader = await Client.connect(server.port);
    reader.pauseReading();
    reader.send('get a\r\n'.repeat(count));
    for (let i = 0; i < 50; i++) t.is(await other.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    if (process.platform === 'linux') t.true(resident(server) - before < 30_000, 'kilobytes, and not 60,000');
    const one = `VALUE a 0 1000\r\n${'x'.repeat(1000)}\r\nEND\r\n`;
    reader.resumeReading();
    for (let i = 0; i < count; i += 1000) t.true((await reader.take(one.length * 1000)) === one.repeat(1000));
  });

  test(`${backend}: a client that resets with replies on their way ends its own connection`, async (t) => {
    const server = await startServer({ backend, args: ['-v'] });
    t.teardown(() => server.stop());
    const other = await Client.connect(server.port);
    t.is(await other.ask(`set a 0 0 100000\r\n${'x'.repeat(100_000)}\r\n`), 'STORED\r\n');
    for (const bytes of ['get a\r\n', 'get a\r\n'.repeat(100), `${'get a\r\n'.repeat(100)}quit\r\n`]) {
      const c = await Client.connect(server.port);
      c.pauseReading();
      await c.sent(bytes);
      await served(server.port);
      c.reset();
      t.is(await other.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    }
    while (!(await ask(server.port, 'stats\r\n', 'END\r\n')).includes('STAT curr_connections 2\r\n'));
    t.notRegex(server.stderr(), /Error|at /);
  });

  test(`${backend}: a line that is too long to be read is answered, though the client has not sent all of it`, async (t) => {
    const server = await shared();
    const client = await Client.connect(server.port);
    t.is(await client.insists('get ', 'k'.repeat(4_000_000)), 'SERVER_ERROR out of memory\r\n');
    await served(server.port);
  });
}

const farewell = join(root, 'dist', 'spec', 'support', 'farewell.js');

for (const backend of backendsToTry) {
  test(`${backend}: what a callback wrote before it ended the process reaches the client`, async (t) => {
    const env = { ...process.env, ...environment(backend) };
    const child = spawn(process.execPath, [farewell], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    t.teardown(() => child.kill('SIGKILL'));
    const [port] = (await once(child.stderr, 'data')) as [Buffer];
    const client = await Client.connect(Number(port.toString()));
    t.is(await client.closed(), 'goodbye');
  });
}

test('epoll: a large write goes to what is no socket, too', async (t) => {
  const env = { ...process.env, ...environment('epoll') };
  const child = spawn(process.execPath, [farewell, '50000'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(child, 'close');
  t.is(Buffer.concat(chunks).toString(), 'x'.repeat(50_000));
});
