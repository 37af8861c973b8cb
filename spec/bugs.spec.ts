// Bugs in the port, as if there were some: an exception anywhere ends one connection, once, and nothing else.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import * as items from '../lib/items';
import * as later from '../lib/later';
import * as memory from '../lib/libc/memory';
import * as unistd from '../lib/libc/unistd';
import { assocFind } from '../lib/memcached';
import type { Conn, Item } from '../lib/memcached.h';
import { stats } from '../lib/memcached.h';
import * as slabs from '../lib/slabs';
import * as event from '../reactor/event';
import type { Event } from '../reactor/event.h';
import * as syscalls from '../reactor/syscalls';
import { bytes, putz } from './support/memory';
import { replace } from './support/replace';
import { SimServer } from './support/sim-server';
import type { SimPeer } from './support/sim-server';
import { Stderr } from './support/stderr';

const VERSION = 'VERSION 1.0.4\r\n';
const LARGE = 'L'.repeat(100_000);
const WINDOW_SECONDS = 12;
const key = memory.bss(256);

/** Whether a descriptor is that of the connection in which the test puts the bug. */
type IsVictim = (fd: number) => boolean;

/** A bug for a connection that is in each state, and how it gets there. */
const STATES: readonly { state: string; sends: string; then: string; bug: (isVictim: IsVictim) => () => void }[] = [
  {
    state: 'read', sends: 'get ', then: `${'k'.repeat(251)}\r\n`, // longer than a key may be
    bug: () => replace(later, 'refuseGet', () => fail),
  },
  {
    state: 'nread', sends: 'set bug 0 0 3\r\n', then: '123\r\n',
    bug: () => replace(items, 'itemLink', (original) => (it) => bytes(it.key, 4) === 'bug\0' ? fail() : original(it)),
  },
  {
    state: 'swallow', sends: 'set huge 0 0 2000000\r\n', then: 'data',
    bug: (isVictim) => replace(unistd, 'read', (original) => (fd, buf, n) => isVictim(fd) ? fail() : original(fd, buf, n)),
  },
  {
    state: 'write', sends: '', then: 'version\r\n',
    bug: (isVictim) => replace(unistd, 'write', (original) => (fd, buf, n) => isVictim(fd) ? fail() : original(fd, buf, n)),
  },
  {
    state: 'mwrite', sends: '', then: 'get large large large\r\n',
    bug: (isVictim) => replace(unistd, 'write', (original) => {
      let writes = 0;
      return (fd, buf, n) => isVictim(fd) && ++writes === 3 ? fail() : original(fd, buf, n);
    }),
  },
  {
    state: 'about to wake', sends: '', then: 'version\r\n',
    bug: () => replace(memory, 'malloc', (original) => failsOnce(original)),
  },
  {
    state: 'about to rest', sends: '', then: 'version\r\n',
    bug: () => replace(memory, 'free', (original) => failsOnce(original)),
  },
];

/** A bug in each part of connClose, while it has something to do. */
const CLOSING: readonly {
  part: string; sends: string; bug: (isVictim: IsVictim, count: () => void) => () => void;
}[] = [
  {
    part: 'eventDel', sends: 'get lar',
    bug: (isVictim, count) => replace(event, 'eventDel', (original) => {
      let calls = 0;
      return (ev: Event) => isVictim(ev.evFd) && calls++ === 0 ? failCounted(count) : original(ev);
    }),
  },
  {
    part: 'close', sends: 'get lar',
    bug: (isVictim, count) => replace(syscalls, 'close', (original) => (fd) => isVictim(fd) ? failCounted(count) : original(fd)),
  },
  {
    part: 'itemFree', sends: 'set half 0 0 100\r\nhalf of it',
    bug: (_, count) => replace(items, 'itemFree', (original) => (it: Item) =>
      bytes(it.key, 4) === 'half' ? failCounted(count) : original(it)),
  },
  {
    part: 'itemRemove', sends: 'get large large large\r\n',
    bug: (_, count) => replace(items, 'itemRemove', () => () => failCounted(count)),
  },
  {
    part: 'free', sends: 'stats cachedump 6 0\r\n',
    bug: (_, count) => replace(memory, 'free', (original) => {
      let calls = 0;
      return (p) => calls++ === 0 ? failCounted(count) : original(p);
    }),
  },
  {
    part: 'freeBuffers', sends: 'get lar',
    bug: (isVictim, count) => replace(later, 'freeBuffers', (original) => (c: Conn) =>
      isVictim(c.sfd) ? failCounted(count) : original(c)),
  },
  {
    part: 'acceptNewConns', sends: 'get lar',
    bug: (_, count) => replace(later, 'acceptNewConns', () => () => failCounted(count)),
  },
];

