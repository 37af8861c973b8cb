// What connections need while they read long lines and send long replies: it is never taken from the items, nor kept.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { SimServer } from './support/sim-server';
import type { SimPeer } from './support/sim-server';
import { upTo } from './support/thorough';

const MIB = 1 << 20;
const MEGABYTES = 8;
/** One to a page. */
const VALUE = 'v'.repeat(900_000);
const NO_MEMORY = 'SERVER_ERROR out of memory\r\n';

/** That all of -m can be used for items. */
async function itemsHaveRoom(t: ExecutionContext, c: SimPeer): Promise<void> {
  for (let i = 0; i < MEGABYTES; i++) t.is(await c.ask(`set item${i} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`), 'STORED\r\n');
  for (let i = 0; i < MEGABYTES; i++) {
    const reply = await c.ask(`get item${i}\r\n`, 'END\r\n');
    t.true(reply === `VALUE item${i} 0 ${VALUE.length}\r\n${VALUE}\r\nEND\r\n`, `item${i}`);
  }
}

async function allocated(c: SimPeer): Promise<number> {
  return Number(/STAT total_alloc (\d+)/.exec(await c.ask('stats malloc\r\n', 'END\r\n'))?.[1]);
}

for (const [length, clients] of [[1_800_000, 100], [1_060_000, 136]].slice(0, upTo(1, 2))) {
  test.serial(`${clients} unfinished lines of ${length} bytes, whose senders disconnect, take no memory from the items`, async (t) => {
    const server = await SimServer.start(['-m', String(MEGABYTES)]);
    const line = Buffer.from(`get ${'nothing '.repeat(length / 8)}`);
    const c = await server.connect();
    const before = await allocated(c);
    const senders = await Promise.all(Array.from({ length: clients }, () => server.connect()));
    for (const sender of senders) {
      sender.send(line);
      await server.sim.idle();
    }
    const meanwhile = await server.connect();
    t.is(await meanwhile.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    for (const sender of senders) sender.destroy();
    meanwhile.destroy();
    await server.sim.idle();
    const structures = clients * 1024;
    t.true(await allocated(c) - before <= structures);
    await itemsHaveRoom(t, c);
    await server.stop();
  });
}

test.serial('unread replies of 2 MB take no memory from the items, however many they are', async (t) => {
  const server = await SimServer.start(['-m', String(MEGABYTES)], { classic: true, sendBuffer: 100 });
  const c = await server.connect();
  t.is(await c.ask('set a 0 0 1\r\n1\r\n'), 'STORED\r\n');
  for (let i = 0; i < 10; i++) await c.ask(`set ${String(i).repeat(50)} 0 0 1\r\n1\r\n`);
  const before = await allocated(c);
  const idle = await Promise.all(Array.from({ length: 40 }, () => server.connect()));
  for (const [i, reader] of idle.entries()) {
    reader.pauseReading();
    reader.send(i % 2 === 0 ? 'stats cachedump 7 0\r\n' : 'stats sizes\r\nstats cachedump 7 0\r\n');
  }
  await server.sim.idle();
  t.true(await allocated(c) - before > 28 * MIB);
  t.is(await c.ask('stats cachedump 7 0\r\n'), NO_MEMORY);
  t.is(await c.ask('stats sizes\r\n'), NO_MEMORY);
  // Two of the pages have the small ones.
  for (let i = 1; i < MEGABYTES - 1; i++) {
    t.is(await c.ask(`set item${i} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`), 'STORED\r\n');
  }
  t.regex(await c.ask('stats slabs\r\n', 'END\r\n'), /STAT 20:total_pages 6\r\n/, 'none had to go for another');
  for (const reader of idle) reader.destroy();
  await server.sim.idle();
  t.true(await allocated(c) - before < 40 * 1024 + MEGABYTES * MIB);
  t.regex(await c.ask('stats cachedump 6 0\r\n', 'END\r\n'), /^ITEM a /);
  await server.stop();
});

test.serial('the buffers of one long line are not kept', async (t) => {
  const server = await SimServer.start();
  const [c, other] = [await server.connect(), await server.connect()];
  await c.ask('set a 0 0 1\r\n1\r\n');
  const before = await allocated(other);
  for (const line of [`get ${'nothing '.repeat(200_000)}`, `get ${'a '.repeat(50_000)}`]) {
    c.send(line);
    await server.sim.idle();
    t.true(await allocated(other) - before > 128 * 1024, 'while it waits for the end');
    await c.ask('\r\n', 'END\r\n');
    t.is(await allocated(other), before, 'idle');
  }
  // Nor while the connection goes on: it wakes with small buffers.
  c.send('get nothi');
  await server.sim.idle();
  t.true(await allocated(other) - before <= 8192);
  await server.stop();
});

test.serial('an idle connection has no buffers', async (t) => {
  const server = await SimServer.start();
  const c = await server.connect();
  await c.ask('version\r\n');
  const before = await allocated(c);
  const clients = await Promise.all(Array.from({ length: 100 }, () => server.connect()));
  for (const client of clients) t.is(await client.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  t.is(await allocated(c) - before, 100 * 512);
  await server.stop();
});

test.serial('an unfinished line of more than 1024 bytes closes the connection, but a get may have 2 MB', async (t) => {
  const server = await SimServer.start();
  const [c, getter] = [await server.connect(), await server.connect()];
  c.send('x'.repeat(1024));
  await server.sim.idle();
  t.is(await c.ask('\r\n'), 'ERROR\r\n');
  c.send('x'.repeat(1025));
  t.is(await c.closed(), '');
  getter.send(`get ${'nothing '.repeat(250_000)}`);
  t.is(await getter.ask('\r\n'), 'END\r\n');
  const fresh = await server.connect();
  const before = await allocated(fresh);
  getter.send(`get ${'nothing '.repeat(300_000)}`);
  t.is(await getter.closed(), NO_MEMORY);
  t.is(await allocated(fresh), before);
  await server.stop();
});
