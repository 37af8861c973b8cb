// The LRU maintainer of memcached 1.6, the crawls that it begins, and -o idle_timeout.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { lruBytes, lruSize } from '../lib/1.6/lru';
import { COLD_LRU, HOT_LRU, WARM_LRU, resettable, statsState, threadStats } from '../lib/1.6/memcached.h';
import type { SimPeer } from './support/sim-server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import { checkStorage, keysOf } from './support/storage';
import { upTo } from './support/thorough';

/** The class of a key with a value of a few bytes. */
const SMALL = 1;

async function serverWith(t: ExecutionContext, ...args: string[]): Promise<SimServer> {
  const options = { today: true, memory: SMALL_MEMORY, maxTurns: Infinity };
  const server = await SimServer.start(['-m', '8', ...args], options);
  t.teardown(() => server.stop());
  return server;
}

/** Stores `count` items whose keys begin with that. */
async function storeMany(peer: SimPeer, prefix: string, count: number, ttl = 0, length = 1): Promise<void> {
  const value = 'x'.repeat(length);
  const set = (i: number): string => `set ${prefix}${i} 0 ${ttl} ${length} noreply\r\n${value}\r\n`;
  peer.send(Array.from({ length: count }, (_, i) => set(i)).join(''));
  await peer.ask('version\r\n');
}

async function figure(peer: SimPeer, name: string): Promise<string | undefined> {
  const text = await peer.ask('stats\r\n', 'END\r\n');
  return new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(text)?.[1];
}

/** How often the maintainer looks around in so many seconds. */
async function stepsIn(server: SimServer, seconds: number): Promise<number> {
  const before = resettable.lruMaintainerJuggles;
  await server.sim.advance(seconds);
  return resettable.lruMaintainerJuggles - before;
}

test.serial('the maintainer unlinks expired items at the tail of an LRU without any request for them', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  await storeMany(peer, 'k', 1000, 1);
  t.is(statsState.currItems, 1000);
  await server.sim.advance(3);
  t.is(statsState.currItems, 0);
  t.is(await figure(peer, 'reclaimed'), '1000');
  t.is(await figure(peer, 'expired_unfetched'), '1000');
  checkStorage();
});

test.serial('HOT and WARM keep to their shares; items fetched twice are in WARM', async (t) => {
  const server = await serverWith(t, '-o', 'hot_lru_pct=10,warm_lru_pct=20,hot_max_factor=100,warm_max_factor=100');
  const peer = server.connectNow();
  await storeMany(peer, 'k', 10_000);
  for (let i = 9000; i < 9100; i++) await peer.ask(`get k${i} k${i}\r\n`, 'END\r\n');
  await server.sim.advance(5);
  const [hot, warm, cold] = [HOT_LRU, WARM_LRU, COLD_LRU].map((lru) => lruBytes(SMALL | lru));
  const all = hot + warm + cold;
  t.true(hot <= all * 0.1 && hot > all * 0.09, `${hot} bytes of ${all}`);
  t.deepEqual(keysOf(SMALL | WARM_LRU).sort(), Array.from({ length: 100 }, (_, i) => `k${9000 + i}`));
  checkStorage();
});

test.serial('lru mode flat moves all items to COLD, in steps between which clients are served', async (t) => {
  const server = await serverWith(t, '-o', 'hot_lru_pct=70,warm_lru_pct=10,hot_max_factor=100');
  const peer = server.connectNow();
  await storeMany(peer, 'k', 10_000);
  await server.sim.advance(20);
  const before = lruSize(SMALL | HOT_LRU);
  t.true(before > 5000);
  await peer.ask('lru mode flat\r\n');
  // The maintainer may have to be awaited, having had nothing to do; then it does so much at a time, for each answer.
  const moved: number[] = [];
  for (let hot = before; hot > 0;) {
    await server.sim.advance(0.001);
    await peer.ask('version\r\n');
    const left = lruSize(SMALL | HOT_LRU);
    if (left < hot) moved.push(hot - left);
    hot = left;
  }
  t.true(Math.max(...moved) <= 510, moved.join(' '));
  t.true(moved.length >= before / 510);
  t.is(lruSize(SMALL | COLD_LRU), 10_000);
  checkStorage();
});

