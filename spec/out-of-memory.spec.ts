// malloc fails: at each allocation of a long conversation, one after the other, and where C handles it.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { shows } from '../lib/later';
import { assocFind } from '../lib/memcached';
import { stats } from '../lib/memcached.h';
import { bss } from '../lib/libc/memory';
import { Allocations } from './support/allocations';
import { putz } from './support/memory';
import { SimServer } from './support/sim-server';
import type { SimPeer } from './support/sim-server';
import { Stderr } from './support/stderr';
import { upTo } from './support/thorough';

const BAD_LINE = 'CLIENT_ERROR bad command line format\r\n';
const NO_MEMORY = 'SERVER_ERROR out of memory\r\n';
const KEYS = Array.from({ length: 500 }, (_, i) => `k${i}`);
/** Enough for the lists of items and of deletes to grow. */
const SOME_KEYS = KEYS.slice(0, 220);
const LARGE = 'L'.repeat(150_000);
/** Longer than any window of a delete. */
const WINDOW_SECONDS = 12;
const key = bss(256);

/** What is sent on one connection, and what may be answered beside nothing at all on one that is closed. */
const CONVERSATION: readonly [string, RegExp][] = [
  ['set counters 0 0 1\r\n9\r\n', /^(STORED\r\n|SERVER_ERROR out of memory\r\n)$/],
  ['get counters\r\n', /^(VALUE counters 0 1\r\n9\r\n)?END\r\n$/],
  [`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`, /^(STORED\r\n|SERVER_ERROR out of memory\r\n)$/],
  [SOME_KEYS.map((k) => `set ${k} 0 0 1\r\n1\r\n`).join(''), /^(STORED\r\n|SERVER_ERROR out of memory\r\n){1,220}$/],
  [`get ${SOME_KEYS.join(' ')}\r\n`, /^((VALUE k\d+ 0 1\r\n1\r\n)*END\r\n|SERVER_ERROR out of memory\r\n)$/],
  [`get ${'nothing '.repeat(10_000)}\r\n`, /^(END|SERVER_ERROR out of memory)\r\n$/],
  [`get k0 k1 k2 ${'k'.repeat(251)}\r\n`, /^CLIENT_ERROR bad command line format\r\n$/],
  ['incr counters 995\r\n', /^(1004|NOT_FOUND|SERVER_ERROR out of memory)\r\n$/],
  ['set counters 0 0 1\r\n9\r\n', /^(STORED\r\n|SERVER_ERROR out of memory\r\n)$/],
  [SOME_KEYS.slice(0, 210).map((k) => `delete ${k}\r\n`).join(''),
    /^(DELETED\r\n|NOT_FOUND\r\n|SERVER_ERROR out of memory\r\n){1,210}$/],
  ['stats cachedump 6 0\r\n', /^((ITEM \w+ \[\d+ b; \d+ s\]\r\n)*END\r\n|SERVER_ERROR out of memory\r\n)$/],
  ['stats sizes\r\n', /^((\d+ \d+\r\n)*END\r\n|SERVER_ERROR out of memory\r\n)$/],
  ['stats slabs\r\n', /^(STAT .*\r\n)+END\r\n$/],
];

/** The conversation beside a reader that goes in the middle of its reply; after it everybody has left. */
async function converse(t: ExecutionContext, { sim }: SimServer, connect: () => SimPeer, name: string): Promise<void> {
  let client = connect();
  const other = connect();
  for (const [sends, allowed] of CONVERSATION) {
    client.send(sends);
    await sim.idle();
    const closed = client.client.ended || client.client.wasReset;
    const reply = await client.take(client.waiting);
    if (!allowed.test(reply) && !(closed && (reply === '' || reply === NO_MEMORY))) {
      t.fail(`${name}: ${JSON.stringify(sends.slice(0, 30))} was answered ${JSON.stringify(reply.slice(0, 200))}`);
    }
    if (closed) client = connect();
  }
  const reader = connect();
  reader.pauseReading();
  reader.send('get large large large\r\n');
  await sim.idle();
  reader.reset();
  client.send('quit\r\n');
  other.destroy();
  await sim.advance(WINDOW_SECONDS);
}

