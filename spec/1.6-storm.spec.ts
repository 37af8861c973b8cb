// Memcached 1.6 in a storm, on the simulated backend: many clients at once, whatever they send, cut anywhere, with
// calls that would block at any time, and clients that go at any time. No item may stay held, no memory be lost, no
// value be another key's.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { stats } from '../lib/memcached.h';
import * as items from '../lib/1.6/items';
import { lruHead } from '../lib/1.6/lru';
import { IT_NEXT, IT_REFCOUNT, LRUS, field, statsState } from '../lib/1.6/memcached.h';
import { NULL, mallinfo } from '../lib/libc/memory';
import { EAGAIN } from '../reactor/errno.h';
import { Random } from '../reactor/sim';
import { Allocations } from './support/allocations';
import { replace } from './support/replace';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import type { SimPeer } from './support/sim-server';
import { Stderr } from './support/stderr';
import { checkStorage, keyText } from './support/storage';
import { storm, unexpected } from './support/storm-1.6';
import { upTo } from './support/thorough';

const SEEDS = upTo(1, 3);
const CLIENTS = 6;
const STEPS = 60;
const SIZEOF_CONN = 512;
const MIB = 1 << 20;
/** Every slab class gets its page, whatever -m says. */
const MEMORY = [MIB, 8 * MIB, 48 * MIB] as const;

/** Bytes of malloc that are neither of items nor of connections that may come again. */
function used(): number {
  return mallinfo().uordblks - stats.connStructs * SIZEOF_CONN;
}

/** Throws unless all items hang together, and nobody holds one. */
function checkItems(): void {
  checkStorage();
  for (let lru = 0; lru < LRUS; lru++) {
    for (let it = lruHead(lru); it !== NULL; it = field(it, IT_NEXT) >>> 0) {
      if (field(it, IT_REFCOUNT) !== 1) throw new Error(`${keyText(it)} is held`);
    }
  }
}

async function checkServed(t: ExecutionContext, server: SimServer, name: string): Promise<void> {
  const fresh = await server.connect();
  t.is(await fresh.ask('set fresh 0 0 1\r\nf\r\n'), 'STORED\r\n', name);
  t.is(await fresh.ask('get fresh\r\n', 'END\r\n'), 'VALUE fresh 0 1\r\nf\r\nEND\r\n', name);
  t.is(await fresh.ask('mg fresh v k\r\n', 'f\r\n'), 'VA 1 kfresh\r\nf\r\n', name);
  fresh.destroy();
  await server.sim.idle();
}

/** A client of the storm: sends pieces of commands, and now and then reads nothing, or goes. */
class Guest {
  private rest = '';
  received = '';
  gone = false;

  constructor(readonly peer: SimPeer, private readonly random: Random) {}

  act(): void {
    const { peer, random } = this;
    if (this.gone || peer.client.ended || peer.client.wasReset) {
      this.gone = true;
      return;
    }
    if (this.rest === '') this.rest = storm(random);
    const much = random.chance(0.5) ? this.rest.length : 1 + random.int(Math.min(this.rest.length, 40_000));
    peer.send(this.rest.slice(0, much));
    this.rest = this.rest.slice(much);
    if (random.chance(0.15)) peer.pauseReading();
    if (random.chance(0.3)) peer.resumeReading();
    if (random.chance(0.06)) this.leave();
  }

  leave(): void {
    if (this.gone) return;
    this.gone = true;
    const { peer, random } = this;
    if (peer.client.ended || peer.client.wasReset) return;
    random.pick([() => peer.reset(), () => peer.destroy(), () => peer.end()])();
    if (random.chance(0.5)) peer.resumeReading();
  }

  async takeAll(): Promise<void> {
    this.received += await this.peer.take(this.peer.waiting);
  }
}

