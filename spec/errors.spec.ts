// System calls that fail, in each state of the machine: whom it ends, what is said, and that the others go on.
import { constants } from 'node:os';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { assocFind } from '../lib/memcached';
import { stats } from '../lib/memcached.h';
import { bss, mallinfo } from '../lib/libc/memory';
import { ECONNRESET, ENOMEM, EPIPE } from '../reactor/errno.h';
import { eventqueue } from '../reactor/event';
import { TAILQ_FIRST, TAILQ_NEXT } from '../reactor/queue';
import type { CallName } from '../reactor/sim';
import { putz } from './support/memory';
import { SimServer } from './support/sim-server';
import type { SimPeer } from './support/sim-server';
import { Stderr } from './support/stderr';
import { upTo } from './support/thorough';

const VERSION = 'VERSION 1.0.4\r\n';
const LARGE = 'L'.repeat(100_000);
const REPLY = `VALUE large 0 ${LARGE.length}\r\n${LARGE}\r\nEND\r\n`;
const { EIO } = constants.errno;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const key = bss(256);

interface Scene {
  server: SimServer;
  /** A client beside the one that has the trouble. */
  steady: SimPeer;
  stderr: Stderr;
}

async function start(t: ExecutionContext, classic: boolean, verbose: boolean, sendBuffer = 1000): Promise<Scene> {
  const stderr = new Stderr();
  t.teardown(() => { stderr.restore(); });
  const args = ['-m', '4', ...(verbose ? ['-v'] : [])];
  const server = await SimServer.start(args, {
    classic, sendBuffer, record: true, maxTurns: 5000,
  });
  const steady = await server.connect();
  t.is(await steady.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
  return { server, steady, stderr };
}

function holdsNothing(t: ExecutionContext): void {
  t.is(stats.currConns, 2);
  t.is(assocFind(putz(key, 'large'))?.refcount, 0);
}

/** The connection is gone, what it held is given back, and the others are served, and so is who comes next. */
async function goesOn(t: ExecutionContext, { server, steady }: Scene): Promise<void> {
  holdsNothing(t);
  const fresh = await server.connect();
  for (const c of [steady, fresh]) {
    t.is(await c.ask('version\r\n'), VERSION);
    t.true(await c.ask('get large\r\n', 'END\r\n') === REPLY);
  }
  fresh.destroy();
  await server.sim.idle();
}

/** An event could not be changed: its connection is closed, with a line if it is verbose, and the others are served. */
async function onlyThatOneIsClosed(t: ExecutionContext, scene: Scene, verbose: boolean): Promise<void> {
  scene.server.sim.onCall = null;
  t.deepEqual(scene.stderr.lines(), verbose ? ["Couldn't update event"] : []);
  holdsNothing(t);
  t.is(await scene.steady.ask('version\r\n'), VERSION);
  await scene.server.stop();
}

/** Has the calls of that name on `fd` fail from now on; tells how many did. */
function failing({ server: { sim } }: Scene, name: CallName, errno: number, fd: number, op?: number): () => number {
  let count = 0;
  sim.onCall = (call) => {
    if (call.name !== name || call.fd !== fd || (op !== undefined && call.args[0] !== op)) return undefined;
    count++;
    return { errno };
  };
  return () => count;
}

for (const classic of [false, true]) {
  // In a usual run it is verbose without --classic, and silent with it.
  for (const verbose of [!classic, classic].slice(0, upTo(1, 2))) {
    const name = `sim${classic ? ' --classic' : ''}${verbose ? ' -v' : ''}`;

    for (const [state, sends] of [['read', 'vers'], ['nread', 'set a 0 0 100\r\nonly this'], ['swallow', 'set a 0 0 2000000\r\nonly this']]) {
      for (const [error, errno] of Object.entries({ ECONNRESET, EPIPE, EIO })) {
        test.serial(`${name}: a read that fails with ${error} in the state ${state} closes the connection`, async (t) => {
          const scene = await start(t, classic, verbose);
          const client = await scene.server.connect();
          client.send(sends);
          await scene.server.sim.idle();
          const failures = failing(scene, 'read', errno, client.client.fd);
          client.send('more');
          await client.closed();
          t.is(failures(), 1);
          scene.server.sim.onCall = null;
          const lines = scene.stderr.lines().filter((line) => line !== '');
          const told = verbose && state !== 'read';
          t.deepEqual(lines, told ? ['Failed to read, and not due to blocking'] : []);
          await goesOn(t, scene);
          await scene.server.stop();
        });
      }
    }

    for (const [state, sends] of [
      ['read', 'vers'], ['nread', 'set a 0 0 100\r\nonly this'], ['swallow', 'set a 0 0 2000000\r\nonly this'],
      ['before any', ''],
    ]) {
      test.serial(`${name}: the end of the stream in the state ${state} closes the connection`, async (t) => {
        const scene = await start(t, classic, verbose);
        const client = await scene.server.connect();
        client.send(sends);
        await scene.server.sim.idle();
        client.end();
        await client.closed();
        t.deepEqual(scene.stderr.lines(), []);
        await goesOn(t, scene);
        await scene.server.stop();
      });
    }

    for (const [state, sends] of [
      ['write', 'version\r\n'.repeat(200)], ['mwrite', 'get large large large\r\n'], ['write', 'stats sizes\r\n'.repeat(200)],
    ]) {
      for (const [error, errno] of Object.entries({ ECONNRESET, EPIPE, EIO })) {
        const what = sends.split('\r')[0];
        test.serial(`${name}: a write that fails with ${error} in the state ${state} (${what}) closes the connection`, async (t) => {
          const scene = await start(t, classic, verbose);
          const client = await scene.server.connect();
          client.pauseReading();
          client.send(sends);
          await scene.server.sim.idle();
          const failures = failing(scene, 'write', errno, client.client.fd);
          client.resumeReading();
          await client.closed();
          await scene.server.sim.idle();
          t.is(failures(), 1);
          scene.server.sim.onCall = null;
          const lines = scene.stderr.lines();
          // Without --classic the reactor has sent it, and it is the next read that has the end.
          if (classic) t.deepEqual(lines, verbose ? ['Failed to write, and not due to blocking'] : []);
          await goesOn(t, scene);
          await scene.server.stop();
        });
      }
    }

    test.serial(`${name}: a connection whose event cannot be added is closed, and leaves nothing behind`, async (t) => {
      const scene = await start(t, classic, verbose);
      const { sim } = scene.server;
      const queued = (): number => {
        let count = 0;
        for (let ev = TAILQ_FIRST(eventqueue); ev; ev = TAILQ_NEXT(ev.evNext)) count++;
        return count;
      };
      // The second time the structure is one that was used before.
      for (const before of ['a new structure', 'a used one']) {
        if (before === 'a used one') {
          const client = await scene.server.connect();
          await client.ask('version\r\n');
          client.destroy();
          await sim.idle();
        }
        const [used, events, fds] = [mallinfo().uordblks, queued(), sim.openFds()];
        let failures = 0;
        sim.onCall = ({ name, args }) =>
          name === 'epoll_ctl' && args[0] === EPOLL_CTL_ADD && failures++ === 0 ? { errno: ENOMEM } : undefined;
        const client = await scene.server.connect();
        client.send('version\r\n');
        await client.closed();
        client.destroy();
        await sim.idle();
        sim.onCall = null;
        t.deepEqual(scene.stderr.lines(), verbose ? ["couldn't create new connection"] : []);
        t.is(mallinfo().uordblks, before === 'a used one' ? used - 512 : used);
        t.is(queued(), events);
        t.deepEqual(sim.openFds(), fds);
        await goesOn(t, scene);
      }
      await scene.server.stop();
    });

    test.serial(`${name}: a yielding connection whose event cannot be added again is closed after all replies`, async (t) => {
      const scene = await start(t, classic, verbose, 100_000);
      const client = await scene.server.connect();
      t.is(await client.ask('version\r\n'), VERSION);
      const failures = failing(scene, 'epoll_ctl', ENOMEM, client.client.fd, EPOLL_CTL_ADD);
      client.send('version\r\n'.repeat(100));
      t.is(await client.closed(), VERSION.repeat(100));
      t.true(failures() > 0);
      scene.server.sim.onCall = null;
      t.deepEqual(scene.stderr.lines(), verbose ? ["Couldn't update event"] : []);
      await goesOn(t, scene);
      await scene.server.stop();
    });

    for (const [which, op] of [['event_del', EPOLL_CTL_DEL], ['event_add', EPOLL_CTL_ADD]] as const) {
      test.serial(`${name}: an ${which} that fails once as a connection yields does not lose the connection`, async (t) => {
        const scene = await start(t, classic, verbose, 500);
        const client = await scene.server.connect();
        t.is(await client.ask('version\r\n'), VERSION);
        const { sim } = scene.server;
        let failures = 0;
        sim.onCall = ({ name, fd, args }) => {
          const hit = name === 'epoll_ctl' && fd === client.client.fd && args[0] === op;
          return hit && failures++ === 0 ? { errno: ENOMEM } : undefined;
        };
        client.pauseReading();
        client.send('version\r\n'.repeat(100));
        await sim.idle();
        t.true(failures > 0);
        client.resumeReading();
        t.is(await client.take(100 * VERSION.length), VERSION.repeat(100));
        t.is(await client.ask('version\r\n'), VERSION);
        client.destroy();
        await sim.idle();
        t.deepEqual(scene.stderr.lines(), []);
        await goesOn(t, scene);
        await scene.server.stop();
      });
    }
  }
}

// With --classic, where the program itself waits for room to write.
for (const verbose of [false, true]) {
  const name = `sim --classic${verbose ? ' -v' : ''}`;
  const blocked = 'get large large\r\n';

  for (const [which, op] of [['event_del', EPOLL_CTL_DEL], ['event_add', EPOLL_CTL_ADD]] as const) {
    // So few commands that the connection does not yield.
    for (const [state, sends] of [['write', 'stats slabs\r\n'.repeat(10)], ['mwrite', blocked]]) {
      test.serial(`${name}: an ${which} that fails in the state ${state} closes the connection`, async (t) => {
        const scene = await start(t, true, verbose);
        const client = await scene.server.connect();
        t.is(await client.ask('version\r\n'), VERSION);
        const failures = failing(scene, 'epoll_ctl', ENOMEM, client.client.fd, op);
        client.pauseReading();
        client.send(sends);
        await scene.server.sim.idle();
        client.resumeReading();
        await client.closed();
        t.true(failures() > 0);
        await onlyThatOneIsClosed(t, scene, verbose);
      });
    }

    for (const [state, then] of [['read', ''], ['nread', 'set a 0 0 100\r\nonly this'], ['swallow', 'set a 0 0 2000000\r\nthis']]) {
      test.serial(`${name}: an ${which} that fails on the way to the state ${state} closes the connection`, async (t) => {
        const scene = await start(t, true, verbose);
        const client = await scene.server.connect();
        t.is(await client.ask('version\r\n'), VERSION);
        client.pauseReading();
        client.send(`${blocked}${then}`);
        await scene.server.sim.idle();
        const failures = failing(scene, 'epoll_ctl', ENOMEM, client.client.fd, op);
        client.resumeReading();
        const reply = await client.closed();
        const swallowed = state === 'swallow' ? 'SERVER_ERROR out of memory\r\n' : '';
        t.true(reply === `${REPLY.slice(0, -5)}${REPLY}${swallowed}`);
        t.true(failures() > 0);
        await onlyThatOneIsClosed(t, scene, verbose);
      });
    }
  }
}