function fail(): never {
  throw new Error('a bug');
}

/** `original`, but that its first call throws. */
function failsOnce<T>(original: (n: number) => T): (n: number) => T {
  let calls = 0;
  return (n) => calls++ === 0 ? fail() : original(n);
}

function failCounted(count: () => void): never {
  count();
  return fail();
}

/** Throws where a chunk is given back that is given back already. */
function chunksAreFreedOnce(t: ExecutionContext): void {
  const free = new Set<number>();
  t.teardown(replace(slabs, 'slabsAlloc', (original) => (id) => {
    const p = original(id);
    free.delete(p);
    return p;
  }));
  t.teardown(replace(slabs, 'slabsFree', (original) => (p, id) => {
    if (free.has(p)) t.fail(`the chunk ${p} is freed twice`);
    free.add(p);
    original(p, id);
  }));
}

interface Scene {
  server: SimServer;
  steady: SimPeer;
  stderr: Stderr;
}

async function start(t: ExecutionContext, classic: boolean, sendBuffer = 20_000): Promise<Scene> {
  const stderr = new Stderr();
  t.teardown(() => { stderr.restore(); });
  chunksAreFreedOnce(t);
  const server = await SimServer.start(['-m', '4'], {
    classic, sendBuffer, record: true, maxTurns: 1000,
  });
  const steady = await server.connect();
  t.is(await steady.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
  for (let i = 0; i < 100; i++) await steady.ask(`set ${String(i).repeat(5)} 0 0 1\r\n1\r\n`);
  return { server, steady, stderr };
}

/** The server serves old and new connections, and holds no item. */
async function goesOn(t: ExecutionContext, { server, steady }: Scene): Promise<void> {
  const fresh = await server.connect();
  for (const c of [steady, fresh]) {
    t.is(await c.ask('version\r\n'), VERSION);
    t.is(await c.ask('set bug 0 0 3\r\n321\r\n'), 'STORED\r\n');
    t.is(await c.ask('get bug\r\n', 'END\r\n'), 'VALUE bug 0 3\r\n321\r\nEND\r\n');
  }
  fresh.destroy();
  await server.sim.idle();
}

for (const classic of [false, true]) {
  const name = classic ? 'sim --classic' : 'sim';

  for (const { state, sends, then, bug } of STATES) {
    test.serial(`${name}: an exception in the state ${state} closes its connection, and no other`, async (t) => {
      const scene = await start(t, classic);
      const { server, stderr } = scene;
      const client = await server.connect();
      client.send(sends);
      await server.sim.idle();
      const { fd, socket } = client.client;
      const restore = bug((victim) => victim === fd);
      t.teardown(restore);
      client.pauseReading();
      client.send(then);
      await server.sim.idle();
      restore();
      t.deepEqual(stderr.messages(), [`memcached-ts: connection ${fd}: Error: a bug`]);
      client.resumeReading();
      await client.closed();
      client.destroy();
      await server.sim.idle();
      t.is(server.sim.calls.filter((call) => call.name === 'close' && call.socket === socket).length, 1);
      t.is(stats.currConns, 2);
      t.is(assocFind(putz(key, 'large'))?.refcount, 0);
      await goesOn(t, scene);
      t.deepEqual(stderr.lines(), []);
      await server.stop();
    });
  }

  for (const { part, sends, bug } of CLOSING) {
    test.serial(`${name}: an exception in connClose, in its part ${part}, is reported once; the close is not repeated`, async (t) => {
      const scene = await start(t, classic, 1000);
      const { server, steady, stderr } = scene;
      const client = await server.connect();
      client.pauseReading();
      client.send(sends);
      await server.sim.idle();
      const { fd } = client.client;
      let failed = 0;
      let woken = 0;
      const restore = bug((victim) => victim === fd, () => {
        failed++;
        woken = 0;
      });
      t.teardown(restore);
      t.teardown(replace(later, 'guarded', (original) => (driveMachine, c, connClose) => {
        if (c.sfd === fd) woken++;
        original(driveMachine, c, connClose);
      }));
      client.reset();
      await server.sim.advance(1);
      t.is(failed, 1);
      t.is(woken, 0, 'the machine is called no more');
      t.deepEqual(stderr.messages(), [`memcached-ts: connection ${fd}: Error: a bug`]);
      t.is(await steady.ask('version\r\n'), VERSION);
      restore();
      await goesOn(t, scene);
      await server.sim.advance(60);
      t.deepEqual(stderr.lines(), []);
      await server.stop();
    });
  }

  test.serial(`${name}: an exception while a failed connection is closed is reported, too, and the connection given up`, async (t) => {
    const scene = await start(t, classic);
    const { server, steady, stderr } = scene;
    const client = await server.connect();
    await client.ask('version\r\n');
    const { fd } = client.client;
    const restores = [
      replace(unistd, 'read', (original) => (sfd, buf, n) => sfd === fd ? fail() : original(sfd, buf, n)),
      replace(syscalls, 'close', (original) => (sfd) => sfd === fd ? fail() : original(sfd)),
    ];
    client.send('version\r\n');
    await server.sim.advance(1);
    t.deepEqual(stderr.messages(), [
      `memcached-ts: connection ${fd}: Error: a bug`, `memcached-ts: connection ${fd}, closing: Error: a bug`,
    ]);
    t.is(await steady.ask('version\r\n'), VERSION);
    client.send('version\r\n');
    client.destroy();
    await server.sim.advance(1);
    t.deepEqual(stderr.lines(), []);
    for (const restore of restores) restore();
    await goesOn(t, scene);
    await server.stop();
  });

  test.serial(`${name}: a deleted item that cannot be freed is reported once; the others are freed in time`, async (t) => {
    const scene = await start(t, classic);
    const { server, steady, stderr } = scene;
    for (const k of ['a', 'b', 'c']) {
      t.is(await steady.ask(`set ${k} 0 0 1\r\n1\r\n`), 'STORED\r\n');
      t.is(await steady.ask(`delete ${k}\r\n`), 'DELETED\r\n');
      t.is(await steady.ask(`set ${k} 0 0 1\r\n2\r\n`), 'STORED\r\n');
    }
    const freed: string[] = [];
    const restore = replace(items, 'itemRemove', (original) => (it) => {
      freed.push(bytes(it.key, 1));
      if (freed.length === 2) fail();
      original(it);
    });
    t.teardown(restore);
    await server.sim.advance(WINDOW_SECONDS);
    t.deepEqual(freed, ['a', 'b', 'c']);
    t.deepEqual(stderr.messages(), ['memcached-ts: a deleted item: Error: a bug']);
    await server.sim.advance(10 * WINDOW_SECONDS);
    t.is(freed.length, 3, 'it is not tried again');
    restore();
    await goesOn(t, scene);
    t.is(await steady.ask('delete a\r\n'), 'DELETED\r\n');
    await server.sim.advance(WINDOW_SECONDS);
    t.is(await steady.ask('add a 0 0 1\r\n3\r\n'), 'STORED\r\n');
    t.deepEqual(stderr.lines(), []);
    await server.stop();
  });

  test.serial(`${name}: an event for another descriptor than the connection's closes the connection that it came to`, async (t) => {
    const scene = await start(t, classic);
    const { server } = scene;
    const client = await server.connect();
    await client.ask('version\r\n');
    const woken: Conn[] = [];
    const restore = replace(later, 'guarded', (original) => (driveMachine, c, connClose) => {
      woken.push(c);
      original(driveMachine, c, connClose);
    });
    await client.ask('version\r\n');
    restore();
    for (const c of woken) c.sfd = 999;
    client.send('version\r\n');
    await server.sim.advance(1);
    t.is(client.waiting, 0);
    t.is(stats.currConns, 2);
    await goesOn(t, scene);
    await server.stop();
  });
}

for (const classic of [false, true]) {
  const name = classic ? 'sim --classic' : 'sim';

  test.serial(`${name}: a loop that fails for good ends the server with status 1, after one line`, async (t) => {
    const scene = await start(t, classic);
    const { server, stderr } = scene;
    server.sim.onCall = (call) => call.name === 'epoll_wait' ? { errno: 9 } : undefined;
    server.sim.interrupt();
    t.is(await server.ended, 1);
    t.deepEqual(stderr.lines(), ['epoll_wait: bad file descriptor']);
  });
}