test.serial('a step of the maintainer moves fewer items when half a millisecond is over sooner', async (t) => {
  const server = await serverWith(t, '-o', 'hot_lru_pct=70,warm_lru_pct=10,hot_max_factor=100');
  const peer = server.connectNow();
  await storeMany(peer, 'k', 10_000);
  await server.sim.advance(20);
  server.sim.slowDown(0.0002);
  await peer.ask('lru mode flat\r\n');
  let most = 0;
  for (let hot = lruSize(SMALL | HOT_LRU); hot > 0; hot = lruSize(SMALL | HOT_LRU)) {
    await server.sim.advance(0.001);
    most = Math.max(most, hot - lruSize(SMALL | HOT_LRU));
  }
  t.true(most > 100 && most <= 160, `${most} in a step`);
  t.is(lruSize(SMALL | COLD_LRU), 10_000);
});

test.serial('a class with much to do does not hold up the other classes', async (t) => {
  const server = await serverWith(t, '-o', 'hot_lru_pct=70,warm_lru_pct=10,hot_max_factor=100');
  const peer = server.connectNow();
  await storeMany(peer, 'k', 10_000);
  await storeMany(peer, 'large', 100, 0, 1000);
  await server.sim.advance(20);
  await peer.ask('lru mode flat\r\n');
  while (lruSize(SMALL | HOT_LRU) > 4000) await server.sim.advance(0.001);
  t.deepEqual(keysOf(12 | HOT_LRU), []);
  t.is(keysOf(12 | COLD_LRU).length, 100);
});

test.serial('a maintainer with nothing to do looks less and less often, down to once a second', async (t) => {
  const server = await serverWith(t);
  t.true(await stepsIn(server, 10) > 30);
  t.true(await stepsIn(server, 60) <= 61);
  const peer = server.connectNow();
  await storeMany(peer, 'k', 100);
  await server.sim.advance(60);
  t.true(await stepsIn(server, 60) <= 61);
});

test.serial('with no_lru_maintainer no item is unlinked without a request', async (t) => {
  const server = await serverWith(t, '-o', 'no_lru_maintainer');
  const peer = server.connectNow();
  await storeMany(peer, 'k', 100, 1);
  await server.sim.advance(600);
  t.is(resettable.lruMaintainerJuggles, 0);
  t.is(statsState.currItems, 100);
  t.is(await figure(peer, 'lru_maintainer_juggles'), undefined);
});

test.serial('the crawler frees expired items between live ones', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  for (let i = 0; i < 50; i++) {
    await storeMany(peer, `stays${i}-`, 10);
    await storeMany(peer, `goes${i}-`, 10, 30);
  }
  await server.sim.advance(300);
  t.is(statsState.currItems, 500);
  t.true(Number(await figure(peer, 'crawler_reclaimed')) > 400);
  checkStorage();
});

test.serial('while nothing expires, the interval between crawls grows by a minute each time, up to an hour', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  await storeMany(peer, 'k', 100);
  const starts: number[] = [];
  for (let before = resettable.lruCrawlerStarts; starts.length < 5;) {
    await server.sim.advance(1);
    if (resettable.lruCrawlerStarts > before) starts.push(server.sim.elapsed);
    before = resettable.lruCrawlerStarts;
  }
  const waits = starts.slice(1).map((at, i) => at - starts[i]);
  t.deepEqual(waits.map((wait) => Math.floor(wait / 60)), [1, 2, 3, 4]);
  // It takes a day and a half to an hour; after 6 hours it has come to less than half of one.
  const [hours, least, most] = [upTo(6, 40), upTo(8, 4), upTo(10, 5)];
  await server.sim.advance(hours * 3600);
  const before = resettable.lruCrawlerStarts;
  await server.sim.advance(5 * 3600);
  const crawls = resettable.lruCrawlerStarts - before;
  t.true(crawls >= least && crawls <= most, `${crawls} in five hours`);
});

