// npm run soak as a user runs it: arguments, a short run, a server that answers wrongly, and what counts as growth.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import test from 'ava';

import { seeded } from '../scripts/bench/random';
import { Misuse } from '../scripts/bench/arguments';
import { readArguments } from '../scripts/soak/arguments';
import { binaryExchange, difference } from '../scripts/soak/binary';
import { growth } from '../scripts/soak/growth';
import { failures } from '../scripts/soak/model';
import { Store } from '../scripts/soak/store';
import { textExchange } from '../scripts/soak/text';
import { root } from './support/server';
import { thorough } from './support/thorough';

const soak = join(root, 'dist', 'scripts', 'soak.js');

async function run(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [soak, ...args], { env: { ...process.env, NODE_V8_COVERAGE: undefined } });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
  return { status, stdout, stderr };
}

test('arguments: given values are used, and defaults for what is left out', (t) => {
  t.deepEqual(readArguments([]), { minutes: 10, servers: null, memcached: null, seed: 1, report: null });
  t.deepEqual(readArguments([
    '--minutes', '.5', '--servers', 'net,epoll-single', '--memcached', '/usr/bin/memcached', '--seed', '7', '--report', 'a.html',
  ]), { minutes: 0.5, servers: ['net', 'epoll-single'], memcached: '/usr/bin/memcached', seed: 7, report: 'a.html' });
  t.is(readArguments(['--help']), 'help');
});

const mistakes: Record<string, RegExp> = {
  '--minutes 0': /--minutes wants minutes, not "0"/,
  '--minutes long': /--minutes/,
  '--servers redis': /no server "redis": there are epoll, /,
  '--seed x': /--seed/,
  '--bogus': /'--bogus'/,
  'word': /'word'/,
};

for (const [line, says] of Object.entries(mistakes)) {
  test(`arguments: ${line} is wrong`, (t) => {
    const error = t.throws(() => readArguments(line.split(' ')), { instanceOf: Misuse, message: says });
    t.false(error.message.includes('\n'));
  });
}

// It fills a server first, which takes seconds.
if (thorough) test('a short run has only right answers, bad clients, and a page with plots', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soak-'));
  try {
    const page = join(folder, 'out.html');
    const { status, stdout, stderr } = await run('--minutes', '0.01', '--servers', 'epoll', '--report', page);
    t.is(stderr, '');
    t.is(status, 0, stdout);
    t.regex(stdout, /│ epoll +│ +0\.0 │ +[\d,]+ │ +0 │ +[\d,]+ │/);
    t.regex(stdout, /No wrong answer\. The run was too short/);
    t.is((await readFile(page, 'utf8')).match(/<svg/g)?.length, 3);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** A memcached that says no to everything. */
const CONTRARY = `#!${process.execPath}
require('node:net').createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end('NO\\r\\n'));
}).listen(Number(process.argv[process.argv.indexOf('-p') + 1]), '127.0.0.1');
`;

test('a wrong answer fails the run and is reported', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'soak-'));
  try {
    const program = join(folder, 'memcached');
    await writeFile(program, CONTRARY);
    await chmod(program, 0o755);
    const { status, stdout } = await run('--minutes', '0.002', '--servers', 'memcached', '--memcached', program);
    t.is(status, 1);
    t.regex(stdout, /\nmemcached: wrong answer: [^\n]*NO/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a server that does not start gives one line and exit status 1', async (t) => {
  const { status, stdout, stderr } = await run('--servers', 'memcached', '--memcached', '/nowhere/at/all');
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /^soak: memcached did not start: [^\n]+\n$/);
});

/** Ten minutes, a point each second. */
function points(value: (minute: number, i: number) => number): { at: number; value: number }[] {
  return Array.from({ length: 600 }, (_, i) => ({ at: i, value: value(i / 60, i) }));
}

const MB = 2 ** 20;
const saw = (i: number): number => (i % 20) * MB;

