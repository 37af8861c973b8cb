// npm run bench as a user runs it: arguments, a short run on our own server, and servers that answer wrongly.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import test from 'ava';

import { Misuse, readArguments } from '../scripts/bench/arguments';
import { command } from '../scripts/bench/command';
import { GeneratorProcess } from '../scripts/bench/generator-process';
import type { Result } from '../scripts/bench/model';
import { textReport } from '../scripts/bench/text';
import { root } from './support/server';
import { thorough } from './support/thorough';
import { where } from './support/where';

const bench = join(root, 'dist', 'scripts', 'bench.js');

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** As a user runs it. */
function runAlone(...args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bench, ...args], { env: { ...process.env, NODE_V8_COVERAGE: undefined } });
    let stdout = '', stderr = '';
    child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** The command in this process; its servers and generators are processes of their own. */
async function run(...args: string[]): Promise<Outcome> {
  let stdout = '', stderr = '';
  const status = await command(args, join(root, 'dist', 'scripts'), {
    out: (text) => void (stdout += text),
    err: (text) => void (stderr += text),
    progress: () => {},
    progressed: () => {},
  });
  return { status, stdout, stderr };
}

/** A server to which each line is a command, but the one after a set, which is its data. */
async function fake(answer: (line: string) => string): Promise<{ server: Server; address: string }> {
  const server = createServer((socket) => {
    let data = false, begun = '';
    socket.on('error', () => socket.destroy());
    // Not by node:readline, which takes its time for a hundred thousand items.
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      const lines = (begun + chunk).split('\r\n');
      begun = lines.pop() ?? '';
      socket.write(lines.map((line) => {
        const stored = data;
        data = !data && line.startsWith('set ');
        if (stored) return 'STORED\r\n';
        return line.startsWith('get ') ? answer(line) : '';
      }).join(''));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test('arguments: defaults are used for what is left out', (t) => {
  const options = readArguments([]);
  if (options === 'help') return void t.fail();
  t.deepEqual(options.workloads, [
    'get', 'set', 'mix', 'multiget', 'pipeline', 'pipeline-set', 'large', 'large-set', 'single', 'thousand', 'zipf',
    'memory', 'stall', 'connections',
  ]);
  t.like(options, { servers: null, backend: null, rounds: 7, seconds: 2, stallSeconds: 60, json: false, report: null });
});

test('arguments: given values are used', (t) => {
  t.deepEqual(readArguments([
    '--workloads', 'set,get,set', '--servers=ours,net', '--backend', 'net', '--against', '127.0.0.1:11211', '--rounds', '3',
    '--against', 'localhost:1', '--seconds', '.5', '--stall-seconds', '9', '--seed', '7', '--json', '--report', 'out.html',
  ]), {
    workloads: ['set', 'get'], servers: ['ours', 'net'], backend: 'net', rounds: 3, seconds: 0.5, stallSeconds: 9, seed: 7,
    against: [{ host: '127.0.0.1', port: 11211 }, { host: 'localhost', port: 1 }], json: true, report: 'out.html',
  });
  t.is(readArguments(['--help']), 'help');
});

const mistakes: Record<string, RegExp> = {
  '--workloads gets': /no workload "gets": there are get, set, /,
  '--workloads ': /no workload ""/,
  '--servers redis': /no server "redis"/,
  '--backend kqueue': /no backend "kqueue"/,
  '--against localhost': /--against wants host:port, not "localhost"/,
  '--against localhost:65536': /--against wants host:port/,
  '--rounds 0': /--rounds wants a whole number from 1 on, not "0"/,
  '--rounds 1.5': /--rounds/,
  '--seconds 0': /--seconds wants seconds, not "0"/,
  '--seconds long': /--seconds/,
  '--stall-seconds 1s': /--stall-seconds/,
  '--seed x': /--seed/,
  '--bogus': /'--bogus'/,
  'word': /'word'/,
  '--rounds': /--rounds/,
};

for (const [line, says] of Object.entries(mistakes)) {
  test(`arguments: ${line} is wrong`, (t) => {
    const error = t.throws(() => readArguments(line.split(' ')), { instanceOf: Misuse, message: says });
    t.false(error.message.includes('\n'));
  });
}

test('wrong arguments: one line on stderr, exit status 2', async (t) => {
  const { status, stdout, stderr } = await run('--rounds', 'many');
  t.is(status, 2);
  t.is(stdout, '');
  t.regex(stderr, /^bench: --rounds wants [^\n]*\n$/);
  t.like(await run('--report', '/nowhere/at/all.html', '--servers', 'ours'), { status: 2, stdout: '' });
});

test('--help', async (t) => {
  const { status, stdout } = await run('--help');
  t.is(status, 0);
  for (const option of ['--workloads', '--against', '--seconds', '--report', 'large-set', 'stall']) {
    t.true(stdout.includes(option), option);
  }
});

// It fills two servers first, which takes seconds.
if (thorough) test('a run on our server and another gives JSON, a self-contained page, and the ratios as text', async (t) => {
  const names = ['multiget'];
  const folder = await mkdtemp(join(tmpdir(), 'bench-'));
  try {
    const page = join(folder, 'out.html');
    const { status, stdout, stderr } = await runAlone(
      '--seconds', '0.2', '--rounds', '1', '--workloads', names.join(','), '--servers', 'ours,plain', '--json',
      '--report', page,
    );
    t.is(stderr, '');
    t.is(status, 0);
    const result = JSON.parse(stdout) as Result;
    t.deepEqual(result.options, { rounds: 1, seconds: 0.2, stallSeconds: 60, seed: 1 });
    t.deepEqual(result.workloads.map(({ name }) => name).toSorted(), names.toSorted());
    t.is(result.baseline, 'plain');
    for (const { name, unit, servers } of result.workloads) {
      t.is(unit, name === 'multiget' ? 'requests' : 'operations');
      t.deepEqual(servers.map(({ server }) => server), ['ours', 'plain']);
      for (const { server, perSecond, latency, generatorIdle, hitRate, ratio, rounds } of servers) {
        t.is(rounds.length, 1);
        for (const round of rounds) t.true(round.operations > 0 && round.seconds >= 0.2, name);
        t.true(perSecond.min > 0 && perSecond.min <= perSecond.median && perSecond.median <= perSecond.max, name);
        t.true(latency.count > 0 && latency.p50 > 0 && latency.p50 <= latency.p99 && latency.p999 <= latency.max, name);
        t.true(generatorIdle >= 0 && generatorIdle <= 1, name);
        t.is(hitRate, null);
        t.is(ratio === null, server === 'plain');
      }
    }
    const html = await readFile(page, 'utf8');
    t.is(html.match(/<svg/g)?.length, 1 + 2 * names.length);
    const text = textReport(result);
    t.true(text.includes('Ratios are to plain'));
    t.true(text.includes('Note: memcached is not among the servers.'));
    t.regex(text, /│ ours +│ +[\d,]+ │ +\d+\.\d\d │/);
    t.regex(text, /│ plain +│ +[\d,]+ │ +│/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a wrong reply fails the run and is reported', async (t) => {
  const { server, address } = await fake((line) => `VALUE ${line.slice(4)} 0 32\r\n${'x'.repeat(32)}\r\nEND\r\n`);
  const { status, stdout, stderr } = await run('--seconds', '0.1', '--workloads', 'get', '--servers', 'plain', '--against', address);
  server.close();
  t.is(status, 1);
  t.is(stdout, '');
  t.regex(stderr, /^bench: 127\.0\.0\.1:\d+, workload get: wrong reply to "get key:\d{12}\\r\\n" at byte 29: /);
  t.regex(stderr, /expected "key:\d{12}key:\d{12}\\r\\nEND\\r\\n", got "x{32}\\r\\nEND\\r\\n"\n$/);
});

test('a closed connection and a refused one are reported as failures', async (t) => {
  const generator = new GeneratorProcess(join(root, 'dist', 'scripts'), null);
  t.teardown(() => generator.end());
  const closing = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  t.teardown(() => closing.close());
  await once(closing, 'listening');
  const { port } = closing.address() as AddressInfo;
  const task = { kind: 'measure', workload: 'get', seed: 1, host: '127.0.0.1', port, pid: null, warmUp: 0, seconds: 0.1 } as const;
  // How it sees the end depends on how far it got before.
  const lost = /^cannot connect: the server closed it$|^the (connection was lost|server closed the connection) /;
  const answer = await generator.perform(task);
  t.is(answer.kind, 'failed');
  if (answer.kind === 'failed') t.regex(answer.message, lost);
  closing.close();
  await once(closing, 'close');
  t.like(await generator.perform(task), { kind: 'failed', message: 'cannot connect: connection refused' });
});

/** Linux tells which children a process has. */
const whereChildrenAreTold = where(
  existsSync(`/proc/self/task/${process.pid}/children`), 'a list of children in /proc',
);

whereChildrenAreTold('SIGINT ends the processes that the bench started', async (t) => {
  const child = spawn(process.execPath, [bench, '--workloads', 'get', '--servers', 'ours', '--seconds', '60'], {
    env: { ...process.env, NODE_V8_COVERAGE: undefined }, stdio: 'ignore',
  });
  const children = `/proc/${child.pid}/task/${child.pid}/children`;
  let started: string[] = [];
  while (started.length < 2) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const list = await readFile(children, 'latin1');
    started = list.trim().split(' ').filter((pid) => pid !== '');
  }
  child.kill('SIGINT');
  const [status] = (await once(child, 'exit')) as [number | null];
  t.is(status, 130);
  const running = async (pid: string): Promise<boolean> => {
    const status = await readFile(`/proc/${pid}/status`, 'latin1').catch(() => '');
    return /^State:\s*[^ZX\s]/m.test(status);
  };
  for (const pid of started) while (await running(pid)) await new Promise((resolve) => setTimeout(resolve, 50));
});
