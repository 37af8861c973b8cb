// -e: the items outlive a server that ends gracefully, and nothing is believed that was not written to its end.
import {
  existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync, truncateSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { NULL } from '../lib/libc/memory';
import { lruTail } from '../lib/1.6/lru';
import { IT_PREV, LRUS, field, keyOf, nkeyOf, statsState } from '../lib/1.6/memcached.h';
import { restartMmapClose } from '../lib/1.6/restart';
import { Client } from './support/client';
import { bytes } from './support/memory';
import type { Replies } from './support/replies';
import { startServer } from './support/server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import { Stderr } from './support/stderr';
import { checkStorage } from './support/storage';

const START = 1_700_000_000;
const folder = mkdtempSync(join(tmpdir(), 'restart-'));
const path = join(folder, 'memory'), meta = `${path}.meta`;
let stderr = new Stderr();

test.serial.beforeEach(() => {
  stderr = new Stderr();
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
});
test.afterEach.always(() => {
  stderr.restore();
});
test.after.always(() => {
  rmSync(folder, { recursive: true });
});

const CLEAN = '[restart] no metadata save file, starting with a clean cache';
let running: SimServer | null = null;
/** The wall clock when the server was started. */
let startTime = START;

/** A server whose wall clock is `later` seconds after that of the last one at its start. */
async function start(t: ExecutionContext, args: readonly string[] = [], later = 0): Promise<SimServer> {
  startTime = later === 0 ? START : startTime + later;
  const memory = args.includes('-m') ? {} : { memory: SMALL_MEMORY };
  const size = args.includes('-m') ? [] : ['-m', '8'];
  const options = { today: true, startTime, maxTurns: Infinity, ...memory };
  const server = await SimServer.start(['-e', path, ...size, ...args], options);
  running = server;
  t.teardown(() => server.stop());
  return server;
}

/** Ends it; gracefully, if items are to stay. */
async function end(gracefully = true): Promise<void> {
  if (gracefully) restartMmapClose();
  await running?.stop();
}

async function has(peer: Replies, key: string): Promise<boolean> {
  return (await peer.ask(`get ${key}\r\n`, 'END\r\n')) !== 'END\r\n';
}

async function figure(peer: Replies, name: string, command = 'stats'): Promise<string | undefined> {
  return new RegExp(`^STAT ${name} (.*)\r$`, 'm').exec(await peer.ask(`${command}\r\n`, 'END\r\n'))?.[1];
}

/** The keys of each LRU, from its end. */
function lrus(): string[][] {
  return Array.from({ length: LRUS }, (_, id) => {
    const keys: string[] = [];
    for (let it = lruTail(id); it !== NULL; it = field(it, IT_PREV) >>> 0) keys.push(bytes(keyOf(it), nkeyOf(it)));
    return keys;
  });
}

test.serial('an item survives a restart with value, flags, cas and meta state; its time left has gone on', async (t) => {
  const server = await start(t);
  const peer = server.connectNow();
  await peer.ask('set a 5 0 3\r\nabc\r\nset short 0 20 1\r\n1\r\nset long 4294967295 100 1\r\n1\r\nget long\r\n', 'END\r\n');
  await peer.ask('ms AP8g 2 b\r\nhi\r\nms stale 1\r\n1\r\nmd stale I\r\nmg stale\r\n', 'HD X W\r\n');
  await peer.ask('ms empty 0\r\n\r\n', 'HD\r\n');
  await server.sim.advance(10);
  const asked = 'gets a long\r\nmg AP8g b k v\r\nmg stale v c\r\nmg empty v\r\nmg long h l f\r\nmn\r\n';
  const before = (await peer.ask(asked, 'MN\r\n')).replace('Z\r', 'X Z\r');
  const uptime = Number(await figure(peer, 'uptime'));
  const oldBytes = await figure(peer, 'bytes');
  await end();

  const next = (await start(t, [], 10 + 15)).connectNow();
  checkStorage();
  t.is(await figure(next, 'curr_items'), '5');
  t.is(await figure(next, 'total_items'), '5');
  t.is(Number(await figure(next, 'uptime')), uptime + 15);
  t.true(Number(await figure(next, 'bytes')) < Number(oldBytes), 'the one that has expired meanwhile is not there');
  t.false(await has(next, 'short'));
  t.is(await next.ask('mg long t\r\n'), 'HD t75\r\n');
  const again = await next.ask(asked, 'MN\r\n');
  t.is(again.replace(/ l\d+/, ''), before.replace('X Z', 'Z').replace(/ l\d+/, ''));
  const [, cas] = /VALUE a 5 3 (\d+)/.exec(again) ?? [];
  t.is(await next.ask(`cas a 0 0 1 ${cas}\r\n1\r\n`), 'STORED\r\n');
  const cases = [...(await next.ask('gets a long empty\r\n', 'END\r\n')).matchAll(/ (\d+)\r\n/g)].map(([, n]) => Number(n));
  t.true(cases[0] > Math.max(...cases.slice(1)), 'cas numbers go on');
  await end(false);
});

test.serial("the saved file contains nothing of the memory's earlier contents", async (t) => {
  const peer = (await start(t)).connectNow();
  await peer.ask('set a 0 0 20\r\nxxxxxxxxxxxxxxxxxxxx\r\ndelete a\r\nset a 0 0 1\r\n1\r\nmn\r\n', 'MN\r\n');
  await end();
  t.is(readFileSync(path).lastIndexOf('x'), -1);
  const next = (await start(t)).connectNow();
  t.is(await next.ask('get a\r\n', 'END\r\n'), 'VALUE a 0 1\r\n1\r\nEND\r\n');
  await end(false);
});

test.serial('every LRU keeps its items in order over a restart, also when memory is full', async (t) => {
  const server = await start(t);
  const peer = server.connectNow();
  let n = 0;
  for (const size of [10, 400_000, 3000, 600_000, 100, 200_000]) {
    for (let round = 0; round < 12; round++, n++) {
      await peer.ask(`set k${n} 0 0 ${size}\r\n${'x'.repeat(size)}\r\nget k${n - 3} k${n - 3}\r\n`, 'END\r\n');
    }
    await server.sim.advance(2);
  }
  t.true(Number(await figure(peer, 'evictions')) > 0);
  const before = lrus();
  t.true(before.filter((keys) => keys.length > 0).length > 4);
  const items = statsState.currItems, total = statsState.currBytes;
  await end();
  const next = (await start(t, [], 100)).connectNow();
  checkStorage();
  t.deepEqual(lrus(), before);
  t.deepEqual([statsState.currItems, statsState.currBytes], [items, total]);
  for (const keys of before) for (const key of keys) t.regex(await next.ask(`mg ${key} s v\r\n`, 'x\r\n'), /^VA \d+ s\d+\r\nx/);
  // It goes on as a full one.
  for (let i = 0; i < 20; i++) {
    t.is(await next.ask(`set new${i} 0 0 400000\r\n${'y'.repeat(400_000)}\r\n`), 'STORED\r\n');
  }
  checkStorage();
  await end(false);
});

test.serial('items of several megabytes survive a restart, and the hash table keeps its size', async (t) => {
  const server = await start(t, ['-m', '64', '-I', '8m', '-o', 'hashpower=12']);
  const peer = server.connectNow();
  const large = Buffer.alloc(5_000_000).fill('0123456789abcde').toString('latin1');
  await peer.ask(`set large 7 0 5000000\r\n${large}\r\nset small 0 0 1\r\n1\r\n`, 'STORED\r\nSTORED\r\n');
  await peer.ask(Array.from({ length: 7000 }, (_, i) => `set k${i} 0 0 0 noreply\r\n\r\n`).join('') + 'mn\r\n', 'MN\r\n');
  await peer.ask(Array.from({ length: 7000 }, (_, i) => `delete k${i} noreply\r\n`).join('') + 'mn\r\n', 'MN\r\n');
  t.is(await figure(peer, 'hash_power_level'), '13');
  await end();
  const next = (await start(t, ['-m', '64', '-I', '8m', '-o', 'hashpower=12'], 5)).connectNow();
  t.is(await figure(next, 'hash_power_level'), '13');
  t.is(await next.ask('get large small\r\n', 'END\r\n'), `VALUE large 7 5000000\r\n${large}\r\nVALUE small 0 1\r\n1\r\nEND\r\n`);
  checkStorage();
  await end(false);
});

test.serial('flushed items stay flushed after a restart; a delayed flush still comes; a new flush takes all', async (t) => {
  const server = await start(t);
  const peer = server.connectNow();
  await peer.ask('set a 0 0 1\r\n1\r\nflush_all\r\nflush_all\r\nset b 0 0 1\r\n1\r\nflush_all 30\r\n', 'OK\r\nSTORED\r\nOK\r\n');
  await end();
  const next = await start(t, [], 10);
  const other = next.connectNow();
  t.false(await has(other, 'a'));
  t.true(await has(other, 'b'));
  await next.sim.advance(25);
  t.false(await has(other, 'b'));
  await other.ask('set c 0 0 1\r\n1\r\nflush_all\r\nset c 0 0 1\r\n1\r\n', 'OK\r\nSTORED\r\n');
  await end();
  const last = (await start(t, [], 25)).connectNow();
  t.true(await has(last, 'c'));
  t.is(await last.ask('flush_all\r\n'), 'OK\r\n');
  t.false(await has(last, 'c'));
  await end(false);
});

test.serial('a restart in the middle of commands keeps stored items, and drops unlinked and unfinished ones', async (t) => {
  const server = await start(t);
  const peer = server.connectNow(), reader = server.connectNow(), writer = server.connectNow();
  const value = 'v'.repeat(300_000);
  await peer.ask(`set read 0 0 300000\r\n${value}\r\nset gone 0 0 300000\r\n${value}\r\n`, 'STORED\r\nSTORED\r\n');
  reader.pauseReading();
  reader.send('get read gone\r\n');
  writer.send('set half 0 0 10\r\n12345');
  await peer.ask('delete gone\r\n');
  await end();
  const next = (await start(t, [], 10)).connectNow();
  t.deepEqual([await has(next, 'read'), await has(next, 'gone'), await has(next, 'half')], [true, false, false]);
  t.is(statsState.currItems, 1);
  checkStorage();
  await end(false);
});

test.serial('each graceful end saves the items anew; any other end saves none', async (t) => {
  const first = (await start(t)).connectNow();
  await first.ask('set a 0 0 1\r\n1\r\n');
  await end();
  const second = (await start(t, [], 5)).connectNow();
  await second.ask('set b 0 0 1\r\n1\r\n');
  await end();
  const third = (await start(t, [], 5)).connectNow();
  t.deepEqual([await has(third, 'a'), await has(third, 'b')], [true, true]);
  t.deepEqual(stderr.lines(), [CLEAN]);
  t.is(statSync(path).size, 0);
  t.false(existsSync(meta));
  await end(false);
  const fourth = (await start(t, [], 5)).connectNow();
  t.is(await figure(fourth, 'curr_items'), '0');
  t.deepEqual(stderr.lines(), [CLEAN]);
  await end(false);
});

interface Refusal {
  /** The line, without its ending. */
  told: string;
  /** What is not as it was: the arguments, the time at the start, the files. */
  args?: readonly string[];
  later?: number;
  change?: () => void;
}

const refused: Readonly<Record<string, Refusal>> = {
  '-m': { told: 'restart incompatible due to setting for [maxbytes] [old value: 8388608]', args: ['-m', '9'] },
  '-n': { told: 'restart incompatible due to setting for [chunk_size] [old value: 48]', args: ['-n', '64'] },
  '-f': { told: 'restart incompatible due to setting for [slab_config] [old value: 1.25]', args: ['-f', '1.5'] },
  '-I': { told: 'restart incompatible due to setting for [item_size_max] [old value: 1048576]', args: ['-I', '2m'] },
  '-C': { told: 'restart incompatible due to setting for [use_cas] [old value: true]', args: ['-C'] },
  'slab_chunk_max': {
    told: 'restart incompatible due to setting for [slab_chunk_size_max] [old value: 524288]',
    args: ['-o', 'slab_chunk_max=256'],
  },
  'slab_reassign': {
    told: 'restart incompatible due to setting for [slab_reassign] [old value: true]', args: ['-o', 'no_slab_reassign'],
  },
  'another version': {
    told: 'restart incompatible due to setting for [version] [old value: 1.5.18]',
    change: () => edit(/version .*/, 'version 1.5.18'),
  },
  'a line is missing': { told: 'missing some metadata lines', change: () => edit(/Kstop_time .*\n/, '') },
  'the metadata are cut': { told: 'missing some metadata lines', change: () => edit(/Kbytes [^]*/, '') },
  'a setting is missing': { told: 'missing some metadata lines', change: () => edit(/Kuse_cas .*\n/, '') },
  'a line is none': { told: 'invalid metadata line: oops', change: () => edit(/Kuse_cas .*\n/, 'oops\n') },
  'a number is none': { told: 'missing some metadata lines', change: () => edit(/current_cas .*/, 'current_cas x') },
  'another cas': { told: 'the checksum of the memory file is wrong', change: () => edit(/current_cas .*/, 'current_cas 1') },
  'the file is cut': {
    told: 'the memory file has 43 bytes and not 44', change: () => truncateSync(path, 43),
  },
  'the file is gone': { told: 'the memory file has 0 bytes and not 44', change: () => rmSync(path) },
  'a byte is another': {
    told: 'the checksum of the memory file is wrong',
    change: () => writeFileSync(path, readFileSync(path).fill('x', 42, 43)),
  },
  'the clock has gone back': { told: `the clock has gone back since the stop at ${START}`, later: -5 },
};

function edit(what: RegExp, by: string): void {
  const text = readFileSync(meta, 'latin1');
  const changed = text.replace(what, by);
  if (changed === text) throw new Error(`no ${String(what)}`);
  writeFileSync(meta, changed);
}

test.serial('a saved memory that does not match is refused in one line, and the server starts empty', async (t) => {
  await (await start(t)).connectNow().ask('set a 0 0 0\r\n\r\n');
  await end();
  const written = [path, meta].map((name) => [name, readFileSync(name)] as const);
  t.is(statSync(path).size, 44);
  stderr.lines();
  for (const [name, { told, args = [], later = 5, change = () => undefined }] of Object.entries(refused)) {
    for (const [file, content] of written) writeFileSync(file, content);
    startTime = START;
    change();
    const peer = (await start(t, args, later)).connectNow();
    t.deepEqual(stderr.lines(), [`[restart] ${told}, starting with a clean cache`], name);
    t.false(await has(peer, 'a'), name);
    t.is(await peer.ask('set b 0 0 1\r\n1\r\n'), 'STORED\r\n');
    t.deepEqual(readdirSync(folder), ['memory'], name);
    t.is(statSync(path).size, 0, name);
    await end(false);
  }
});

test.serial('a foreign file, or one that cannot be written, ends the server at start and is left unchanged', async (t) => {
  for (const text of ['', 'hello\n']) {
    writeFileSync(meta, text);
    t.is(await (await start(t)).ended, 1);
    t.deepEqual(stderr.lines(), ['[restart] Failed to read a tag from metadata file']);
    t.is(readFileSync(meta, 'latin1'), text);
  }
  rmSync(meta);
  rmSync(path);
  mkdirSync(path);
  t.is(await (await start(t)).ended, 1);
  t.deepEqual(stderr.lines(), ['failed to open file for mmap: illegal operation on a directory']);
  rmdirSync(path);
});

test.serial('a failure to save is reported, and leaves no file that would be loaded', async (t) => {
  for (const inTheWay of [`${path}.tmp`, `${meta}.tmp`, meta]) {
    await (await start(t)).connectNow().ask('set a 0 0 1\r\n1\r\n');
    mkdirSync(inTheWay);
    stderr.lines();
    await end();
    const [line, ...others] = stderr.lines();
    t.regex(line, /^\[restart\] failed to save the items: \w/);
    t.deepEqual(others, []);
    rmdirSync(inTheWay);
    t.is(await figure((await start(t, [], 5)).connectNow(), 'curr_items'), '0');
    t.deepEqual(stderr.lines(), [CLEAN]);
    await end(false);
  }
});

test.serial('unfinished files of a killed server are removed', async (t) => {
  for (const name of [`${path}.tmp`, `${meta}.tmp`]) writeFileSync(name, 'half');
  await start(t);
  t.deepEqual(readdirSync(folder), ['memory']);
  await end(false);
});

test.serial('a process: shutdown graceful keeps the items, and SIGTERM does not', async (t) => {
  for (const graceful of [true, false]) {
    const server = await startServer({ today: true, args: ['-A', '-m', '64', '-e', path] });
    const client = await Client.connect(server.port);
    const answer = await client.ask('gets a\r\n', 'END\r\n');
    t.is(answer, graceful ? 'END\r\n' : 'VALUE a 0 5 2\r\nvalue\r\nEND\r\n');
    if (graceful) await client.ask('set a 0 0 5\r\nvalue\r\n');
    const exit = once(server.process, 'exit');
    if (graceful) client.send('shutdown graceful\r\n');
    else server.process.kill('SIGTERM');
    t.deepEqual(await exit, [0, null]);
    client.destroy();
    t.is(existsSync(meta), graceful);
    t.is(statSync(path).mode & 0o777, 0o600);
  }
});
