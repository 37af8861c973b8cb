// The commands of administration of memcached 1.6.
import { once } from 'node:events';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Client } from './support/client';
import type { Replies } from './support/replies';
import { startServer } from './support/server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import { backendsToTry, upTo } from './support/thorough';

const FORMAT = 'CLIENT_ERROR bad command line format';
const NOSPARE = 'NOSPARE source class has no spare pages';

async function serverWith(t: ExecutionContext, args: readonly string[] = [], sendBuffer = 65536): Promise<SimServer> {
  const options = { today: true, memory: SMALL_MEMORY, maxTurns: Infinity, sendBuffer };
  const server = await SimServer.start(['-m', '8', ...args], options);
  t.teardown(() => server.stop());
  return server;
}

async function figure(peer: Replies, name: string, command = 'stats'): Promise<string | undefined> {
  const text = await peer.ask(`${command}\r\n`, 'END\r\n');
  return new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(text)?.[1];
}

/** What each line is answered, in this order. */
const answers: readonly (readonly [line: string, answer: string])[] = [
  ['verbosity', FORMAT],
  ['verbosity x', FORMAT],
  ['verbosity 0', 'OK'],
  ['flush_all x', 'CLIENT_ERROR invalid exptime argument'],
  ['flush_all 2147483648', 'CLIENT_ERROR invalid exptime argument'],
  ['flush_all -5', 'OK'],
  ['flush_all 0 junk', 'OK'],
  ['cache_memlimit', 'ERROR'],
  ['cache_memlimit 7', 'MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m'],
  ['cache_memlimit 1000000001', 'MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes'],
  ['cache_memlimit 10', 'OK'],
  ['cache_memlimit 11', 'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust'],
  ['cache_memlimit 8', 'OK'],
  ['shutdown', 'SERVER_ERROR: shutdown not enabled'],
  ['lru', 'ERROR'],
  ['lru mode', 'ERROR'],
  ['lru mode other', 'ERROR'],
  ['lru mode flat', 'OK'],
  ['lru mode segmented', 'OK'],
  ['lru temp_ttl x', 'ERROR'],
  ['lru temp_ttl 5', 'OK'],
  ['lru temp_ttl -1', 'OK'],
  ['lru tune 1 2', 'ERROR'],
  ['lru tune 1 1 x 1', 'ERROR'],
  ['lru tune 40 41 1 1', 'ERROR hot and warm pcts must not exceed 80'],
  ['lru tune 5 5 0 1', 'ERROR hot/warm age factors must be greater than 0'],
  ['lru tune 5 6 0.5 1e0', 'OK'],
  ['slabs', 'ERROR'],
  ['slabs reassign 1', 'ERROR'],
  ['slabs reassign x 1', FORMAT],
  ['slabs reassign 1 1', 'SAME src and dst class are identical'],
  ['slabs reassign 99 1', 'BADCLASS invalid src or dst class id'],
  ['slabs reassign 1 2', NOSPARE],
  ['slabs automove', 'ERROR'],
  ['slabs automove x', FORMAT],
  ['slabs automove 3', 'ERROR'],
  ['slabs automove 0', 'OK'],
  ['slabs automove ratio', 'ERROR'],
  ['slabs automove ratio 0.5', 'OK'],
  ['slabs automove freeratio 0.5', 'OK'],
  ['slabs automove window', FORMAT],
  ['slabs automove window 2', 'CLIENT_ERROR automove window too low or too high'],
  ['slabs automove window 3', 'OK'],
  ['lru_crawler', 'ERROR'],
  ['lru_crawler other', 'ERROR'],
  ['lru_crawler enable', 'ERROR failed to start lru crawler thread'],
  ['lru_crawler tocrawl x', FORMAT],
  ['lru_crawler tocrawl 5', 'OK'],
  ['lru_crawler sleep 1000001', 'CLIENT_ERROR sleep must be one second or less'],
  ['lru_crawler sleep 20', 'OK'],
  ['lru_crawler crawl 64', 'BADCLASS invalid class id'],
  ['lru_crawler crawl 1,x', 'BADCLASS invalid class id'],
  ['lru_crawler crawl ,', 'NOTSTARTED no items to crawl'],
  ['lru_crawler crawl hash', 'ERROR an unknown error happened'],
  ['lru_crawler metadump 0', 'BADCLASS invalid class id'],
  ['lru_crawler metadump 1 2', 'ERROR'],
  ['lru_crawler disable', 'OK'],
  ['lru_crawler crawl 1', 'CLIENT_ERROR lru crawler disabled'],
  ['lru_crawler metadump all', 'CLIENT_ERROR lru crawler disabled'],
  ['lru_crawler enable', 'OK'],
  ['lru_crawler crawl 1,,3', 'OK'],
  ['debugtime p', 'ERROR'],
  ['debugitem ref k', 'ERROR'],
];