for (const [what, course, grows] of [
  ['what stays', () => 100 * MB, false],
  ['a saw', (_: number, i: number) => 100 * MB + saw(i), false],
  ['what grows while it warms up', (minute: number) => 100 * MB + 50 * MB * Math.min(minute, 2.5), false],
  ['a saw that rises', (minute: number, i: number) => 100 * MB + saw(i) + 5 * MB * minute, true],
  ['a single peak at the end', (_: number, i: number) => (i === 599 ? 900 * MB : 100 * MB), false],
  ['a step in the middle', (minute: number) => (minute > 6 ? 130 : 100) * MB, true],
] as const) {
  test(`growth: ${what} ${grows ? 'grows' : 'does not grow'}`, (t) => {
    t.is(growth(points(course), 0.05, 8 * MB)?.grows, grows);
  });
}

test('growth: no points, or only a few, give no result', (t) => {
  t.is(growth([], 0.05, 0), null);
  t.is(growth(points(() => 1).slice(0, 3), 0.05, 0), null);
});

test('growth, a wrong answer and a failed load each fail a soak', (t) => {
  const seen = { operations: 1, wrong: 0, told: [], latency: { p50: 1, p999: 1, max: 1 }, deeds: {} };
  const result = {
    server: 'epoll', seconds: 600, seen, clientsPause: 0, load: { operations: 1, max: 1, failed: null },
    resident: [], heap: [], descriptors: [], descriptorsLeft: 1, pause: null,
    growth: { 'resident memory': null, 'heap': { before: 1, after: 1, grows: false }, 'descriptors': null },
  };
  t.deepEqual(failures(result), []);
  t.deepEqual(failures({ ...result, growth: { ...result.growth, heap: { before: 1, after: 9, grows: true } } }), [
    'epoll: heap grew from 1 to 9',
  ]);
  t.deepEqual(failures({ ...result, seen: { ...seen, told: ['a'] }, load: { operations: 0, max: 0, failed: 'b' } }), [
    'epoll: wrong answer: a', 'epoll: b',
  ]);
});

test('a store has memcached\'s semantics', (t) => {
  const store = new Store();
  t.false(store.store('append', 'a', 'x', 0));
  t.false(store.store('replace', 'a', 'x', 0));
  t.true(store.store('add', 'a', '10', 5));
  t.false(store.store('add', 'a', 'x', 0));
  t.is(store.count('a', 5n, false), '5');
  t.deepEqual(store.get('a'), { value: '5 ', flags: 5 });
  t.is(store.count('a', 2n ** 64n - 1n, true), '4');
  t.true(store.store('prepend', 'a', 'x', 0));
  t.is(store.count('a', 1n, true), false);
  t.deepEqual(store.get('a'), { value: 'x4 ', flags: 5 });
  t.true(store.staysLong('a', 1n));
  t.false(store.isPlain('b'));
  for (const [value, plain] of [['12 ', true], ['text', true], ['1x', false], [' 1', false], ['-1', false]] as const) {
    store.store('set', 'b', value, 0);
    t.is(store.isPlain('b'), plain, value);
  }
  t.true(store.delete('a'));
  t.is(store.count('a', 1n, true), null);
});

test('the exchanges are the same for the same seed', (t) => {
  const some = (): unknown[] => {
    const random = seeded(3), store = new Store();
    return Array.from({ length: 50 }, (_, i) => [textExchange(random, store, 'a'), binaryExchange(random, store, 'a', i)]);
  };
  t.deepEqual(some(), some());
});

test('an unexpected reply of the binary protocol is reported', (t) => {
  const header = Buffer.alloc(24);
  header[0] = 0x81;
  header.writeUInt32BE(7, 12);
  const answer = { opcode: 0, status: 0, opaque: 7, body: 'ab' };
  t.is(difference(header.toString('latin1'), 'ab', answer), null);
  t.regex(difference(header.toString('latin1'), 'xb', answer) ?? '', /"body":"xb"/);
  header.writeUInt32BE(8, 12);
  t.regex(difference(header.toString('latin1'), 'ab', answer) ?? '', /"opaque":8/);
});