for (let seed = 1; seed <= SEEDS; seed++) {
  test.serial(`sim: random clients that send, wait and disconnect leave nothing behind, seed ${seed}`, async (t) => {
    const random = new Random(seed);
    const stderr = new Stderr();
    t.teardown(() => { stderr.restore(); });
    const often = { probability: 0.2, errnos: [EAGAIN] };
    const server = await SimServer.start(['-m', '4', ...random.pick([[], ['-C'], ['-o', 'no_lru_maintainer'], ['-M']])], {
      today: true, seed, shortIo: random.chance(0.5), shuffle: true, sendBuffer: random.pick([200, 3000, 65536]),
      maxTurns: Infinity, faults: { write: often, read: often }, classic: random.chance(0.3), memory: MEMORY,
    });
    const before = used(), listeners = stats.currConns;
    const guests: Guest[] = [];
    for (let step = 0; step < STEPS * CLIENTS; step++) {
      if (guests.filter(({ gone }) => !gone).length < CLIENTS) guests.push(new Guest(server.connectNow(), random));
      random.pick(guests.slice(-2 * CLIENTS)).act();
      if (random.chance(0.6)) await server.sim.idle();
      if (random.chance(0.02)) await server.sim.advance(1);
    }
    for (const guest of guests) guest.leave();
    await server.sim.idle();
    for (const guest of guests) {
      guest.peer.resumeReading();
      await server.sim.idle();
      await guest.takeAll();
      t.is(unexpected(guest.received), null);
    }
    await server.sim.advance(1);

    t.is(stats.currConns, listeners);
    t.false(statsState.lruCrawlerRunning);
    t.notThrows(checkItems);
    t.is(used() - before, 0, 'bytes that were lost');
    await checkServed(t, server, `seed ${seed}`);
    await server.stop();
    t.deepEqual(stderr.messages(), []);
  });
}

test.serial('sim: a line without an end takes bounded memory, whatever it begins with', async (t) => {
  const server = await SimServer.start(['-m', '4'], { today: true, memory: MEMORY });
  for (const [begins, isServed] of [['get ', true], ['gets ', true], [' get ', false], ['set ', false]] as const) {
    const peer = await server.connect();
    const before = used();
    peer.send(begins);
    for (let i = 0; i < 20 && !peer.client.ended && !peer.client.wasReset; i++) {
      peer.send('nothing '.repeat(10_000));
      await server.sim.idle();
    }
    t.true(used() - before < 128 * 1024, begins);
    t.is(!peer.client.ended && !peer.client.wasReset, isServed, begins);
    if (isServed) t.is(await peer.ask('\r\n'), 'END\r\n');
    peer.destroy();
    await server.sim.idle();
  }
  await server.stop();
});

// Memory fails: at each allocation of a conversation, one after the other.

const LARGE = 'L'.repeat(40_000);
const MANY = Array.from({ length: 300 }, (_, i) => `k${i}`);
const STORED_OR_NOT = /^(STORED|SERVER_ERROR out of memory storing object)\r\n$/;
const LONG_GET = 'x '.repeat(17_000);

/** What is sent on one connection, and what may be answered where it is not closed. */
const CONVERSATION: readonly (readonly [sends: string, allowed: RegExp])[] = [
  ['flush_all\r\n', /^OK\r\n$/],
  ['set n 0 0 1\r\n9\r\n', STORED_OR_NOT],
  ['get n n\r\n', /^(VALUE n 0 1\r\n9\r\n){0,2}END\r\n$/],
  ['incr n 995\r\n', /^(1004|NOT_FOUND|SERVER_ERROR out of memory)\r\n$/],
  [`set large 5 0 ${LARGE.length}\r\n${LARGE}\r\n`, STORED_OR_NOT],
  ['append large 0 0 1\r\nL\r\n', /^(STORED|NOT_STORED|SERVER_ERROR out of memory storing object)\r\n$/],
  ['gets large n\r\n', /^(VALUE large 5 \d+ \d+\r\nL+\r\n)?(VALUE n 0 \d+ \d+\r\n\d+\r\n)?END\r\n$/],
  [MANY.map((k) => `set ${k} 0 0 9\r\nvalue ${k.slice(-2).padEnd(3)}\r\n`).join(''),
    /^((STORED|SERVER_ERROR out of memory storing object)\r\n){1,300}$/],
  [`get ${MANY.join(' ')}\r\n`, /^((VALUE k\d+ 0 9\r\nvalue ...\r\n)*END|SERVER_ERROR out of memory writing get response)\r\n$/],
  [`get ${LONG_GET}n\r\n`, /^((VALUE n 0 \d\r\n\d+\r\n)?END|SERVER_ERROR out of memory.*)\r\n$/],
  ['mg vivified N30 v t\r\n', /^(VA 0 t30 W\r\n|EN)\r\n$/],
  ['mg large v f\r\n', /^(VA \d+ f5\r\nL+|EN|SERVER_ERROR out of memory writing get response)\r\n$/],
  ['ms meta 4 I T0 c\r\nabcd\r\n', /^(HD c\d+|SERVER_ERROR out of memory storing object)\r\n$/],
  ['ms meta 2 MA\r\nef\r\n', /^(HD|NS|SERVER_ERROR out of memory storing object)\r\n$/],
  ['md meta x\r\n', /^(HD|NF|SERVER_ERROR out of memory)\r\n$/],
  ['ma number N0 J5 v\r\n', /^(VA 1\r\n5|SERVER_ERROR Out of memory allocating new item)\r\n$/],
  ['stats\r\n', /^((STAT .*\r\n)+END|SERVER_ERROR out of memory writing stats)\r\n$/],
  ['stats conns\r\n', /^((STAT .*\r\n)+END|SERVER_ERROR out of memory writing stats)\r\n$/],
  ['stats slabs\r\n', /^((STAT .*\r\n)+END|SERVER_ERROR out of memory writing stats)\r\n$/],
  ['stats cachedump 1 0\r\n', /^((ITEM .*\r\n)*END|SERVER_ERROR out of memory writing stats)\r\n$/],
  ['lru_crawler metadump all\r\n', /^OK\r\n(key=.* \n)*END\r\n$/],
  ['flush_all\r\n', /^OK\r\n$/],
];