test.serial('administration commands get the replies of memcached 1.6.45', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  for (const [line, answer] of answers) t.is(await peer.ask(`${line}\r\n`), `${answer}\r\n`, line);
  const settings = await peer.ask('stats settings\r\n', 'END\r\n');
  for (const setting of [
    'maxbytes 8388608', 'temp_lru no', 'hot_lru_pct 5', 'warm_lru_pct 6', 'hot_max_factor 0.50', 'slab_automove 0',
    'slab_automove_ratio 0.50', 'slab_automove_window 3', 'lru_crawler_tocrawl 5', 'lru_crawler_sleep 20',
  ]) t.true(settings.includes(`STAT ${setting}\r\n`), setting);
});

test.serial('noreply silences replies and errors alike', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  peer.send(['flush_all', 'flush_all x', 'verbosity 0', 'verbosity x', 'cache_memlimit 1', 'slabs reassign 1 1',
    'lru_crawler crawl 99'].map((line) => `${line} noreply\r\n`).join(''));
  t.is(await peer.ask('version\r\n'), 'VERSION 1.6.45\r\n');
});

test.serial('flush_all flushes all items; with a delay, those stored before the delay is over', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  const set = (key: string): Promise<string> => peer.ask(`set ${key} 0 0 1\r\n1\r\n`);
  const has = async (key: string): Promise<boolean> => (await peer.ask(`get ${key}\r\n`, 'END\r\n')).length > 5;
  await set('a');
  t.is(await peer.ask('flush_all\r\n'), 'OK\r\n');
  t.false(await has('a'));
  await set('a');
  t.true(await has('a'));
  t.is(await peer.ask('flush_all 5\r\n'), 'OK\r\n');
  await server.sim.advance(3);
  await set('b');
  t.true(await has('a'));
  await server.sim.advance(3);
  t.false(await has('a'));
  t.false(await has('b'));
  await set('b');
  t.true(await has('b'));
});

test.serial('with -F flush_all is refused', async (t) => {
  const server = await serverWith(t, ['-F']);
  const peer = server.connectNow();
  await peer.ask('set a 0 0 1\r\n1\r\n');
  t.is(await peer.ask('flush_all\r\n'), 'CLIENT_ERROR flush_all not allowed\r\n');
  t.is(await peer.ask('get a\r\n', 'END\r\n'), 'VALUE a 0 1\r\n1\r\nEND\r\n');
  t.is(await figure(peer, 'cmd_flush'), '1');
});

/** The lines of a dump, sorted. */
async function dump(peer: Replies, command: string): Promise<string[]> {
  const end = command.startsWith('metadump') ? 'END\r\n' : 'EN\r\n';
  const text = await peer.ask(`lru_crawler ${command}\r\n`, `\n${end}`);
  const lines = text.slice(0, -end.length).split('\n').slice(0, -1);
  if (lines.shift() !== 'OK\r') throw new Error('it does not begin with OK');
  return lines.sort();
}

test.serial('metadump and mgdump list the existing items of all classes, or of some', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  const large = 'x'.repeat(600);
  await peer.ask(`set a:/~é 7 0 1\r\n1\r\nset b 0 100 600\r\n${large}\r\nset gone 0 -1 1\r\n1\r\nget b\r\n`, 'END\r\n');
  await peer.ask('ms YmluYXJ5 1 b\r\n1\r\n', 'HD\r\n');
  const time = Number(await figure(peer, 'time'));
  const a = `key=a%3A%2F~%E9 exp=-1 la=${time} cas=2 fetch=no cls=1 size=53 flags=7 `;
  const b = `key=b exp=${time + 100} la=${time} cas=3 fetch=yes cls=10 size=644 flags=0 `;
  const binary = `key=binary exp=-1 la=${time} cas=5 fetch=no cls=1 size=50 flags=0 `;
  t.deepEqual(await dump(peer, 'metadump all'), [a, b, binary]);
  t.deepEqual(await dump(peer, 'metadump hash'), [a, b, binary]);
  t.deepEqual(await dump(peer, 'metadump 1'), [a, binary]);
  t.deepEqual(await dump(peer, 'metadump 10,2'), [b]);
  t.deepEqual(await dump(peer, 'metadump 5'), []);
  t.deepEqual(await dump(peer, 'mgdump all'), ['mg YmluYXJ5 b\r', 'mg a:/~é\r', 'mg b\r']);
  t.is(await peer.ask('version\r\n'), 'VERSION 1.6.45\r\n');
  t.is(await figure(peer, 'lru_crawler_running'), '0');
});