test.serial('the crawler checks many items in steps, between which clients are served', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  await storeMany(peer, 'k', 10_000);
  await server.sim.advance(30);
  const asked = Number(await figure(peer, 'crawler_items_checked'));
  t.is(await peer.ask('lru_crawler crawl all\r\n'), 'OK\r\n');
  t.is(await peer.ask('lru_crawler crawl all\r\n'), 'BUSY currently processing crawler request\r\n');
  t.true(Number(await figure(peer, 'crawler_items_checked')) - asked <= 2000);
  // Items leave their places meanwhile.
  await peer.ask(Array.from({ length: 5000 }, (_, i) => `delete k${2 * i} noreply\r\n`).join('') + 'version\r\n');
  await server.sim.advance(1);
  t.is(await figure(peer, 'lru_crawler_running'), '0');
  t.true(Number(await figure(peer, 'crawler_items_checked')) - asked >= 5000);
  t.is(statsState.currItems, 5000);
  checkStorage();
});

test.serial('a step of the crawler checks fewer items when half a millisecond is over sooner', async (t) => {
  const server = await serverWith(t, '-o', 'no_lru_maintainer');
  const peer = server.connectNow();
  await storeMany(peer, 'k', 1000);
  server.sim.slowDown(0.0001);
  await peer.ask('lru_crawler crawl all\r\n');
  const checked = async (): Promise<number> => Number(await figure(peer, 'crawler_items_checked'));
  const inSteps: number[] = [];
  for (let before = await checked(); before < 1000;) {
    await server.sim.advance(0.0002);
    const now = await checked();
    inSteps.push(now - before);
    before = now;
  }
  t.true(Math.max(...inSteps) <= 200, inSteps.join(' '));
});

test.serial('with idle_timeout a client that sends no command for so long is disconnected, and others are not', async (t) => {
  const server = await serverWith(t, '-o', 'idle_timeout=3');
  const openBefore = server.sim.openFds().length;
  const idle = server.connectNow(), silent = server.connectNow(), active = server.connectNow();
  const waiting = server.connectNow();
  t.is(await idle.ask('version\r\n'), 'VERSION 1.6.45\r\n');
  waiting.send('set a 0 0 10\r\n123');
  for (let second = 0; second < 3; second++) {
    await server.sim.advance(1);
    await active.ask('version\r\n');
  }
  t.false(idle.client.ended || silent.client.ended);
  for (let second = 0; second < 3; second++) {
    await server.sim.advance(1);
    await active.ask('version\r\n');
  }
  t.is(await idle.closed(), '');
  t.is(await silent.closed(), '');
  // In the middle of its data, a connection is not idle.
  t.is(await waiting.ask('4567890\r\n'), 'STORED\r\n');
  t.is(await figure(active, 'idle_kicks'), '2');
  t.is(threadStats.idleKicks, 2);
  await server.sim.advance(6);
  t.is(await active.closed(), '');
  t.is(threadStats.idleKicks, 4);
  t.is(server.sim.openFds().length, openBefore);
});

test.serial('hundreds of idle connections are closed in several steps', async (t) => {
  const server = await serverWith(t, '-o', 'idle_timeout=3');
  const openBefore = server.sim.openFds().length;
  const peers = Array.from({ length: 450 }, () => server.connectNow());
  await server.sim.idle();
  t.is(await peers[449].ask('version\r\n'), 'VERSION 1.6.45\r\n');
  const kicks = new Set<number>();
  for (let step = 0; step < 700; step++) {
    await server.sim.advance(0.01);
    kicks.add(threadStats.idleKicks);
  }
  t.true(kicks.has(450));
  t.true(kicks.size > 4, [...kicks].join(' '));
  t.is(server.sim.openFds().length, openBefore);
});

test.serial('without idle_timeout no idle connection is closed', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  await server.sim.advance(3600);
  t.is(await peer.ask('version\r\n'), 'VERSION 1.6.45\r\n');
  t.is(await figure(peer, 'idle_kicks'), undefined);
});