/** Chunks that are given out, less the items that are linked: those that are held, or lost. */
async function chunksAstray(c: SimPeer): Promise<number> {
  const slabs = await c.ask('stats slabs\r\n', 'END\r\n');
  const { currItems } = stats;
  const sum = (name: string): number =>
    [...slabs.matchAll(new RegExp(`:${name} (\\d+)`, 'g'))].reduce((total, [, n]) => total + Number(n), 0);
  return sum('used_chunks') - sum('free_chunks_end') - currItems;
}

async function runs(
  t: ExecutionContext, classic: boolean, fails: (n: number) => boolean, name: string,
): Promise<{ count: number; used: number }> {
  const allocations = new Allocations();
  const server = await SimServer.start(['-m', '8'], { classic, sendBuffer: 100_000 });
  const connect = (): SimPeer => server.connectNow();
  try {
    const first = allocations.count;
    allocations.fails = (n) => fails(n - first);
    await converse(t, server, connect, name);
    const count = allocations.count - first;

    allocations.fails = () => false;
    const fresh = connect();
    if (await fresh.ask('set fresh 0 0 1\r\n1\r\n') !== 'STORED\r\n') t.fail(`${name}: not served afterwards`);
    if (stats.currConns !== 2) t.fail(`${name}: ${stats.currConns} connections are counted`);
    const lost = allocations.failed.filter(({ by }) => by === 'reallocForItems').length;
    if (await chunksAstray(fresh) !== lost) t.fail(`${name}: ${await chunksAstray(fresh)} chunks are astray`);
    for (const k of ['counters', 'large', ...SOME_KEYS]) {
      if ((assocFind(putz(key, k))?.refcount ?? 0) !== 0) t.fail(`${name}: ${k} is held`);
    }
    fresh.destroy();
    await converse(t, server, connect, `${name}, afterwards`);
    return { count, used: allocations.usedBeside };
  } finally {
    allocations.restore();
    await server.stop();
  }
}

const modes = [
  { name: 'sim: if any one allocation fails', classic: false, fails: (at: number) => (n: number) => n === at },
  { name: 'sim --classic: if all allocations fail from any one on', classic: true, fails: (at: number) => (n: number) => n >= at },
];

for (const { name, classic, fails } of modes) {
  test.serial(`${name}, nothing is lost, and the server keeps running`, async (t) => {
    const stderr = new Stderr();
    t.teardown(() => { stderr.restore(); });
    const { count, used } = await runs(t, classic, () => false, 'none fails');
    t.true(count > 70);
    for (let at = 0; at < count; at += upTo(10, 1)) {
      const after = await runs(t, classic, fails(at), `number ${at}`);
      if (after.used !== used) t.fail(`number ${at}: ${after.used - used} bytes are lost`);
    }
    t.deepEqual(stderr.messages().filter((line) => !line.startsWith('malloc(): ')), []);
  });
}

