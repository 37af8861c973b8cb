// The page mover of memcached 1.6. Time passes a millisecond after the other, and after each of its steps every chunk
// must be in one place, and the LRUs and the hash table must agree.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { hold, itemRemove } from '../lib/1.6/items';
import { lock, unlock } from '../lib/1.6/item_locks';
import { crawlFromTail, crawlOn } from '../lib/1.6/lru';
import {
  COLD_LRU, IT_NBYTES, ITEM_LINKED, STORED, clientFlagsOf, dataOf, field, itFlags, resettable, statsState,
} from '../lib/1.6/memcached.h';
import { slabList } from '../lib/1.6/slabclass';
import { slabsClsid, slabsPageCount, slabsPerslab, slabsTotalMalloced } from '../lib/1.6/slabs';
import { MOVES_AT_ONCE } from '../lib/1.6/slabs_mover';
import heap from '../lib/libc/heap';
import type { Ptr } from '../lib/libc/memory';
import { NULL } from '../lib/libc/memory';
import { Random } from '../reactor/sim';
import { listOf } from '../scripts/sim/storage';
import type { SimPeer } from './support/sim-server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import {
  MIB, casOf, checkStorage, exptimeOf, get, has, hash, held, item, keysOf, remove, slab, store, storeRoom, valueOf,
} from './support/storage';
import { upTo } from './support/thorough';

/** All buckets are looked at after each step. */
const BUCKETS = ['-o', 'hashpower=12'];
const MANUAL = ['-m', '8', '-o', 'no_slab_automove,no_lru_maintainer'];
/** A class with 48 chunks to a page, and another with 1,110. */
const MIDDLE = 20_000;
const MIDDLE_CLASS = 25;
/** What is too large to be copied to a buffer when it is sent. */
const LARGE = 100_000;
const LARGE_CLASS = 32;
const SMALL = 860;
const SMALL_CLASS = 11;
const MILLISECOND = 0.001;

async function serverWith(t: ExecutionContext, ...args: string[]): Promise<SimServer> {
  const options = { today: true, memory: SMALL_MEMORY, maxTurns: Infinity, sendBuffer: 4096 };
  const server = await SimServer.start([...args, ...BUCKETS], options);
  t.teardown(() => server.stop());
  return server;
}

/** Stores values of that length under k0, k1 and so on. */
function fill(count: number, length: number, prefix = 'k'): void {
  for (let i = 0; i < count; i++) storeRoom(`${prefix}${i}`, length);
}

/** Lets the mover work until no page is being moved; after each step, all must be well. Returns how many it took. */
async function moved(server: SimServer, unlinked: () => Ptr[] = () => []): Promise<number> {
  for (let steps = 1; ; steps++) {
    await server.sim.advance(MILLISECOND);
    checkStorage(unlinked());
    if (!statsState.slabReassignRunning) return steps;
    if (steps > 20_000) throw new Error(`the page is still there: ${resettable.slabReassignLastBusyStatus}`);
  }
}

function unlinkedOf(items: readonly Ptr[]): Ptr[] {
  return [...new Set(items)].filter((it) => (itFlags(it) & ITEM_LINKED) === 0);
}

async function reassign(peer: SimPeer, from: number, to: number): Promise<void> {
  const answer = await peer.ask(`slabs reassign ${from} ${to}\r\n`);
  if (answer !== 'OK\r\n') throw new Error(answer);
}

function pages(): Record<number, number> {
  const counts: Record<number, number> = {};
  for (let id = 0; id < 64; id++) if (slabsPageCount(id) > 0) counts[id] = slabsPageCount(id);
  return counts;
}

async function figure(peer: SimPeer, name: string): Promise<number> {
  const text = await peer.ask('stats\r\n', 'END\r\n');
  return Number(new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(text)?.[1]);
}

