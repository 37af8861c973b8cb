// Connections that are many, that break off, or that do not read.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { Client, ask, served } from './support/client';
import { startServer } from './support/server';
import { sharedServer } from './support/shared-server';
import { SimServer } from './support/sim-server';
import { backendsToTry, kindsToTry, upTo } from './support/thorough';

const MANY = upTo(300, 1000);
const LARGE = 'L'.repeat(900_000);

for (const { name, ...kind } of kindsToTry) {
  const shared = sharedServer(kind);

  test.serial(`${name}: ${MANY} connections at once are opened, used and closed`, async (t) => {
    const server = await shared();
    const clients = await Promise.all(Array.from({ length: MANY }, () => Client.connect(server.port)));
    await Promise.all(clients.map(async (c, i) => {
      t.is(await c.ask(`set key${i} 0 0 4\r\n${1000 + i}\r\n`), 'STORED\r\n');
    }));
    t.regex(await ask(server.port, 'stats\r\n', 'END\r\n'), new RegExp(`STAT curr_connections ${MANY + 1}\r\n`));
    await Promise.all(clients.map(async (c, i) => {
      t.is(await c.ask(`get key${i}\r\n`, 'END\r\n'), `VALUE key${i} 0 4\r\n${1000 + i}\r\nEND\r\n`);
      c.send('quit\r\n');
      t.is(await c.closed(), '');
    }));
    t.regex(await ask(server.port, 'stats\r\n', 'END\r\n'), /STAT curr_connections 1\r\n/);
  });

  test.serial(`${name}: a client that disconnects in the middle of any state does no harm`, async (t) => {
    const server = await startServer({ ...kind, args: ['-m', '4'] });
    t.teardown(() => server.stop());
    const steady = await Client.connect(server.port);
    t.is(await steady.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
    const middles = {
      read: 'get lar',
      nread: 'set half 0 0 100000\r\nonly this',
      swallow: 'set huge 0 0 2000000\r\nonly this',
      write: 'stats cachedump 20 0\r\n'.repeat(500),
      mwrite: `get${' large'.repeat(20)}\r\n`,
    };
    for (const [state, bytes] of Object.entries(middles)) {
      for (const leave of ['destroy', 'reset'] as const) {
        const c = await Client.connect(server.port);
        c.pauseReading();
        await c.sent(bytes);
        await served(server.port);
        c[leave]();
        await served(server.port);
        t.is(await steady.ask('version\r\n'), 'VERSION 1.0.4\r\n', `${state}, ${leave}`);
      }
    }
    for (;;) {
      if (/STAT curr_connections 1\r\n/.test(await steady.ask('stats\r\n', 'END\r\n'))) break;
    }
    // Nobody holds the item any more: with four megabytes, five others of its size can only be stored if it goes.
    for (let i = 0; i < 5; i++) t.is(await steady.ask(`set l${i} 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
    t.is(await steady.ask('get large\r\n', 'END\r\n'), 'END\r\n');
  });

  test.serial(`${name}: 50 MB wait for a reader that stops, without memory of the server's own`, async (t) => {
    const server = await shared();
    const steady = await Client.connect(server.port);
    t.is(await steady.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
    const resident = (): number => {
      const status = readFileSync(`/proc/${String(server.process.pid)}/status`, 'utf8');
      return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]);
    };
    const before = process.platform === 'linux' ? resident() : 0;
    const reader = await Client.connect(server.port);
    reader.pauseReading();
    const count = 56;
    await reader.sent(`get${' large'.repeat(count)}\r\n`);
    for (let i = 0; i < 50; i++) t.is(await steady.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    if (process.platform === 'linux') t.true(resident() - before < 40_000, 'kilobytes');
    reader.resumeReading();
    const one = Buffer.from(`VALUE large 0 ${LARGE.length}\r\n${LARGE}\r\n`);
    for (let i = 0; i < count; i++) t.is(Buffer.compare(await reader.takeBytes(one.length), one), 0);
    t.is(await reader.take(5), 'END\r\n');
  });
}

for (const backend of backendsToTry) {
  test.serial(`${backend}: SIGTERM ends the server with status 0, even when it is busy`, async (t) => {
    const server = await startServer({ backend });
    const c = await Client.connect(server.port);
    const stream = (error?: Error | null): void => {
      if (!error) c.socket.write('version\r\n'.repeat(1000), stream);
    };
    stream();
    await c.ask('version\r\n');
    const exit = new Promise((resolve) => server.process.once('exit', (code) => resolve(code)));
    server.process.kill('SIGTERM');
    t.is(await exit, 0);
    c.destroy();
  });
}

for (const classic of [false, true]) {
  const name = classic ? 'sim --classic' : 'sim';

  test.serial(`${name}: clients that disconnect in the middle of any state, or by the hundred, do no harm`, async (t) => {
    const server = await SimServer.start(['-m', '4'], { classic, sendBuffer: 10_000 });
    const steady = await server.connect();
    t.is(await steady.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
    const middles = ['get lar', 'set half 0 0 100000\r\nonly this', 'set huge 0 0 2000000\r\nonly this',
      'stats cachedump 20 0\r\n'.repeat(500), `get${' large'.repeat(20)}\r\n`];
    for (const bytes of middles) {
      for (const leave of ['destroy', 'reset'] as const) {
        const c = await server.connect();
        c.pauseReading();
        c.send(bytes);
        await server.sim.idle();
        c[leave]();
        await server.sim.idle();
        t.is(await steady.ask('version\r\n'), 'VERSION 1.0.4\r\n');
      }
    }
    const many = await Promise.all(Array.from({ length: 300 }, () => server.connect()));
    for (const c of many) t.is(await c.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    for (const c of many) c.destroy();
    await server.sim.idle();
    t.regex(await steady.ask('stats\r\n', 'END\r\n'), /STAT curr_connections 1\r\n/);
    for (let i = 0; i < 5; i++) t.is(await steady.ask(`set l${i} 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
    t.is(await steady.ask('get large\r\n', 'END\r\n'), 'END\r\n');
    await server.stop();
  });

  test.serial(`${name}: 10 MB wait for a reader that stops`, async (t) => {
    const server = await SimServer.start([], { classic, sendBuffer: 100_000 });
    const steady = await server.connect();
    t.is(await steady.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
    const reader = await server.connect();
    reader.pauseReading();
    reader.send(`get${' large'.repeat(11)}\r\n`);
    await server.sim.idle();
    t.is(await steady.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    reader.resumeReading();
    const one = Buffer.from(`VALUE large 0 ${LARGE.length}\r\n${LARGE}\r\n`);
    for (let i = 0; i < 11; i++) t.is(Buffer.compare(await reader.takeBytes(one.length), one), 0);
    t.is(await reader.take(5), 'END\r\n');
    await server.stop();
  });
}
