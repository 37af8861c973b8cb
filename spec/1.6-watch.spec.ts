// watch: what memcached 1.6 tells those who watch. Lines are as the real 1.6.45 has written them; only their times,
// their numbers and descriptors are left out.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { mallinfo } from '../lib/libc/memory';
import { logger } from '../lib/1.6/logger';
import { answers, request } from './support/datagrams';
import type { SimPeer } from './support/sim-server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';

const DELAY = 0.01;

async function serverWith(t: ExecutionContext, args: readonly string[] = [], sendBuffer = 65536): Promise<SimServer> {
  const options = { today: true, memory: SMALL_MEMORY, maxTurns: Infinity, sendBuffer };
  const server = await SimServer.start(['-m', '8', ...args], options);
  t.teardown(() => server.stop());
  return server;
}

async function watcherOf(server: SimServer, what: string): Promise<SimPeer> {
  const watcher = server.connectNow();
  watcher.send(`watch${what === '' ? '' : ` ${what}`}\r\n`);
  await server.sim.advance(DELAY);
  const greeting = await watcher.take(4);
  if (greeting !== 'OK\r\n') throw new Error(`watch ${what}: ${greeting}`);
  return watcher;
}

/** The lines that have come, without what differs from run to run. */
async function lines(server: SimServer, watcher: SimPeer): Promise<string[]> {
  await server.sim.advance(DELAY);
  const text = await watcher.take(watcher.waiting);
  return text.split('\n').slice(0, -1).map((line) => {
    const changed = line.replace(/^ts=\d+\.\d+ gid=\d+ type=/, '').replace(/ rport=\d+/, '').replace(/ cfd=\d+/, '');
    return line === changed ? `without a time: ${line}` : changed;
  });
}

async function figure(peer: SimPeer, name: string, command = 'stats'): Promise<string | undefined> {
  const text = await peer.ask(`${command}\r\n`, 'END\r\n');
  return new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(text)?.[1];
}

const LARGE = 'x'.repeat(2_000_000);
const get = (key: string, status: string, clsid: number, size: number): string =>
  `item_get key=${key} status=${status} clsid=${clsid} size=${size}`;
const store = (key: string, status: string, cmd: string, ttl: number, size: number): string =>
  `item_store key=${key} status=${status} cmd=${cmd} ttl=${ttl} clsid=${size === 0 ? 0 : 1} size=${size}`;

/** What a client sends, and the lines for it, in this order. */
const conversation: readonly (readonly [request: string, ...lines: string[]])[] = [
  ['get foo', get('foo', 'not_found', 0, 0)],
  ['set foo 5 0 3\r\nabc', get('foo', 'not_found', 0, 0), store('foo', 'stored', 'set', 0, 3)],
  ['add foo 0 100 3\r\nabc', get('foo', 'found', 1, 3), store('foo', 'not_stored', 'add', 100, 3)],
  ['append foo 0 0 3\r\nabc', get('foo', 'found', 1, 3), store('foo', 'stored', 'append', 0, 6)],
  ['cas foo 0 0 1 12345\r\na', get('foo', 'found', 1, 6), store('foo', 'exists', 'cas', 0, 1)],
  ['cas nofoo 0 0 1 12345\r\na', get('nofoo', 'not_found', 0, 0), store('nofoo', 'not_found', 'cas', 0, 1)],
  ['replace nofoo 0 0 1\r\na', get('nofoo', 'not_found', 0, 0), store('nofoo', 'not_stored', 'replace', 0, 1)],
  ['incr foo 1', get('foo', 'found', 1, 6)],
  ['set n 0 100 1\r\n1', get('n', 'not_found', 0, 0), store('n', 'stored', 'set', 100, 1)],
  ['incr n 100', get('n', 'found', 1, 1)],
  ['touch n 200', get('n', 'found', 1, 3)],
  ['gat 100 n foo', get('n', 'found', 1, 3), get('foo', 'found', 1, 6)],
  ['mg foo v t', get('foo', 'found', 1, 6)],
  ['ms m/%e 2\r\nhi', get('m%2F%25e', 'not_found', 0, 0), store('m%2F%25e', 'stored', 'set', 0, 2)],
  ['ms m 2 MA\r\nhi', get('m', 'not_found', 0, 0), store('m', 'not_stored', 'append', 0, 2)],
  ['ms v 2 MA N100\r\nhi', get('v', 'not_found', 0, 0), store('v', 'stored', 'append', 100, 2)],
  ['md m q', get('m', 'not_found', 0, 0)],
  ['me foo', get('foo', 'found', 1, 6)],
  ['mg dW5pY29kZQ== b N30 v', get('unicode', 'not_found', 0, 0)],
  [`set big 0 0 2000000\r\n${LARGE}`, store('big', 'too_large', 'set', 0, 0), get('big', 'not_found', 0, 0)],
  [`ms big 2000000\r\n${LARGE}`, store('big', 'too_large', 'set', 0, 0), get('big', 'not_found', 0, 0)],
  ['md v I', get('v', 'found', 1, 2)],
  ['md v', get('v', 'found', 1, 2), 'deleted key=v cmd=md clsid=1 size=2'],
  ['delete foo', get('foo', 'found', 1, 6), 'deleted key=foo cmd=delete clsid=1 size=6'],
  ['delete foo', get('foo', 'not_found', 0, 0)],
  ['set n 0 -1 1\r\n1', get('n', 'found', 1, 3), 'item_store key=n status=stored cmd=set ttl=4294967235 clsid=1 size=1'],
  ['get n', get('n', 'not_found', 0, 0)],
  ['set soon 0 1 1\r\n1', get('soon', 'not_found', 0, 0), store('soon', 'stored', 'set', 1, 1)],
];

