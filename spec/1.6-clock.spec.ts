// Time in memcached 1.6: relative times go by a clock that nobody sets; only absolute times notice the wall clock.
import test from 'ava';
import { SimServer } from './support/sim-server';

const HOUR_SECONDS = 3600;
const FOUND = 'VALUE a 0 1\r\n1\r\nEND\r\n';

for (const jump of [HOUR_SECONDS, -HOUR_SECONDS]) {
  test.serial(`sim: a jump of the wall clock by ${jump} seconds affects only absolute expiry times`, async (t) => {
    const server = await SimServer.start(['-m', '8'], { today: true });
    const { sim } = server;
    const c = await server.connect();
    t.is(await c.ask('set a 0 10 1\r\n1\r\n'), 'STORED\r\n');
    sim.setClock(sim.now + jump);
    await sim.advance(8);
    t.is(await c.ask('get a\r\n', 'END\r\n'), FOUND);
    await sim.advance(3);
    t.is(await c.ask('get a\r\n', 'END\r\n'), 'END\r\n');

    t.is(await c.ask(`set a 0 ${Math.floor(sim.now) + 10} 1\r\n1\r\n`), 'STORED\r\n');
    t.regex(await c.ask('mg a t\r\n'), /^HD t(9|10)\r\n$/);
    await sim.advance(11);
    t.is(await c.ask('get a\r\n', 'END\r\n'), 'END\r\n');
    t.is(await c.ask(`set a 0 ${Math.floor(sim.now) - 10} 1\r\n1\r\n`), 'STORED\r\n');
    t.is(await c.ask('get a\r\n', 'END\r\n'), 'END\r\n');
    await server.stop();
  });
}

test.serial('sim: after a sleep of the machine, which only the wall clock counts, everything resumes where it was', async (t) => {
  const server = await SimServer.start(['-m', '8'], { today: true, sendBuffer: 1000 });
  const { sim } = server;
  const c = await server.connect(), slow = await server.connect();
  t.is(await c.ask(`set long 0 0 5000\r\n${'x'.repeat(5000)}\r\n`), 'STORED\r\n');
  t.is(await c.ask('set a 0 60 1\r\n1\r\n'), 'STORED\r\n');
  slow.pauseReading();
  slow.send('get long\r\nset half 0 0 6\r\nabc');
  await sim.idle();

  sim.setClock(sim.now + 8 * HOUR_SECONDS);
  await sim.advance(1);
  t.is(await c.ask('get a\r\n', 'END\r\n'), FOUND);
  t.regex(await c.ask('stats\r\n', 'END\r\n'), /STAT uptime \d\r\n[^]*STAT curr_items 2\r\n/);
  slow.resumeReading();
  slow.send('def\r\n');
  t.is(await slow.ask('', 'STORED\r\n'), `VALUE long 0 5000\r\n${'x'.repeat(5000)}\r\nEND\r\nSTORED\r\n`);
  await sim.advance(60);
  t.is(await c.ask('get a\r\n', 'END\r\n'), 'END\r\n');
  await server.stop();
});