test.serial('moving a page copies its items: values, cas, flags, expiry and places in the LRU stay', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  const peer = server.connectNow();
  await peer.ask(`set first 4294967295 1000 ${MIDDLE}\r\n${'f'.repeat(MIDDLE)}\r\n`);
  fill(100, MIDDLE);
  for (let i = 50; i < 100; i++) remove(`k${i}`);
  const before = item('first');
  const [cas, exptime, order] = [casOf(before), exptimeOf(before), keysOf(MIDDLE_CLASS | COLD_LRU)];
  const others = { bytes: statsState.currBytes, items: statsState.currItems, total: resettable.totalItems };
  t.is(order.length, 51, 'some of them are on the second page');
  await reassign(peer, MIDDLE_CLASS, SMALL_CLASS);
  await moved(server);

  const after = item('first');
  t.not(after, before);
  t.is(valueOf(after), 'f'.repeat(MIDDLE));
  t.deepEqual([casOf(after), exptimeOf(after), clientFlagsOf(after)], [cas, exptime, 0xffffffff]);
  t.deepEqual(keysOf(MIDDLE_CLASS | COLD_LRU), order);
  t.deepEqual({ bytes: statsState.currBytes, items: statsState.currItems, total: resettable.totalItems }, others);
  t.deepEqual(pages(), { [MIDDLE_CLASS]: 2, [SMALL_CLASS]: 1 });
  t.like(slab(SMALL_CLASS), { free_chunks: slabsPerslab(SMALL_CLASS) });
  t.is(await figure(peer, 'slab_reassign_rescues'), 48);
  t.is(await figure(peer, 'slabs_moved'), 1);
});

test.serial('a crawler about to check a moved item checks the copy', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  fill(100, MIDDLE);
  for (let i = 50; i < 100; i++) remove(`k${i}`);
  const before = item('k0');
  crawlFromTail(MIDDLE_CLASS | COLD_LRU);
  await reassign(server.connectNow(), MIDDLE_CLASS, 0);
  await moved(server);
  t.not(item('k0'), before);
  t.is(crawlOn(), item('k0'));
  t.is(crawlOn(), item('k1'));
});

test.serial('when the class is full, about a page of its oldest items is evicted', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  fill(1000, MIDDLE);
  const kept = statsState.currItems, evictions = await figure(server.connectNow(), 'evictions');
  await reassign(server.connectNow(), MIDDLE_CLASS, 0);
  await moved(server);
  t.deepEqual(pages(), { 0: 1, [MIDDLE_CLASS]: 7 });
  const gone = kept - statsState.currItems;
  t.true(gone >= 48 && gone <= 48 + 10, `${gone} items went`);
  t.is(await figure(server.connectNow(), 'evictions') - evictions, gone);
  t.true(has('k999'));
});

test.serial('expired and flushed items are not copied', async (t) => {
  const server = await serverWith(t, ...MANUAL, '-o', 'no_lru_crawler');
  const peer = server.connectNow();
  for (let i = 0; i < 48; i++) store(`k${i}`, 'v'.repeat(MIDDLE), 2, i % 2 + 1);
  fill(2, MIDDLE, 'other');
  await server.sim.advance(3);
  await reassign(peer, MIDDLE_CLASS, 0);
  await moved(server);
  t.is(statsState.currItems, 2);
  t.is(await figure(peer, 'slab_reassign_rescues'), 0);
  fill(60, MIDDLE, 'flushed');
  await peer.ask('flush_all\r\n');
  await reassign(peer, MIDDLE_CLASS, 0);
  await moved(server);
  t.is(await figure(peer, 'slab_reassign_rescues'), 0);
});

test.serial('a reply being sent keeps its item, and the page waits until it is sent', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  const [peer, slow] = [server.connectNow(), server.connectNow()];
  const value = Array.from({ length: LARGE / 4 }, (_, i) => String(i % 10_000).padStart(4)).join('');
  const reply = `VALUE k 0 ${LARGE}\r\n${value}\r\nEND\r\n`;
  store('k', value);
  fill(12, LARGE, 'other');
  for (let i = 5; i < 12; i++) remove(`other${i}`);
  const promised = item('k');
  slow.pauseReading();
  slow.send('get k\r\n');
  await server.sim.advance(0.1);
  await reassign(peer, LARGE_CLASS, SMALL_CLASS);
  for (let i = 0; i < 200; i++) {
    await server.sim.advance(MILLISECOND);
    checkStorage(unlinkedOf([promised]));
  }
  t.is(await peer.ask(`slabs reassign ${LARGE_CLASS} 1\r\n`), 'BUSY currently processing reassign request\r\n');
  t.is(await figure(peer, 'slab_reassign_running'), 1);
  t.true(await figure(peer, 'slab_reassign_busy_items') > 10);
  t.regex(await peer.ask('stats\r\n', 'END\r\n'), /slab_reassign_last_busy_status busy_floating\r/);
  t.true(await peer.ask('get k\r\n', 'END\r\n') === reply, 'others get the copy');
  t.is(await peer.ask('set k 0 0 1\r\n1\r\n'), 'STORED\r\n');

  slow.resumeReading();
  t.true(await slow.take(reply.length) === reply);
  await moved(server);
  t.is(await figure(peer, 'slabs_moved'), 1);
  t.is(get('k'), '1');
});