test.serial('a watcher gets the lines that memcached 1.6.45 writes for each command', async (t) => {
  const server = await serverWith(t);
  const watcher = await watcherOf(server, 'fetchers mutations deletions');
  const peer = server.connectNow();
  for (const [command, ...expected] of conversation) {
    peer.send(`${command}\r\n`);
    t.deepEqual(await lines(server, watcher), expected, command.slice(0, 40));
  }
  await server.sim.advance(3);
  peer.send('set soon 0 0 1\r\n1\r\n');
  t.deepEqual(await lines(server, watcher), [get('soon', 'expired', 0, 0), store('soon', 'stored', 'set', 0, 1)]);
  peer.send('flush_all\r\nget soon\r\n');
  t.deepEqual(await lines(server, watcher), [get('soon', 'flushed', 0, 0)]);
});

test.serial('a log line has the time, a growing number, and the descriptor of the client', async (t) => {
  const server = await serverWith(t);
  const watcher = await watcherOf(server, '');
  const peers = [server.connectNow(), server.connectNow()];
  for (const peer of peers) await peer.ask('get a\r\n', 'END\r\n');
  const fds = [...(await peers[0].ask('stats conns\r\n', 'END\r\n')).matchAll(/STAT (\d+):state/g)].map(([, fd]) => fd);
  const time = await figure(peers[0], 'time');
  await server.sim.advance(DELAY);
  const text = await watcher.take(watcher.waiting);
  t.regex(text, new RegExp(
    `^ts=${time}\\.\\d+ gid=2 type=item_get .* cfd=${fds[3]} size=0\nts=${time}\\.\\d+ gid=3 .* cfd=${fds[4]} size=0\n$`,
  ));
});

test.serial('a log line has every byte of a key in hex, except letters, digits and -._~', async (t) => {
  const server = await serverWith(t);
  const watcher = await watcherOf(server, 'mutations');
  const peer = server.connectNow();
  await peer.ask(`set ${'#'.repeat(250)} 0 0 1\r\n1\r\n`);
  await peer.ask(`ms ${Buffer.from('aZ09-._~ \0\xff', 'latin1').toString('base64')} 1 b\r\n1\r\n`);
  const [first, second] = await lines(server, watcher);
  t.is(first, store('%23'.repeat(250), 'stored', 'set', 0, 1).replace('clsid=1', 'clsid=6'));
  t.is(second, store('aZ09-._~%20%00%FF', 'stored', 'set', 0, 1));
});

test.serial('the log line of an eviction says whether the item was fetched, its time left, and its idle time', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  const value = 'x'.repeat(400_000);
  for (let i = 0; i < 3; i++) await peer.ask(`set fetched${i} 0 100 400000\r\n${value}\r\n`);
  await server.sim.advance(3);
  for (let i = 0; i < 3; i++) await peer.ask(`get fetched${i}\r\n`, 'END\r\n');
  const watcher = await watcherOf(server, 'evictions');
  for (let i = 0; i < 36; i++) peer.send(`set k${i} 0 0 400000 noreply\r\n${value}\r\n`);
  const evicted = await lines(server, watcher);
  t.true(evicted.length > 15);
  t.is(await figure(peer, 'evictions'), String(evicted.length));
  t.true(evicted.includes('eviction key=fetched0 fetch=yes ttl=97 la=3 clsid=39 size=400000'), evicted[0]);
  t.true(evicted.includes('eviction key=k0 fetch=no ttl=-1 la=0 clsid=39 size=400000'));
});

