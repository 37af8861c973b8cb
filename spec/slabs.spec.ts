// Memory at -m 1, over the wire: which items are evicted, which stay, and what the counters say.
import test from 'ava';
import { Client } from './support/client';
import { backends, startServer } from './support/server';
import { SimServer } from './support/sim-server';
import type { Replies } from './support/replies';

const VALUE = 'v'.repeat(100_000); // eight chunks of 128 KB to the page

async function has(c: Replies, key: string): Promise<boolean> {
  return (await c.ask(`get ${key}\r\n`, 'END\r\n')) !== 'END\r\n';
}

async function store(c: Replies, key: string): Promise<string> {
  return c.ask(`set ${key} 0 0 ${VALUE.length}\r\n${VALUE}\r\n`);
}

for (const backend of [...backends, 'sim'] as const) {
  test.serial(`${backend}: the least recently used item of the class goes, and none of another`, async (t) => {
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