test.serial('a locked item, as by debugitem, keeps its place, and its page waits', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  fill(500, MIDDLE);
  const first = slabList[MIDDLE_CLASS][0];
  const key = keysOf(MIDDLE_CLASS | COLD_LRU).find((name) => item(name) >= first && item(name) < first + MIB) ?? '';
  const it = item(key);
  lock(hash(key));
  await reassign(server.connectNow(), MIDDLE_CLASS, 0);
  for (let i = 0; i < 50; i++) await server.sim.advance(MILLISECOND);
  t.is(item(key), it);
  t.is(resettable.slabReassignLastBusyStatus, 'locked');
  t.is(resettable.slabsMoved, 0);
  unlock(hash(key));
  await moved(server);
  t.is(resettable.slabsMoved, 1);
});

test.serial('a step moves a bounded number of items, and requests are served between steps', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  const peer = server.connectNow();
  for (let i = 0; i < 11_000; i++) store(`k${i}`, 'v');
  for (let i = 0; i < 100; i++) remove(`k${i}`);
  fill(11_000, 1, 'free');
  for (let i = 0; i < 11_000; i++) remove(`free${i}`);
  const page = slabList[1][0];
  const inPage = (): number => listOf(1 | COLD_LRU).filter((it) => it >= page && it < page + MIB).length;
  await reassign(peer, 1, 0);
  const counts = [inPage()];
  t.true(counts[0] > 10_000);
  do {
    await server.sim.advance(MILLISECOND);
    t.is(await peer.ask('get k500\r\n', 'END\r\n'), 'VALUE k500 0 1\r\nv\r\nEND\r\n');
    counts.push(inPage());
  } while (statsState.slabReassignRunning);
  checkStorage();
  const most = Math.max(...counts.slice(1).map((left, i) => counts[i] - left));
  t.true(most <= MOVES_AT_ONCE, `${most} at once`);
  t.true(counts.length > counts[0] / MOVES_AT_ONCE);
  t.is(statsState.currItems, 10_900);
});

test.serial('a step ends when half a millisecond is over; the next one follows in the next turn of the loop', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  const peer = server.connectNow();
  for (let i = 0; i < 11_000; i++) store(`k${i}`, 'v');
  for (let i = 1000; i < 11_000; i++) remove(`k${i}`);
  const page = slabList[1][0];
  const inPage = (): number => listOf(1 | COLD_LRU).filter((it) => it >= page && it < page + MIB).length;
  await reassign(peer, 1, 0);
  server.sim.slowDown(0.0001);
  const counts = [inPage()];
  server.sim.onCall = ({ name }) => {
    if (name === 'epoll_wait' && statsState.slabReassignRunning) counts.push(inPage());
    return undefined;
  };
  await server.sim.advance(MILLISECOND);
  server.sim.onCall = null;
  checkStorage();
  const most = Math.max(...counts.slice(1).map((left, i) => counts[i] - left));
  t.true(most > 0 && most <= 6, `${most} at once`);
  t.false(statsState.slabReassignRunning);
  t.is(statsState.currItems, 1000);
});

test.serial('an item in adjacent chunks is copied as a whole', async (t) => {
  const server = await serverWith(t, ...MANUAL, '-o', 'slab_chunk_max=16');
  const peer = server.connectNow();
  const id = slabsClsid(30_000);
  for (let i = 0; i < 100; i++) store(`k${i}`, String(i).repeat(30_000).slice(0, 30_000));
  for (let i = 0; i < 40; i++) remove(`k${2 * i}`);
  const bytes = statsState.currBytes;
  await reassign(peer, id, 0);
  await moved(server);
  t.is(statsState.currItems, 60);
  t.is(statsState.currBytes, bytes);
  for (let i = 1; i < 80; i += 2) t.is(get(`k${i}`), String(i).repeat(30_000).slice(0, 30_000));
  t.true(await figure(peer, 'slab_reassign_chunk_rescues') > 20);
});