test.serial('connevents reports connections opened and closed, with the reason for the close', async (t) => {
  const server = await serverWith(t, ['-o', 'idle_timeout=5']);
  const before = server.connectNow();
  await before.ask('version\r\n');
  const watcher = await watcherOf(server, 'connevents');
  const there = 'rip=127.0.0.1 transport=tcp';
  const told = (): Promise<string[]> => lines(server, watcher);
  before.destroy();
  t.deepEqual(await told(), [`conn_close ${there} reason=normal`]);
  const ways: readonly (readonly [reason: string, how: (peer: SimPeer) => void])[] = [
    ['normal', (peer) => peer.send('quit\r\n')],
    ['normal', (peer) => peer.destroy()],
    ['error', (peer) => peer.send('GIT / HTTP/1.1\r\n')],
    ['error', (peer) => peer.send('x'.repeat(3000))],
    ['error', (peer) => peer.send(Buffer.from([0x80, 0x0a, ...Buffer.alloc(22), ...Buffer.alloc(24, 0x77)]))],
    ['error', (peer) => peer.reset()],
  ];
  for (const [reason, how] of ways) {
    const peer = server.connectNow();
    t.deepEqual(await told(), [`conn_new ${there}`]);
    how(peer);
    t.deepEqual(await told(), [`conn_close ${there} reason=${reason}`], how.toString());
  }
  server.connectNow();
  await server.sim.advance(10);
  t.deepEqual(await told(), [`conn_new ${there}`, `conn_close ${there} reason=idle_timeout`]);
});

test.serial('sysevents reports what the crawler found', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  await peer.ask('set a 0 0 1\r\n1\r\nset b 0 1 1\r\n1\r\nset c 0 100 1\r\n1\r\n', 'STORED\r\nSTORED\r\nSTORED\r\n');
  const watcher = await watcherOf(server, 'sysevents');
  await server.sim.advance(90);
  const crawl = 'lru_crawler crawler=1 lru=cold low_mark=1';
  t.deepEqual((await lines(server, watcher)).filter((line) => / examined=[^0]/.test(line)), [
    `${crawl} next_reclaims=2 since_run=1 next_run=65 elapsed=0 examined=3 reclaimed=0`,
    `${crawl} next_reclaims=1 since_run=1 next_run=65 elapsed=0 examined=2 reclaimed=1`,
  ]);
});

test.serial('the words of watch choose the events; they may be abbreviated; without words they are fetchers', async (t) => {
  const server = await serverWith(t);
  const all = ['rawcmds', 'evictions', 'fetchers', 'mutations', 'sysevents', 'connevents', 'proxyreqs', 'proxyevents',
    'proxyuser', 'deletions'];
  for (const words of [...all, all.join(' '), 'f', 'mut dele proxy']) {
    (await watcherOf(server, words)).destroy();
  }
  const watcher = await watcherOf(server, '');
  const mutations = await watcherOf(server, 'm');
  const peer = server.connectNow();
  await peer.ask('set a 0 0 1\r\n1\r\n');
  t.deepEqual(await lines(server, watcher), [get('a', 'not_found', 0, 0)]);
  t.deepEqual(await lines(server, mutations), [store('a', 'stored', 'set', 0, 1)]);
});

test.serial('watch is refused: an unknown word, pipelined, a 21st watcher, with -W, by UDP', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  for (const words of ['x', 'fetchersx', 'fetchers noreply', 'x noreply']) {
    t.is(await peer.ask(`watch ${words}\r\n`), 'ERROR\r\n', words);
  }
  t.is(await peer.ask('get a\r\nwatch\r\n', 'ch\r\n'), 'END\r\nERROR cannot pipeline other commands before watch\r\n');
  for (let i = 0; i < 20; i++) await watcherOf(server, '');
  t.is(await peer.ask('watch\r\n'), 'WATCHER_TOO_MANY log watcher limit reached\r\n');
  t.is(await figure(peer, 'log_watchers'), '20');
  t.is(logger.eflags, 4);
  await server.stop();

  const refused = 'CLIENT_ERROR watch commands not allowed\r\n';
  const without = await serverWith(t, ['-W']);
  t.is(await without.connectNow().ask('watch\r\n'), refused);
  await without.stop();

  const udp = await serverWith(t, ['-U', '11211']);
  const client = udp.sim.datagrams(11211);
  client.send(request(1, 'watch\r\n'));
  await udp.sim.idle();
  t.is(answers(client.take())[0].text, refused);
});

