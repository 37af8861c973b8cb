// Connections that cannot be accepted: the server rejects nobody, and neither spins nor goes deaf.
import test from 'ava';
import { EAGAIN, EMFILE, ENFILE, ENOBUFS, ENOMEM } from '../reactor/errno.h';
import * as syscalls from '../reactor/syscalls';
import type { Simulation } from '../reactor/sim';
import { replace } from './support/replace';
import { SimServer } from './support/sim-server';
import { Stderr } from './support/stderr';

const VERSION = 'VERSION 1.0.4\r\n';
const REST_SECONDS = 0.01;
/** More turns than any of these need by far. */
const options = { record: true, maxTurns: 5000 };

function accepts(sim: Simulation): number {
  return sim.calls.filter(({ name }) => name === 'accept').length;
}

for (const classic of [false, true]) {
  const name = classic ? 'sim --classic' : 'sim';

  for (const [error, errno] of Object.entries({ EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN })) {
    for (const company of [true, false]) {
      const whom = company ? 'the other clients are served' : 'no other client is left';
      test.serial(`${name}: after accept fails with ${error}, accepting pauses, while ${whom}, and is tried again`, async (t) => {
        const stderr = new Stderr();
        t.teardown(() => { stderr.restore(); });
        const server = await SimServer.start([], { ...options, classic });
        const { sim } = server;
        const other = await server.connect();
        t.is(await other.ask('version\r\n'), VERSION);
        if (!company) other.destroy();
        await sim.idle();

        sim.onCall = ({ name }) => name === 'accept' ? { errno } : undefined;
        const before = accepts(sim);
        const waiting = [await server.connect(), await server.connect()];
        for (const client of waiting) client.send('version\r\n');
        await sim.idle();
        t.is(accepts(sim) - before, 1);
        const lines = stderr.lines();
        t.is(lines.length, 1);
        t.regex(lines[0], /^accept\(\)/);

        await sim.advance(20.5 * REST_SECONDS);
        t.is(accepts(sim) - before, 21);
        await sim.advance(10);
        t.true(stderr.lines().length <= 11);
        if (company) t.is(await other.ask('version\r\n'), VERSION);
        t.deepEqual(waiting.map((client) => client.client.ended || client.client.wasReset), [false, false]);

        sim.onCall = null;
        await sim.advance(REST_SECONDS);
        for (const client of waiting) t.is(await client.ask(''), VERSION);
        const tried = accepts(sim);
        await sim.advance(10);
        t.is(accepts(sim), tried, 'nobody waits any more');
        await server.stop();
      });
    }
  }

  test.serial(`${name}: with -c 2 a third client is served when one of the two disconnects`, async (t) => {
    const stderr = new Stderr();
    t.teardown(() => { stderr.restore(); });
    const server = await SimServer.start(['-c', '2', '-v'], { ...options, classic });
    const clients = await Promise.all(Array.from({ length: 4 }, () => server.connect()));
    for (const client of clients) client.send('version\r\n');
    for (const client of clients.slice(0, 2)) t.is(await client.ask(''), VERSION);
    await server.sim.advance(60);
    t.deepEqual(clients.map(({ waiting }) => waiting), [0, 0, 0, 0]);
    t.deepEqual(stderr.lines(), ['Too many open connections']);
    t.is(accepts(server.sim), 2);
    clients[0].destroy();
    t.is(await clients[2].ask(''), VERSION);
    clients[1].send('quit\r\n');
    t.is(await clients[3].ask(''), VERSION);
    await server.stop();
  });

  test.serial(`${name}: closed connections that still have bytes to send count towards -c until they are done`, async (t) => {
    const server = await SimServer.start(['-c', '2'], { ...options, classic });
    let lingering = 1;
    t.teardown(replace(syscalls, 'lingering', () => () => lingering));
    const clients = await Promise.all(Array.from({ length: 3 }, () => server.connect()));
    for (const client of clients) client.send('version\r\n');
    t.is(await clients[0].ask(''), VERSION);
    lingering = 2;
    clients[0].destroy();
    await server.sim.advance(1);
    t.is(clients[1].waiting, 0);
    lingering = 1;
    await server.sim.advance(REST_SECONDS);
    t.is(await clients[1].ask(''), VERSION);
    t.is(clients[2].waiting, 0);
    lingering = 0;
    await server.sim.advance(REST_SECONDS);
    t.is(await clients[2].ask(''), VERSION);
    await server.stop();
  });

  test.serial(`${name}: a listener for which epoll_ctl fails is tried again a little later`, async (t) => {
    const server = await SimServer.start(['-c', '1'], { ...options, classic });
    const { sim } = server;
    const listener = sim.calls.find(({ name }) => name === 'listen')?.fd;
    const [first, second] = [await server.connect(), await server.connect()];
    t.is(await first.ask('version\r\n'), VERSION);
    second.send('version\r\n');
    sim.onCall = ({ name, fd }) => name === 'epoll_ctl' && fd === listener ? { errno: ENOMEM } : undefined;
    first.destroy();
    await sim.advance(1);
    t.is(second.waiting, 0);
    sim.onCall = null;
    await sim.advance(3 * REST_SECONDS);
    t.is(await second.ask(''), VERSION);
    await server.stop();
  });

  test.serial(`${name}: a bug in accepting is reported at most once a second, and clients wait until it is gone`, async (t) => {
    const stderr = new Stderr();
    t.teardown(() => { stderr.restore(); });
    const server = await SimServer.start([], { ...options, classic });
    const { sim } = server;
    const other = await server.connect();
    await other.ask('version\r\n');
    const restore = replace(syscalls, 'accept', () => () => {
      throw new Error('a bug');
    });
    t.teardown(restore);
    const client = await server.connect();
    client.send('version\r\n');
    await sim.idle();
    t.deepEqual(stderr.messages(), ['memcached-ts: accepting connections: Error: a bug']);
    await sim.advance(2.5);
    t.is(stderr.messages().length, 2);
    t.is(await other.ask('version\r\n'), VERSION);
    restore();
    await sim.advance(REST_SECONDS);
    t.is(await client.ask(''), VERSION);
    await server.stop();
  });

  test.serial(`${name}: a connection whose O_NONBLOCK cannot be set is closed, and the next one is served`, async (t) => {
    const stderr = new Stderr();
    t.teardown(() => { stderr.restore(); });
    const server = await SimServer.start([], { ...options, classic });
    const { sim } = server;
    for (const failing of [0, 1]) {
      let calls = 0;
      sim.onCall = ({ name }) => name === 'fcntl' && calls++ === failing ? { errno: ENOMEM } : undefined;
      const [client, next] = [await server.connect(), await server.connect()];
      t.is(await client.closed(), '');
      t.is(await next.ask('version\r\n'), VERSION);
      t.is(stderr.lines().length, 1);
      next.destroy();
    }
    await server.stop();
  });
}
