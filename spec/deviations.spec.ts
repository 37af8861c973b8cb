// What C gets dangerously wrong, and what a later memcached answers: each DEVIATION that shows on the wire.
import test from 'ava';
import fc from 'fast-check';
import { bss } from '../lib/libc/memory';
import { assocFind } from '../lib/memcached';
import { Client, ask } from './support/client';
import { startServer } from './support/server';
import { sharedServer } from './support/shared-server';
import { putz } from './support/memory';
import { SimServer } from './support/sim-server';
import { kindsToTry, upTo } from './support/thorough';

const key = bss(256);
const BAD_LINE = 'CLIENT_ERROR bad command line format\r\n';

/** Words of a storage line, of which some are wrong. */
const word = {
  command: fc.constantFrom('set ', 'add ', 'replace '),
  key: fc.oneof(
    fc.constantFrom('a', 'k'.repeat(250), 'k'.repeat(251), 'k'.repeat(256), 'k'.repeat(700), '\xa0'.repeat(251), 'sch\xc3\xb6n'),
    fc.string({
      minLength: 1, maxLength: 300, unit: fc.integer({ min: 33, max: 255 }).map((c) => String.fromCharCode(c)),
    }),
  ),
  number: fc.constantFrom('0', '1', '4294967296', '-1', '+7', '1x', 'x', '0x10', '1.5'),
  gap: fc.constantFrom(' ', ' ', '  ', '\t', '\v', '\f', ' \r '),
  rest: fc.constantFrom('', '', ' ', ' noreply', '\t9', 'x'),
  sign: fc.constantFrom('', '', '+', '0'),
};

test.serial('sim: the data behind a wrong storage line are never commands, if their length can be read', async (t) => {
  const server = await SimServer.start();
  const c = await server.connect();
  t.is(await c.ask('set victim 0 0 1\r\n1\r\n'), 'STORED\r\n');
  const repeated = fc.integer({ min: 1, max: 3 });
  const { command, key, gap, number, sign, rest } = word;
  const line = fc.tuple(command, key, gap, number, gap, number, gap, sign, rest);
  await fc.assert(fc.asyncProperty(line, repeated, async (words, count) => {
    const [command, key, g1, flags, g2, expiry, g3, sign, rest] = words;
    const data = 'delete victim\r\n'.repeat(count);
    const length = `${sign}${data.length - 2}`;
    c.send(`${command}${key}${g1}${flags}${g2}${expiry}${g3}${length}${rest}\r\n${data}`);
    const reply = await c.ask('');
    if (reply !== BAD_LINE) t.true(['STORED\r\n', 'NOT_STORED\r\n'].includes(reply), reply);
    t.is(await c.ask('get victim\r\n', 'END\r\n'), 'VALUE victim 0 1\r\n1\r\nEND\r\n');
  }), { numRuns: upTo(80, 500) });
  await server.stop();
});

