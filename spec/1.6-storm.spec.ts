// Memcached 1.6 in a storm, on the simulated backend: many clients at once, whatever they send, cut anywhere, with calls
// that would block at any time and clients that go at any time. No item may stay held, no memory be lost, no value be
// another key's.
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { stats } from '../lib/memcached.h';
import { lruHead } from '../lib/1.6/lru';
import { IT_NEXT, IT_REFCOUNT, LRUS, field } from '../lib/1.6/memcached.h';
import { NULL, mallinfo } from '../lib/libc/memory';
import { EAGAIN } from '../reactor/errno.h';
import { Random } from '../reactor/sim';
import { Allocations } from './support/allocations';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import type { SimPeer } from './support/sim-server';
import { Stderr } from './support/stderr';
import { checkStorage, keyText } from './support/storage';
import { TEXT_KEYS, storm, unexpected } from './support/storm-1.6';

const SEEDS = 12;
const CLIENTS = 6;
const STEPS = 60;
const SIZEOF_CONN = 512;

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
  test.serial(`sim: clients that send, wait and go by chance leave nothing behind, seed ${seed}`, async (t) => {
    const random = new Random(seed);
    const stderr = new Stderr();
    t.teardown(() => { stderr.restore(); });
    const often = { probability: 0.2, errnos: [EAGAIN] };
    const server = await SimServer.start(['-m', '4', ...random.pick([[], ['-C'], ['-o', 'no_lru_maintainer'], ['-M']])], {
      today: true, seed, shortIo: random.chance(0.5), shuffle: true, sendBuffer: random.pick([200, 3000, 65536]),
      maxTurns: Infinity, faults: { write: often, read: often }, classic: random.chance(0.3), memory: SMALL_MEMORY,
    });
    const before = used(), connections = stats.currConns;
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

    t.is(stats.currConns, connections);
    t.notThrows(checkItems);
    t.is(used() - before, 0, 'bytes that were lost');
    await checkServed(t, server, `seed ${seed}`);
    await server.stop();
    t.deepEqual(stderr.messages(), []);
  });
}

// malloc fails: at each allocation of a conversation, one after the other.