test.serial('the oldest block makes room for a page; a block with a reference stays', async (t) => {
  const server = await serverWith(t, '-m', '8', '-I', '2m', '-o', 'no_slab_automove,no_lru_maintainer');
  const peer = server.connectNow();
  fill(4, 2 * MIB - 1000);
  t.deepEqual(pages(), { 39: 8 });
  const it = held('k0');
  storeRoom('small', 1); // its class has the first page above the limit
  await reassign(peer, 39, 1);
  await moved(server);
  t.deepEqual(['k0', 'k1', 'k2', 'k3'].map(has), [true, false, true, true]);
  t.deepEqual(pages(), { 1: 2, 39: 6 });
  t.true(slabsTotalMalloced() <= 8 * MIB);
  itemRemove(it);
  t.is(storeRoom('k4', 2 * MIB - 1000), STORED);
});

/** Values are parts of this. */
const random = new Random(1);
const BYTES = Buffer.from(Uint32Array.from({ length: MIB }, () => random.int(2 ** 32)).buffer);

function storeBytes(key: string, value: Buffer): number | null {
  const result = storeRoom(key, value.length);
  if (result === STORED) heap.u8.set(value, dataOf(item(key)));
  return result;
}

function isValue(it: Ptr, value: Buffer): boolean {
  const start = dataOf(it), end = start + field(it, IT_NBYTES) - 2;
  return value.compare(heap.u8, start, end) === 0;
}

const RANDOM = [
  ['many classes', ['-m', '8']],
  ['a flat LRU', ['-m', '8', '-o', 'no_lru_maintainer']],
  ['chunks of 16 KB at most', ['-m', '8', '-o', 'slab_chunk_max=16']],
  ['blocks', ['-m', '8', '-I', '2m']],
  ['automove 2', ['-m', '8', '-o', 'slab_automove=2']],
] as const;

for (const [name, args] of RANDOM) {
  test.serial(`no item is lost or doubled, whatever is stored, held and released during moves: ${name}`, async (t) => {
    const server = await serverWith(t, ...args);
    const peer = server.connectNow();
    const random = new Random(name.length);
    const lengths = [3000, 11_000, 60_000, 300_000, ...(name === 'blocks' ? [1_100_000, 700_000] : [])];
    const holds: [Ptr, Buffer][] = [];
    const values = new Map<string, Buffer>();
    const check = (key: string): void => {
      if (has(key) && !isValue(item(key), values.get(key) ?? BYTES)) t.fail(`${key} has another's value`);
    };
    for (let i = 0; i < upTo(40, 100); i++) {
      // Mostly of one size for a time, so that others run short of pages.
      for (let n = 0; n < 10; n++) {
        const length = lengths[random.chance(0.7) ? Math.floor(i / 10) % lengths.length : random.int(lengths.length)];
        const key = `k${random.int(1000)}`, from = random.int(MIB), value = BYTES.subarray(from, from + length);
        if (random.chance(0.15)) remove(key);
        else if (storeBytes(key, value) === STORED) values.set(key, value);
        if (random.chance(0.1)) check(key);
        if (random.chance(0.05) && has(key)) {
          hold(item(key));
          holds.push([item(key), values.get(key) ?? BYTES]);
        }
      }
      if (random.chance(0.5) || holds.length > 8) {
        const [it, value] = holds.shift() ?? [NULL, BYTES];
        if (it !== NULL) {
          t.true(isValue(it, value), 'as it was when it was held');
          itemRemove(it);
        }
      }
      const classes = Object.keys(pages());
      if (random.chance(0.3)) await peer.ask(`slabs reassign ${random.pick(['-1', ...classes])} ${random.pick(classes)}\r\n`);
      await server.sim.advance(random.pick([0.001, 0.01, 1.1]));
      checkStorage(unlinkedOf(holds.map(([it]) => it)));
    }
    t.true(resettable.slabsMoved > upTo(1, 5), `${resettable.slabsMoved} pages`);
    for (const key of values.keys()) check(key);
    for (const [it] of holds) itemRemove(it);
    checkStorage();
  });
}

