// malloc that fails: at each allocation of a long conversation in turn, and where C names what happens then.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { assocFind } from '../lib/memcached';
import { stats } from '../lib/memcached.h';
import { bss } from '../lib/libc/memory';
import { Allocations } from './support/allocations';
import { putz } from './support/memory';
import { SimPeer, SimServer } from './support/sim-server';
import { Stderr } from './support/stderr';

const NO_MEMORY = 'SERVER_ERROR out of memory\r\n';
const KEYS = Array.from({ length: 500 }, (_, i) => `k${i}`);
const LARGE = 'L'.repeat(150_000);
/** Longer than any window of a delete. */
const WINDOW_SECONDS = 12;
const MIB = 1 << 20;
/** No more than is needed, for it is taken hundreds of times. */
const MEMORY = [MIB, 8 * MIB, 10 * MIB] as const;
const key = bss(256);

/** What is sent on one connection, and what may be answered beside nothing at all on one that is closed. */
const CONVERSATION: readonly [string, RegExp][] = [
  ['set counters 0 0 1\r\n9\r\n', /^(STORED\r\n|SERVER_ERROR out of memory\r\n)$/],
  ['get counters\r\n', /^(VALUE counters 0 1\r\n9\r\n)?END\r\n$/],
  [`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`, /^(STORED\r\n|SERVER_ERROR out of memory\r\n)$/],
  [KEYS.map((k) => `set ${k} 0 0 1\r\n1\r\n`).join(''), /^(STORED\r\n|SERVER_ERROR out of memory\r\n){1,500}$/],
  [`get ${KEYS.join(' ')}\r\n`, /^((VALUE k\d+ 0 1\r\n1\r\n)*END\r\n|SERVER_ERROR out of memory\r\n)$/],
  [`get ${'nothing '.repeat(10_000)}\r\n`, /^(END|SERVER_ERROR out of memory)\r\n$/],
  [`get k0 k1 k2 ${'k'.repeat(251)}\r\n`, /^CLIENT_ERROR bad command line format\r\n$/],
  ['incr counters 995\r\n', /^(1004|NOT_FOUND|SERVER_ERROR out of memory)\r\n$/],
  ['set counters 0 0 1\r\n9\r\n', /^(STORED\r\n|SERVER_ERROR out of memory\r\n)$/],
  [KEYS.slice(0, 250).map((k) => `delete ${k}\r\n`).join(''),
    /^(DELETED\r\n|NOT_FOUND\r\n|SERVER_ERROR out of memory\r\n){1,250}$/],
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
  const server = await SimServer.start(['-m', '8'], { classic, sendBuffer: 100_000, memory: MEMORY });
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
    for (const k of ['counters', 'large', ...KEYS]) {
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
  { name: 'sim: when any one allocation fails', classic: false, fails: (at: number) => (n: number) => n === at },
  { name: 'sim --classic: when all fail from any one on', classic: true, fails: (at: number) => (n: number) => n >= at },
];

for (const { name, classic, fails } of modes) {
  test.serial(`${name}, nothing is lost, and the server goes on`, async (t) => {
    const stderr = new Stderr();
    t.teardown(() => { stderr.restore(); });
    const { count, used } = await runs(t, classic, () => false, 'none fails');
    t.true(count > 70);
    for (let at = 0; at < count; at++) {
      const after = await runs(t, classic, fails(at), `number ${at}`);
      if (after.used !== used) t.fail(`number ${at}: ${after.used - used} bytes are lost`);
    }
    t.deepEqual(stderr.messages().filter((line) => !line.startsWith('malloc(): ')), []);
  });
}