/** A server, and a client whose allocations a test can make fail. */
async function start(t: ExecutionContext, args: readonly string[] = []): Promise<Scene> {
  const stderr = new Stderr();
  const allocations = new Allocations();
  t.teardown(() => {
    stderr.restore();
    allocations.restore();
  });
  const server = await SimServer.start(['-m', '8', ...args], { sendBuffer: 100_000 });
  const c = await server.connect();
  t.is(await c.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  return { server, c, allocations, stderr };
}

interface Scene {
  server: SimServer;
  c: SimPeer;
  allocations: Allocations;
  stderr: Stderr;
}

async function storeKeys(t: ExecutionContext, c: SimPeer): Promise<void> {
  c.send(KEYS.map((k) => `set ${k} 0 0 1\r\n1\r\n`).join(''));
  t.is(await c.take(8 * KEYS.length), 'STORED\r\n'.repeat(KEYS.length));
}

function holds(): number {
  return KEYS.reduce((sum, k) => sum + (assocFind(putz(key, k))?.refcount ?? 0), 0);
}

const values = (from: number, to: number): string => KEYS.slice(from, to).map((k) => `VALUE ${k} 0 1\r\n1\r\n`).join('');

test.serial('an item whose delete finds no memory stays; deletes work again when the window is over', async (t) => {
  const { server, c, allocations } = await start(t);
  await storeKeys(t, c);
  allocations.fails = (_n, _size, by) => by === 'realloc';
  for (const k of KEYS.slice(0, 200)) t.is(await c.ask(`delete ${k}\r\n`), 'DELETED\r\n');
  for (const k of KEYS.slice(200, 210)) t.is(await c.ask(`delete ${k}\r\n`), NO_MEMORY);
  t.is(await c.ask('delete k0\r\n'), 'DELETED\r\n', 'again');
  t.is(await c.ask(`get ${KEYS.slice(190, 210).join(' ')}\r\n`, 'END\r\n'), `${values(200, 210)}END\r\n`);
  await server.sim.advance(6);
  t.is(await c.ask(`get ${KEYS.slice(190, 210).join(' ')}\r\n`, 'END\r\n'), `${values(200, 210)}END\r\n`);
  t.is(await c.ask('add k200 0 0 1\r\n2\r\n'), 'NOT_STORED\r\n');
  await server.sim.advance(WINDOW_SECONDS);
  t.is(await c.ask('add k0 0 0 1\r\n1\r\n'), 'STORED\r\n');
  for (const k of KEYS.slice(200, 210)) t.is(await c.ask(`delete ${k}\r\n`), 'DELETED\r\n');
  t.is(await c.ask('get k200 k201 k210\r\n', 'END\r\n'), `${values(210, 211)}END\r\n`);
  await server.sim.advance(WINDOW_SECONDS);
  t.is(holds(), 0);
  await server.stop();
});

for (const verbose of [false, true]) {
  test.serial(`a client for which there is no memory is disconnected, ${verbose ? 'which -v reports' : 'and no other client is'}`, async (t) => {
    const { server, c, allocations, stderr } = await start(t, verbose ? ['-v'] : []);
    const before = allocations.usedBeside;
    for (const which of [0, 1, 2, 3]) {
      const first = allocations.count;
      allocations.fails = (n) => n - first === which;
      const client = await server.connect();
      t.is(await client.closed(), '');
      const lines = stderr.lines();
      t.is(lines[0], 'malloc(): not enough memory');
      t.deepEqual(lines.slice(1), verbose ? ["couldn't create new connection"] : []);
      t.is(stats.currConns, 2);
      t.is(allocations.usedBeside, before);
      t.is(await c.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    }
    await server.stop();
  });
}

test.serial('a connection that finds no memory for its buffers is closed as it wakes', async (t) => {
  const { server, c, allocations } = await start(t);
  const idle = await Promise.all([0, 1, 2].map(() => server.connect()));
  for (const client of idle) await client.ask('version\r\n');
  const before = allocations.usedBeside;
  for (const [which, client] of idle.entries()) {
    const first = allocations.count;
    allocations.fails = (n) => n - first === which;
    client.send('version\r\n');
    t.is(await client.closed(), '');
    t.is(allocations.usedBeside, before);
    t.is(stats.currConns, 4 - which);
  }
  allocations.fails = () => false;
  t.is(await c.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  const again = await Promise.all([0, 1, 2].map(() => server.connect()));
  for (const client of again) t.is(await client.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  t.is(allocations.usedBeside, before, 'the structures are used again');
  await server.stop();
});

test.serial('stats commands that find no memory for the reply are refused, and leak nothing', async (t) => {
  const { server, c, allocations } = await start(t);
  t.teardown(() => { shows.maps = false; });
  shows.maps = true;
  const before = allocations.usedBeside;
  for (const [command, blocks] of [['stats cachedump 6 0', 1], ['stats sizes', 2], ['stats maps', 1]] as const) {
    const sizes: number[] = [];
    for (let which = 0; which < blocks; which++) {
      let large = 0;
      allocations.fails = (_n, size) => size >= 8192 && large++ === which;
      t.is(await c.ask(`${command}\r\n`), NO_MEMORY);
      sizes.push(allocations.failed.at(-1)?.size ?? 0);
      t.is(allocations.usedBeside, before);
    }
    t.is(new Set(sizes).size, blocks);
  }
  allocations.fails = () => false;
  t.is(await c.ask('stats cachedump 6 0\r\n'), 'END\r\n');
  await server.stop();
});

for (const verbose of [false, true]) {
  test.serial(`a line that finds no memory closes the connection, ${verbose ? 'with a message on stderr' : 'after an error to the client'}`, async (t) => {
    const { server, c, allocations, stderr } = await start(t, verbose ? ['-v'] : []);
    const client = await server.connect();
    await client.ask('version\r\n');
    const before = allocations.usedBeside;
    allocations.fails = (_n, _size, by) => by === 'realloc';
    client.send(`get ${'nothing '.repeat(1000)}\r\nversion\r\n`);
    t.is(await client.closed(), NO_MEMORY);
    t.deepEqual(stderr.lines(), verbose ? ["Couldn't realloc input buffer"] : []);
    t.is(allocations.usedBeside, before);
    t.is(await c.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    await server.stop();
  });
}

test.serial('a get whose list of items cannot grow replies with the items found so far, and keeps no reference', async (t) => {
  const { server, c, allocations } = await start(t);
  await storeKeys(t, c);
  for (const [grown, found] of [[0, 200], [1, 400]]) {
    let grows = 0;
    // The read buffer grows from 2048 bytes, ilist from 800.
    allocations.fails = (_n, size, by) => by === 'realloc' && size % 1600 === 0 && grows++ === grown;
    t.is(await c.ask(`get ${KEYS.join(' ')}\r\n`, 'END\r\n'), `${values(0, found)}END\r\n`);
    t.is(holds(), 0);
  }
  allocations.fails = () => false;
  t.is(await c.ask(`get ${KEYS.join(' ')}\r\n`, 'END\r\n'), `${values(0, 500)}END\r\n`);
  await server.stop();
});

test.serial('a get that is refused for its last key keeps no reference to the items before it', async (t) => {
  const { server, c } = await start(t);
  await storeKeys(t, c);
  for (const count of [1, 2, 200, 201, 500]) {
    t.is(await c.ask(`get ${KEYS.slice(0, count).join(' ')} ${'k'.repeat(251)}\r\n`), BAD_LINE);
    t.is(holds(), 0, `${count} keys`);
  }
  t.is(await c.ask('get k0 k1\r\n', 'END\r\n'), `${values(0, 2)}END\r\n`);
  await server.stop();
});

test.serial('a list of free connections that cannot grow keeps its entries, and further structures are freed', async (t) => {
  const { server, c, allocations } = await start(t);
  const before = allocations.usedBeside;
  for (const [fails, structures] of [[true, 200], [false, 300]] as const) {
    const clients = await Promise.all(Array.from({ length: 300 }, () => server.connect()));
    for (const client of clients) t.is(await client.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    allocations.fails = (_n, _size, by) => fails && by === 'realloc';
    for (const client of clients) client.destroy();
    await server.sim.idle();
    const list = fails ? 0 : 1024;
    t.is(allocations.usedBeside - before, structures * 512 + list);
    t.is(stats.currConns, 2);
  }
  t.is(await c.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  await server.stop();
});