test.serial('a dump is refused behind pipelined commands; commands behind a dump are served', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  const refused = 'ERROR cannot pipeline other commands before mgdump\r\n';
  t.is(await peer.ask('version\r\nlru_crawler mgdump all\r\n', refused), `VERSION 1.6.45\r\n${refused}`);
  t.is(await peer.ask('set a 0 0 1\r\n1\r\n'), 'STORED\r\n');
  t.deepEqual(await dump(peer, 'mgdump all'), ['mg a\r']);
  t.is(await peer.ask('lru_crawler mgdump all\r\nversion\r\n', '45\r\n'), 'OK\r\nmg a\r\nEN\r\nVERSION 1.6.45\r\n');
});

test.serial('with -X dumps are refused', async (t) => {
  const server = await serverWith(t, ['-X']);
  const peer = server.connectNow();
  t.is(await peer.ask('lru_crawler metadump all\r\n'), 'ERROR metadump not allowed\r\n');
  t.is(await peer.ask('lru_crawler mgdump all\r\n'), 'ERROR key dump not allowed\r\n');
});

const MANY = upTo(5000, 20_000);

/** Stores MANY items whose keys begin with that. */
async function storeMany(peer: Replies, prefix: string): Promise<void> {
  peer.send(Array.from({ length: MANY }, (_, i) => `set ${prefix}${i} 0 0 1 noreply\r\n1\r\n`).join(''));
  await peer.ask('version\r\n');
}

test.serial('a dump of many items does not keep other clients waiting', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow(), other = server.connectNow();
  await storeMany(peer, 'k');
  await other.ask('version\r\n');
  // The other client asks again as soon as it has its answer. How much of the dump has come meanwhile?
  const came: number[] = [];
  let before = 0;
  other.client.onReceive = () => {
    other.client.take();
    came.push(peer.waiting - before);
    before = peer.waiting;
    if (came.length < 10) other.client.send('version\r\n');
  };
  other.client.send('version\r\n');
  const text = await peer.ask('lru_crawler metadump all\r\n', '\nEND\r\n');
  t.true(text.length > 60 * MANY);
  t.is(came.length, 10);
  t.true(Math.max(...came) <= 2 * 16 * 1024, `bytes of the dump before an answer: ${came.join(' ')}`);
});

test.serial('with -o no_hashexpand the hash table does not grow, and finds all items', async (t) => {
  const server = await serverWith(t, ['-o', 'hashpower=12,no_hashexpand'], 4096);
  const peer = server.connectNow();
  const before = await figure(peer, 'hash_bytes');
  await storeMany(peer, 'k');
  t.is(await figure(peer, 'hash_bytes'), before);
  t.is(await figure(peer, 'hash_power_level'), '12');
  for (let i = 0; i < MANY; i++) if (await peer.ask(`mg k${i}\r\n`) !== 'HD\r\n') t.fail(`k${i} is lost`);
});

test.serial('an item that exists throughout a dump is dumped once, even if the hash table grows meanwhile', async (t) => {
  const server = await serverWith(t, ['-o', 'hashpower=12'], 4096);
  const peer = server.connectNow(), other = server.connectNow();
  await storeMany(peer, 'k');
  peer.pauseReading();
  peer.send('lru_crawler mgdump all\r\n');
  await server.sim.idle();
  t.is(await figure(other, 'lru_crawler_running'), '1');
  const level = Number(await figure(other, 'hash_power_level'));
  await storeMany(other, 'new');
  await storeMany(other, 'newer');
  t.true(Number(await figure(other, 'hash_power_level')) > level);
  peer.resumeReading();
  const text = await peer.ask('', '\nEN\r\n');
  const keys = text.match(/^mg k\d+\r$/gm) ?? [];
  t.is(keys.length, MANY);
  t.is(new Set(keys).size, MANY);
});