for (const { name, ...kind } of kindsToTry) {
  const shared = sharedServer(kind);

  test(`${name}: a key may have up to 250 bytes, in every command`, async (t) => {
    const server = await shared();
    const c = await Client.connect(server.port);
    const longest = 'k'.repeat(250);
    t.is(await c.ask(`set ${longest} 4294967295 0 1\r\n5\r\n`), 'STORED\r\n');
    t.is(await c.ask(`get ${longest}\r\n`, 'END\r\n'), `VALUE ${longest} 4294967295 1\r\n5\r\nEND\r\n`);
    t.regex(await c.ask('stats cachedump 9 0\r\n', 'END\r\n'), new RegExp(`^ITEM ${longest} \\[1 b; \\d+ s\\]\r\nEND\r\n$`));
    for (const key of [`${longest}k`, 'k'.repeat(260), 'k'.repeat(1000)]) {
      t.is(await c.ask(`get ${key}\r\n`), BAD_LINE);
      t.is(await c.ask(`incr ${key} 1\r\n`), BAD_LINE);
      t.is(await c.ask(`delete ${key}\r\n`), BAD_LINE);
    }
    t.is(await c.ask(`get ${longest} ${longest}k\r\n`), BAD_LINE);
    t.is(await c.ask(`set ${longest}1 0 0 1\r\n5\r\n`), BAD_LINE);
    t.is(await c.ask(`delete ${longest}\r\n`), 'DELETED\r\n');
  });

  test(`${name}: one get can name any number of keys`, async (t) => {
    const server = await shared();
    const c = await Client.connect(server.port);
    await c.ask('set a 0 0 1\r\n1\r\n');
    for (const count of [200, 201, 400, 401, 5000]) {
      const reply = 'VALUE a 0 1\r\n1\r\n'.repeat(count) + 'END\r\n';
      c.send(`get${' a'.repeat(count)}\r\n`);
      t.is(await c.take(reply.length), reply);
    }
  });

  test(`${name}: a negative length, or one near 2^31, is refused`, async (t) => {
    const server = await shared();
    const c = await Client.connect(server.port);
    for (const length of [-1, -2, -100, -2147483648, 2147483646, 2147483647, 99999999999]) {
      t.is(await c.ask(`set a 0 0 ${length}\r\n`), BAD_LINE);
    }
    t.is(await c.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  });

  test(`${name}: the data behind a refused line are swallowed if their length can be read`, async (t) => {
    const server = await shared();
    const c = await Client.connect(server.port);
    await c.ask('set victim 0 0 1\r\n1\r\n');
    const data = 'delete victim';
    const reply = `${BAD_LINE}VERSION 1.0.4\r\n`;
    for (const line of [`set ${'k'.repeat(251)} 0 0 13`, `add ${'k'.repeat(400)} 0 0 13`, 'set a x 0 13', 'replace a 0 x 13']) {
      t.is(await c.ask(`${line}\r\n${data}\r\nversion\r\n`, '4\r\n'), reply);
    }
    for (const line of ['set a 0 0', 'set a 0 0 x', 'set a 0 0 -1', 'set a 0 0 2147483646']) {
      t.is(await c.ask(`${line}\r\nversion\r\n`, '4\r\n'), reply);
    }
    t.is(await c.ask('get victim\r\n', 'END\r\n'), 'VALUE victim 0 1\r\n1\r\nEND\r\n');
  });

  test(`${name}: a line without a newline ends the connection, except for a get of many keys`, async (t) => {
    const server = await shared();
    const endless = await Client.connect(server.port);
    endless.send('x'.repeat(1025));
    t.is(await endless.closed(), '');
    const long = await Client.connect(server.port);
    long.send(`get ${'nothing '.repeat(125_000)}`);
    t.is(await long.ask('\r\n'), 'END\r\n');
    long.send(`get ${'nothing '.repeat(300_000)}`);
    t.is(await long.closed(), 'SERVER_ERROR out of memory\r\n');
    t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.0.4\r\n');
  });

  test(`${name}: with -c 2 a third connection is served when one of the two is closed`, async (t) => {
    const server = await startServer({ ...kind, args: ['-c', '2'] });
    t.teardown(() => server.stop());
    const [first, second] = [await Client.connect(server.port), await Client.connect(server.port)];
    t.is(await first.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    t.is(await second.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    const third = await Client.connect(server.port);
    third.send('stats\r\n');
    t.regex(await first.ask('stats\r\n', 'END\r\n'), /STAT curr_connections 2\r\n/);
    t.is(third.waiting, 0);
    first.destroy();
    t.regex(await third.ask('', 'END\r\n'), /STAT curr_connections 2\r\n/);
    t.is(await second.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  });

  test(`${name}: a client that never stops sending does not hold up the others`, async (t) => {
    const server = await shared();
    const greedy = await Client.connect(server.port);
    const batch = Buffer.from('version\r\n'.repeat(2000));
    const stream = (error?: Error | null): void => {
      if (!error) greedy.socket.write(batch, stream);
    };
    stream();
    const other = await Client.connect(server.port);
    for (let i = 0; i < 20; i++) t.is(await other.ask('version\r\n'), 'VERSION 1.0.4\r\n');
    greedy.destroy();
  });
}

for (const classic of [false, true]) {
  const name = classic ? 'sim --classic' : 'sim';

  test.serial(`${name}: small inputs that C trips over get sane replies`, async (t) => {
    const server = await SimServer.start([], { classic });
    const c = await server.connect();
    t.is(await c.ask('delete \r\n'), 'ERROR\r\n');
    t.is(await c.ask('stats cachedump 32 0\r\n'), 'SERVER_ERROR out of memory\r\n');
    t.is(await c.ask('stats cachedump 33 0\r\n'), 'SERVER_ERROR out of memory\r\n');
    t.is(await c.ask('stats maps\r\n'), 'ERROR\r\n');
    await c.ask('set garbage 0 0 12\r\n123456789012\r\n');
    t.is(await c.ask('set blank 0 0 3\r\n   \r\n'), 'STORED\r\n');
    t.is(await c.ask('incr blank 7\r\n'), '7\r\n');
    t.is(await c.ask('set empty 0 0 0\r\n\r\n'), 'STORED\r\n');
    t.is(await c.ask('incr empty 3\r\n'), '3\r\n');
    await c.ask('stats cachedump 6 0\r\n', 'END\r\n');
    t.is(await c.ask('stats sizes\r\n', 'END\r\n'), '64 2\r\n96 1\r\nEND\r\n');
    await server.stop();
  });

  test.serial(`${name}: an item that was sent can be replaced and freed after its reader has disconnected`, async (t) => {
    const server = await SimServer.start(['-m', '1'], { classic });
    const value = 'v'.repeat(300_000);
    for (let i = 0; i < 10; i++) {
      const c = await server.connect();
      t.is(await c.ask(`set a 0 0 300000\r\n${value}\r\n`), 'STORED\r\n');
      const reply = `VALUE a 0 300000\r\n${value}\r\nEND\r\n`;
      c.send('get a\r\n');
      t.true((await c.take(reply.length)) === reply);
      c.destroy();
      await server.sim.idle();
    }
    const c = await server.connect();
    t.regex(await c.ask('stats slabs\r\n', 'END\r\n'), /STAT 19:free_chunks (0|1)\r\n/);
    await server.stop();
  });
}

test.serial("sim --classic: the last of 25 commands that come at once wait for another client's command", async (t) => {
  const server = await SimServer.start([], { classic: true, record: true });
  const { sim } = server;
  const greedy = await server.connect();
  const other = await server.connect();
  await sim.idle();
  const before = sim.calls.length;
  greedy.send('version\r\n'.repeat(25));
  other.send('version\r\n');
  await sim.idle();
  const writes = sim.calls.slice(before).filter(({ name }) => name === 'write').map(({ fd }) => fd);
  t.is(writes.length, 26);
  // 20, but for the first look into rbuf, which was empty.
  t.is(writes.indexOf(other.client.fd), 19);
  await server.stop();
});

test('stats maps gives the file, or the error that it is too long for C', async (t) => {
  const server = await startServer({ args: ['--stats-maps'] });
  t.teardown(() => server.stop());
  t.regex(await ask(server.port, 'stats maps\r\n'), /^(SERVER_ERROR buffer overflow|[0-9a-f]+-[0-9a-f]+ r)/);
});

test('incr of an item that must grow evicts another item, not itself', async (t) => {
  const server = await startServer({ args: ['-m', '1'] });
  t.teardown(() => server.stop());
  const c = await Client.connect(server.port);
  // 64-byte chunks for a value of one digit and of thirteen alike: with a page of them full, growing needs another's.
  t.is(await c.ask('set n 0 0 1\r\n9\r\n'), 'STORED\r\n');
  const others = 16_383;
  c.send(Array.from({ length: others }, (_, i) => `set o${i} 0 0 1\r\n0\r\n`).join(''));
  t.is(await c.take('STORED\r\n'.length * others), 'STORED\r\n'.repeat(others));
  t.is(await c.ask('incr n 1\r\n'), '10\r\n');
  t.is(await c.ask('get n o0 o1\r\n', 'END\r\n'), 'VALUE n 0 2\r\n10\r\nVALUE o1 0 1\r\n0\r\nEND\r\n');
});

test.serial('a deleted and replaced item is freed when its window is over', async (t) => {
  const server = await SimServer.start(['-m', '1']);
  const c = await server.connect();
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 1000; i++) c.send('set a 0 0 1\r\n1\r\ndelete a\r\n');
    const reply = 'STORED\r\nDELETED\r\n'.repeat(1000);
    t.is(await c.take(reply.length), reply);
    await server.sim.advance(12);
  }
  t.regex(await c.ask('stats slabs\r\n', 'END\r\n'), /STAT 6:total_pages 1\r\n/);
  await server.stop();
});

test.serial('an item that is deleted again and again is noted only once', async (t) => {
  const server = await SimServer.start(['-m', '1']);
  const c = await server.connect();
  await c.ask('set a 0 0 1\r\n1\r\n');
  c.send('delete a\r\n'.repeat(20_000));
  t.is(await c.take('DELETED\r\n'.length * 20_000), 'DELETED\r\n'.repeat(20_000));
  const before = /STAT total_alloc (\d+)/.exec(await c.ask('stats malloc\r\n', 'END\r\n'));
  c.send('delete a\r\n'.repeat(20_000));
  t.is(await c.take('DELETED\r\n'.length * 20_000), 'DELETED\r\n'.repeat(20_000));
  t.is(/STAT total_alloc (\d+)/.exec(await c.ask('stats malloc\r\n', 'END\r\n'))?.[1], before?.[1]);
  await server.stop();
});

test.serial('a client that disconnects before the END of its reply releases no item that another one holds', async (t) => {
  const reply = `VALUE a 0 1000\r\n${'v'.repeat(1000)}\r\n`;
  const server = await SimServer.start([], { classic: true, sendBuffer: reply.length });
  const [c, leaving, holding] = await Promise.all([0, 1, 2].map(() => server.connect()));
  t.is(await c.ask(`set a 0 0 1000\r\n${'v'.repeat(1000)}\r\n`), 'STORED\r\n');
  for (const client of [leaving, holding]) client.pauseReading();
  leaving.send('get a\r\n');
  holding.send('get a a\r\n');
  await server.sim.idle();
  const refcount = (): number | undefined => assocFind(putz(key, 'a'))?.refcount;
  t.is(refcount(), 1);
  leaving.reset();
  await server.sim.idle();
  t.is(refcount(), 1);
  // Replaced meanwhile, it stays until it is sent.
  t.is(await c.ask('set a 0 0 1\r\n1\r\n'), 'STORED\r\n');
  holding.resumeReading();
  t.is(await holding.take(2 * reply.length + 5), `${reply}${reply}END\r\n`);
  await server.stop();
});
