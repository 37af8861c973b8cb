// C's harmless quirks, which are kept: each that shows on the wire beside those in the transcripts.
import test from 'ava';
import { Client } from './support/client';
import { startServer } from './support/server';
import { SimServer } from './support/sim-server';
import { backendsToTry } from './support/thorough';

test('epoll --classic: a client that sends and shuts down at once gets either nothing or everything', async (t) => {
  const server = await startServer({ backend: 'epoll', classic: true });
  t.teardown(() => server.stop());
  const c = await Client.connect(server.port);
  c.send('version\r\n');
  c.end();
  t.true(['', 'VERSION 1.0.4\r\n'].includes(await c.closed()));
});

for (const backend of backendsToTry) {
  test(`${backend}: stats slabs with twelve classes gives an error, as its reply is too long`, async (t) => {
    const server = await startServer({ backend });
    t.teardown(() => server.stop());
    const c = await Client.connect(server.port);
    for (let power = 6; power < 18; power++) {
      const length = power === 6 ? 1 : 2 ** power - 100;
      t.is(await c.ask(`set k${power} 0 0 ${length}\r\n${'x'.repeat(length)}\r\n`), 'STORED\r\n');
    }
    t.is(await c.ask('stats slabs\r\n'), 'SERVER_ERROR output line too long\r\n');
  });
}

for (const classic of [false, true]) {
  const name = classic ? 'sim --classic' : 'sim';

  test.serial(`${name}: a deleted key cannot be added for five to nine seconds, and can be afterwards`, async (t) => {
    const server = await SimServer.start([], { classic });
    const c = await server.connect();
    t.is(await c.ask('set a 0 0 1\r\n1\r\n'), 'STORED\r\n');
    t.is(await c.ask('delete a\r\n'), 'DELETED\r\n');
    await server.sim.advance(4);
    t.is(await c.ask('add a 0 0 1\r\n2\r\n'), 'NOT_STORED\r\n');
    t.is(await c.ask('replace a 0 0 1\r\n2\r\n'), 'NOT_STORED\r\n');
    await server.sim.advance(6);
    t.is(await c.ask('add a 0 0 1\r\n3\r\n'), 'STORED\r\n');
    t.is(await c.ask('get a\r\n', 'END\r\n'), 'VALUE a 0 1\r\n3\r\nEND\r\n');
    await server.stop();
  });
}

test.serial('sim --classic: while the last 50 items are all being sent, a set finds no memory', async (t) => {
  const server = await SimServer.start(['-m', '1'], { classic: true, sendBuffer: 1000 });
  const c = await server.connect();
  const value = 'v'.repeat(16_000); // 64 chunks of 16 KB in the one page
  for (let i = 0; i < 64; i++) t.is(await c.ask(`set k${i} 0 0 16000\r\n${value}\r\n`), 'STORED\r\n');
  const reader = await server.connect();
  reader.pauseReading();
  reader.send(`get ${Array.from({ length: 64 }, (_, i) => `k${i}`).join(' ')}\r\n`);
  await server.sim.idle();
  t.is(await c.ask(`set more 0 0 16000\r\n${value}\r\n`), 'SERVER_ERROR out of memory\r\n');
  reader.reset();
  await server.sim.idle();
  t.is(await c.ask(`set more 0 0 16000\r\n${value}\r\n`), 'STORED\r\n');
  await server.stop();
});