test.serial('a client that disconnects during its dump leaves no crawl running and no connection open', async (t) => {
  const server = await serverWith(t, [], 4096);
  const peer = server.connectNow(), other = server.connectNow();
  await storeMany(peer, 'k');
  const connections = Number(await figure(other, 'curr_connections'));
  peer.pauseReading();
  peer.send('lru_crawler metadump all\r\n');
  await server.sim.idle();
  t.is(await figure(other, 'lru_crawler_running'), '1');
  peer.reset();
  await server.sim.idle();
  t.is(await figure(other, 'lru_crawler_running'), '0');
  t.is(await figure(other, 'curr_connections'), String(connections - 1));
});

test.serial('lru_crawler crawl frees expired items of the given classes, and checks no more items than tocrawl allows', async (t) => {
  const server = await serverWith(t, ['-o', 'no_lru_maintainer']);
  const peer = server.connectNow();
  const large = 'x'.repeat(600);
  for (let i = 0; i < 30; i++) {
    await peer.ask(`set s${i} 0 1 1\r\n1\r\nset l${i} 0 1 600\r\n${large}\r\nset stays${i} 0 0 1\r\n1\r\n`);
  }
  await server.sim.advance(3);
  t.is(await figure(peer, 'curr_items'), '90');
  t.is(await peer.ask('lru_crawler crawl 1\r\n'), 'OK\r\n');
  await server.sim.advance(1);
  t.is(await figure(peer, 'lru_crawler_running'), '0');
  t.is(await figure(peer, 'curr_items'), '60');
  t.is(await figure(peer, 'items:1:crawler_reclaimed', 'stats items'), '30');
  t.is(await figure(peer, 'items:1:crawler_items_checked', 'stats items'), '60');
  t.is(await peer.ask('lru_crawler tocrawl 10\r\nlru_crawler crawl all\r\n', 'OK\r\nOK\r\n'), 'OK\r\nOK\r\n');
  await server.sim.advance(1);
  t.is(await figure(peer, 'crawler_items_checked'), '80');
  t.is(await figure(peer, 'curr_items'), '50');
});

for (const backend of backendsToTry) {
  for (const mode of ['', ' graceful']) {
    test(`${backend}: with -A shutdown${mode} ends the server, with status 0`, async (t) => {
      const server = await startServer({ backend, today: true, args: ['-A'] });
      const client = await Client.connect(server.port);
      t.is(await client.ask('shutdown other\r\n'), 'CLIENT_ERROR invalid shutdown mode\r\n');
      const ended = once(server.process, 'exit');
      client.send(`shutdown${mode}\r\n`);
      t.is(await client.closed(), '');
      t.deepEqual(await ended, [0, null]);
    });
  }
}

test.serial('with MEMCACHED_DEBUG, debugtime stops and moves the clock, and debugitem holds and locks items', async (t) => {
  process.env['MEMCACHED_DEBUG'] = '1';
  t.teardown(() => Reflect.deleteProperty(process.env, 'MEMCACHED_DEBUG'));
  const server = await serverWith(t);
  const client = server.connectNow();
  const uptime = async (): Promise<number> => Number(await figure(client, 'uptime'));
  t.is(await client.ask('debugtime p\r\n'), 'OK\r\n');
  const before = await uptime();
  t.is(await client.ask('set a 0 100 1\r\n1\r\n'), 'STORED\r\n');
  t.is(await client.ask('debugitem ref a\r\n'), 'OK\r\n');
  t.is(await client.ask('debugtime 101\r\n'), 'OK\r\n');
  t.is(await uptime(), before + 101);
  t.is(await client.ask('get a\r\n'), 'END\r\n');
  t.is(await figure(client, '1:used_chunks', 'stats slabs'), '1');
  t.is(await client.ask('debugitem unref reffed\r\n'), 'OK\r\n');
  t.is(await figure(client, '1:used_chunks', 'stats slabs'), '0');
  t.is(await client.ask('debugitem ref a\r\n'), 'MISS\r\n');
  t.is(await client.ask('debugitem lock a\r\n'), 'OK\r\n');
  t.is(await client.ask('debugitem unlock a\r\n'), 'OK\r\n');
  t.is(await client.ask('debugtime r\r\n'), 'OK\r\n');
  t.is(await client.ask('debugtime x\r\n'), 'ERROR\r\n');
});