/** Has the conversation, beside a reader who goes in the middle of a reply; then everybody leaves. */
async function converse(t: ExecutionContext, server: SimServer, name: string): Promise<void> {
  let client = server.connectNow();
  for (const [sends, allowed] of CONVERSATION) {
    client.send(sends);
    await server.sim.idle();
    const closed = client.client.ended || client.client.wasReset;
    const reply = await client.take(client.waiting);
    if (!closed && !allowed.test(reply)) {
      t.fail(`${name}: ${JSON.stringify(sends.slice(0, 30))} was answered ${JSON.stringify(reply.slice(0, 200))}`);
    }
    if (closed) client = server.connectNow();
    if (sends.startsWith('append')) {
      const reader = server.connectNow();
      reader.pauseReading();
      reader.send('get large large large\r\n');
      await server.sim.idle();
      reader.reset();
    }
  }
  client.send('quit\r\n');
  await server.sim.idle();
}

test.serial('sim: an allocation that fails gives an error or ends a connection, and nothing leaks', async (t) => {
  const stderr = new Stderr();
  const allocations = new Allocations();
  let itemAllocs = 0, failingItem = -1;
  const restoreItems = replace(items, 'itemAlloc', (original) => (...args) =>
    itemAllocs++ === failingItem ? NULL : original(...args));
  t.teardown(() => {
    stderr.restore();
    allocations.restore();
    restoreItems();
  });
  const options = { today: true, memory: SMALL_MEMORY, sendBuffer: 20_000 };
  const server = await SimServer.start(['-m', '8', '-o', 'hashpower=12'], options);
  const listeners = stats.currConns;
  const before = used();

  const run = async (malloc: number, item: number, name: string): Promise<{ mallocs: number; allocs: number }> => {
    const first = allocations.count;
    itemAllocs = 0;
    failingItem = item;
    allocations.fails = (n) => n - first === malloc;
    await converse(t, server, name);
    const made = { mallocs: allocations.count - first, allocs: itemAllocs };
    allocations.fails = () => false;
    failingItem = -1;
    t.is(stats.currConns, listeners, name);
    t.notThrows(checkItems, name);
    t.is(used(), before, name);
    await checkServed(t, server, name);
    return made;
  };

  const { mallocs, allocs } = await run(-1, -1, 'none fails');
  t.true(mallocs > 50 && allocs > MANY.length);
  for (let n = 0; n < mallocs; n += upTo(3, 1)) await run(n, -1, `malloc ${n}`);
  // The first and the last ones, and some of the many in between.
  for (let n = 0; n < allocs; n += n > 6 && n < allocs - 8 ? 97 : 1) await run(-1, n, `item ${n}`);
  await server.stop();
  t.deepEqual(stderr.messages().filter((line) => !line.startsWith('malloc(): ')), []);
});
