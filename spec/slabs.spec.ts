// Memory at -m 1, over the wire: which items are evicted, which stay, and what the counters say; and chunks that are
// freed.
import test from 'ava';
import { u8 } from '../lib/libc/heap';
import { mallocForItems, memoryInit } from '../lib/libc/memory';
import { memset } from '../lib/libc/string';
import { slabsAlloc, slabsFree, slabsInit } from '../lib/slabs';
import { Client } from './support/client';
import { backends, startServer } from './support/server';
import { SimServer } from './support/sim-server';
import type { Replies } from './support/replies';

const MIB = 1 << 20;
const CLASS = 7;
const VALUE = 'v'.repeat(100_000); // eight chunks of 128 KB to the page

async function has(c: Replies, key: string): Promise<boolean> {
  return (await c.ask(`get ${key}\r\n`, 'END\r\n')) !== 'END\r\n';
}

async function store(c: Replies, key: string): Promise<string> {
  return c.ask(`set ${key} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`);
}

for (const backend of [...backends, 'sim'] as const) {
  test.serial(`${backend}: the least recently used item of the class is evicted, and none of another`, async (t) => {
    const server = backend === 'sim' ? await SimServer.start(['-m', '1']) : await startServer({ backend, args: ['-m', '1'] });
    t.teardown(() => server.stop());
    const c = server instanceof SimServer ? await server.connect() : await Client.connect(server.port);
    for (let i = 0; i < 8; i++) t.is(await store(c, `k${i}`), 'STORED\r\n');
    t.regex(await c.ask('stats slabs\r\n', 'END\r\n'), /STAT 17:chunk_size 131072\r\nSTAT 17:chunks_per_page 8\r\n/);
    t.true(await has(c, 'k0'), 'which makes it the most recently used');
    t.is(await store(c, 'k8'), 'STORED\r\n');
    t.true(await has(c, 'k0'));
    t.false(await has(c, 'k1'));
    t.is(await c.ask('set small 0 0 1\r\n1\r\n'), 'SERVER_ERROR out of memory\r\n');
    t.true(await has(c, 'k2'), 'no other class gives up a page');
    t.is(await store(c, 'k8'), 'STORED\r\n', 'a replaced item needs a second chunk for a moment');
    t.false(await has(c, 'k3'));
    t.regex(await c.ask('stats\r\n', 'END\r\n'), /STAT curr_items 7\r\nSTAT total_items 10\r\n/);
    t.regex(await c.ask('stats slabs\r\n', 'END\r\n'), /STAT 17:used_chunks 7\r\nSTAT 17:free_chunks 1\r\n/);
    t.regex(await c.ask('stats cachedump 17 2\r\n', 'END\r\n'), /^ITEM k8 .*\r\nITEM k2 .*\r\nEND\r\n$/);
  });
}

test.serial('freed chunks are allocated again, each once, and their list grows in memory of its own', (t) => {
  memoryInit(MIB, MIB, 4 * MIB);
  slabsInit(0);
  const chunks = Array.from({ length: 100 }, () => slabsAlloc(CLASS));
  const others = chunks.map((chunk) => {
    slabsFree(chunk, CLASS);
    const other = mallocForItems(64);
    memset(other, 0x5a, 64);
    return other;
  });
  for (const other of others) t.true(u8.subarray(other, other + 64).every((byte) => byte === 0x5a));
  t.true(u8.subarray(0, 4 * chunks.length).every((byte) => byte === 0), 'nor is it at NULL');
  t.deepEqual(Array.from({ length: 100 }, () => slabsAlloc(CLASS)).sort(), chunks.sort());
});

test.serial('sim: in the largest class, where a page is one chunk, a freed chunk is allocated again, too', async (t) => {
  const server = await SimServer.start(['-m', '1']);
  const c = await server.connect();
  const value = 'v'.repeat(1_048_000);
  for (let round = 0; round < 3; round++) {
    t.is(await c.ask(`set largest 0 0 ${value.length}\r\n${value}\r\n`), 'STORED\r\n');
    t.is(await c.ask('delete largest\r\n'), 'DELETED\r\n');
    await server.sim.advance(10);
    t.false(await has(c, 'largest'));
    t.regex(await c.ask('stats slabs\r\n', 'END\r\n'), /STAT 20:free_chunks 1\r\n/);
  }
  await server.stop();
});