test.serial("a watcher's commands are ignored, it is never idle, and stats conns shows it as conn_watch", async (t) => {
  const server = await serverWith(t, ['-o', 'idle_timeout=3']);
  const watcher = server.connectNow();
  watcher.send('watch\r\nset a 0 0 1\r\n1\r\n');
  await server.sim.advance(DELAY);
  watcher.send('set a 0 0 1\r\n1\r\n'.repeat(10_000));
  await server.sim.advance(10);
  const peer = server.connectNow();
  t.is(await peer.ask('get a\r\n', 'END\r\n'), 'END\r\n');
  t.is(await figure(peer, '\\d+:state', 'stats conns'), 'conn_listening');
  t.regex(await peer.ask('stats conns\r\n', 'END\r\n'), /:state conn_watch\r\n/);
  await server.sim.advance(DELAY);
  t.regex(await watcher.take(watcher.waiting), /^OK\r\nts=.* key=a .*\n$/);
});

test.serial('a watcher that does not read misses lines, and gets their number; other watchers miss none', async (t) => {
  const server = await serverWith(t, ['-o', 'watcher_logbuf_size=8'], 4096);
  const slow = await watcherOf(server, 'fetchers');
  const good = await watcherOf(server, 'fetchers');
  const peer = server.connectNow();
  slow.pauseReading();
  const used = mallinfo().uordblks;
  const key = 'k'.repeat(200);
  let seen = 0;
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 20; i++) await peer.ask(`get ${key}\r\n`, 'END\r\n');
    seen += (await lines(server, good)).length;
  }
  t.is(seen, 2000);
  t.true(mallinfo().uordblks <= used + 8192, 'the ring does not grow');
  const skipped = Number(await figure(peer, 'log_watcher_skipped'));
  t.true(skipped > 1900 && skipped < 2000, `${skipped}`);
  t.is(Number(await figure(peer, 'log_watcher_sent')), 4000 - skipped);
  t.is(Number(await figure(peer, 'log_worker_written')), 2000);
  t.is(Number(await figure(peer, 'log_worker_dropped')), 0);

  slow.resumeReading();
  t.is((await lines(server, slow)).length, 2000 - skipped);
  await peer.ask('get last\r\n', 'END\r\n');
  await peer.ask('get more\r\n', 'END\r\n');
  t.deepEqual(await lines(server, slow), [
    `without a time: skipped=${skipped}`, get('last', 'not_found', 0, 0), get('more', 'not_found', 0, 0),
  ]);
});

test.serial('a watcher that disconnects, whatever it has read, leaves no memory and no descriptor behind', async (t) => {
  const server = await serverWith(t, [], 4096);
  const peer = server.connectNow();
  await watcherOf(server, '').then((watcher) => watcher.destroy());
  await peer.ask('get a\r\n', 'END\r\n');
  await server.sim.advance(DELAY);
  const used = mallinfo().uordblks;
  const open = server.sim.openFds().length;
  const leave: readonly ((watcher: SimPeer) => void)[] = [
    (watcher) => watcher.destroy(), (watcher) => watcher.reset(), (watcher) => watcher.end(),
  ];
  for (const [i, go] of leave.entries()) {
    for (const reads of [true, false]) {
      const watcher = await watcherOf(server, 'fetchers connevents');
      t.not(logger.eflags, 0);
      if (!reads) watcher.pauseReading();
      for (let n = 0; n < 200; n++) await peer.ask('get a\r\n', 'END\r\n');
      if (reads || i < 2) go(watcher);
      else watcher.destroy(); // who says that it sends no more, but reads no more either, is there still
      for (let n = 0; n < 10; n++) await peer.ask('get a\r\n', 'END\r\n');
      await server.sim.advance(1);
      t.is(logger.eflags, 0, `${i}`);
      t.is(await figure(peer, 'log_watchers'), '0');
      t.is(server.sim.openFds().length, open);
    }
  }
  t.is(mallinfo().uordblks, used);
});