test.serial('automove moves a page from the class with the oldest items to the class that evicts', async (t) => {
  const server = await serverWith(t, '-m', '8', '-o', 'slab_automove_window=3');
  fill(300, MIDDLE, 'old');
  await server.sim.advance(100);
  const before = slabsPageCount(MIDDLE_CLASS);
  for (let i = 0; i < 30; i++) {
    for (let n = 0; n < 500; n++) storeRoom(`k${i}-${n}`, SMALL);
    await server.sim.advance(1);
  }
  checkStorage();
  t.true(slabsPageCount(SMALL_CLASS) >= 5);
  t.true(slabsPageCount(MIDDLE_CLASS) < before);
  t.true(slabsPageCount(MIDDLE_CLASS) >= 2);
  t.true(resettable.slabsMoved <= 30, 'one in a second');
});

test.serial('slabs automove 0 moves no page, and slabs automove 2 moves one at an eviction', async (t) => {
  const server = await serverWith(t, ...MANUAL);
  const peer = server.connectNow();
  fill(500, MIDDLE, 'old');
  await server.sim.advance(100);
  for (let i = 0; i < 3000; i++) storeRoom(`k${i}`, SMALL);
  await server.sim.advance(30);
  t.is(resettable.slabsMoved, 0);
  t.is(await peer.ask('slabs automove 2\r\n'), 'OK\r\n');
  storeRoom('one more', SMALL);
  await server.sim.advance(0.1);
  t.is(resettable.slabsMoved, 1);
  t.is(slabsPageCount(SMALL_CLASS), 2);
  checkStorage();
});

test.serial('free pages of a class go to the pool, and from there to the system when the limit is lowered', async (t) => {
  const server = await serverWith(t, '-m', '9', '-o', 'slab_automove_window=3');
  const peer = server.connectNow();
  fill(450, MIDDLE);
  t.is(slabsTotalMalloced(), 9 * MIB);
  for (let i = 0; i < 450; i++) remove(`k${i}`);
  await server.sim.advance(20);
  t.deepEqual(pages(), { 0: 7, [MIDDLE_CLASS]: 2 });
  t.is(await figure(peer, 'slab_global_page_pool'), 7);
  t.is(await peer.ask('cache_memlimit 8\r\n'), 'OK\r\n');
  t.is(slabsTotalMalloced(), 8 * MIB);
  fill(20_000, SMALL);
  t.deepEqual(pages(), { [SMALL_CLASS]: 6, [MIDDLE_CLASS]: 2 });
  checkStorage();
});

test.serial('after the limit is lowered, no page is taken until enough are given back', async (t) => {
  const server = await serverWith(t, '-m', '10', '-o', 'no_slab_automove');
  const peer = server.connectNow();
  fill(510, MIDDLE);
  await peer.ask('cache_memlimit 8\r\n');
  t.is(slabsTotalMalloced(), 10 * MIB);
  for (const left of [9, 8, 8]) {
    await reassign(peer, MIDDLE_CLASS, 0);
    await moved(server);
    t.is(slabsTotalMalloced(), left * MIB);
  }
  t.deepEqual(pages(), { 0: 1, [MIDDLE_CLASS]: 7 });
  storeRoom('a', SMALL);
  t.deepEqual(pages(), { [SMALL_CLASS]: 1, [MIDDLE_CLASS]: 7 });
  fill(20_000, SMALL);
  t.is(slabsTotalMalloced(), 8 * MIB);
});

test.serial('with no_slab_reassign no page moves, slabs reassign is refused, and stats has no slab_reassign', async (t) => {
  const server = await serverWith(t, '-m', '8', '-o', 'no_slab_reassign,slab_automove=2');
  const peer = server.connectNow();
  fill(450, MIDDLE);
  fill(3000, SMALL);
  t.is(await peer.ask(`slabs reassign ${MIDDLE_CLASS} 0\r\n`), 'CLIENT_ERROR slab reassignment disabled\r\n');
  await peer.ask('slabs automove 1\r\n');
  await server.sim.advance(60);
  t.is(resettable.slabsMoved, 0);
  t.notRegex(await peer.ask('stats\r\n', 'END\r\n'), /slab_reassign/);
});
