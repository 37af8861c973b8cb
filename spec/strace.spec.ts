// Where strace is installed: the system calls on a connection are those that the C server made, one for one, with
// --classic; and without it as few as there can be.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { loadSystem } from '../reactor/linux/ffi';
import type { TranscriptEntry } from '../reactor/sim';
import { Client, ask, served } from './support/client';
import { startServer } from './support/server';
import type { Options } from './support/server';
import { firstConnection, hasStrace, killTraced, strace } from './support/strace';
import { callsWithLengths, replay, transcriptsWithCalls } from './support/transcripts';
import { someOf } from './support/thorough';
import { where } from './support/where';

const maybe = where(hasStrace, 'strace', test.serial);

/** The calls on the first connection of a server, with which `talk` is held, and all that strace wrote. */
async function traced<T>(
  t: ExecutionContext, options: Options, talk: (client: Client, port: number) => Promise<T>,
): Promise<{ result: T; calls: TranscriptEntry[]; output: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'calls');
  const server = await startServer({ backend: 'epoll', ...options, under: strace(file) });
  t.teardown(() => killTraced(server.process));

  const client = await Client.connect(server.port);
  const result = await talk(client, server.port);
  await served(server.port);

  // It is strace that was started: the server under it is asked to end, and strace ends with it.
  const stats = await ask(server.port, 'stats\r\n', 'END\r\n');
  const exit = once(server.process, 'exit');
  process.kill(Number(/STAT pid (\d+)/.exec(stats)?.[1]), 'SIGTERM');
  await exit;
  const output = readFileSync(file, 'utf8');
  return { result, calls: firstConnection(output), output };
}

// The others are held with the simulated kernel's calls in transcripts.spec.ts.
for (const transcript of someOf(transcriptsWithCalls, 3)) {
  maybe(`epoll --classic: ${transcript.name}: the server makes the calls that C made`, async (t) => {
    const { result, calls } = await traced(t, { classic: true, args: transcript.arguments }, (client, port) => {
      return replay(transcript, client, () => served(port));
    });
    t.deepEqual(calls, callsWithLengths(transcript, result));
  });
}

maybe('epoll: a command takes one read and one write, and so does a pipeline', async (t) => {
  const { calls } = await traced(t, {}, async (client, port) => {
    await served(port);
    for (const [command, reply] of [
      ['set a 0 0 3\r\nabc\r\n', 'STORED\r\n'],
      ['get a\r\n', 'VALUE a 0 3\r\nabc\r\nEND\r\n'],
      ['get a a\r\nversion\r\n', 'VALUE a 0 3\r\nabc\r\nVALUE a 0 3\r\nabc\r\nEND\r\nVERSION 1.0.4\r\n'],
    ]) {
      client.send(command);
      t.is(await client.take(reply.length), reply);
      await served(port);
    }
    client.send('quit\r\n');
    t.is(await client.closed(), '');
  });
  t.deepEqual(calls, [
    ['accept'], ['read', 2048, 18], ['write', 8, 8], ['read', 2048, 7], ['write', 23, 23], ['read', 2048, 18], ['write', 56, 56],
    ['read', 2048, 6], ['close'],
  ]);
});

for (const classic of [false, true]) {
  const [name, are] = classic ? ['epoll --classic', 'are'] : ['epoll', 'are not'];
  maybe(`${name}: sockets ${are} inherited by child processes`, async (t) => {
    const { output } = await traced(t, { classic }, async (client) => {
      client.send('quit\r\n');
      t.is(await client.closed(), '');
    });
    const opened = output.match(/\b(socket\(AF_INET, .*|accept4?\(.*) = \d+/g) ?? [];
    t.true(opened.length > 1, output);
    for (const call of opened) {
      t.is(call.includes('SOCK_CLOEXEC'), !classic);
      t.is(call.startsWith('accept4'), !classic && call.startsWith('accept'));
    }
  });
}

const hasUring = loadSystem()?.syscalls.batch != null;
const withUring = hasStrace ? where(hasUring, 'io_uring', test.serial) : maybe;

/** One of ours, which waits for nothing; libuv, from Node 22 on, has others. */
const ENTERED = /io_uring_enter\(\d+, \d+, 0, 0, /;

for (const [name, options, uses] of someOf([
  ['epoll', {}, true],
  ['epoll, with EVENT_NOIOURING', { env: { EVENT_NOIOURING: '1' } }, false],
  ['epoll --classic', { classic: true }, false],
] as const, 2)) {
  withUring(`${name}: replies to twenty connections at once go ${uses ? 'through' : 'without'} io_uring`, async (t) => {
    const { output, calls } = await traced(t, options, async (client, port) => {
      const others = await Promise.all(Array.from({ length: 19 }, () => Client.connect(port)));
      for (let round = 0; round < 20; round++) {
        for (const each of [client, ...others]) each.send('version\r\n');
        for (const each of [client, ...others]) t.is(await each.take(15), 'VERSION 1.0.4\r\n');
      }
      client.send('quit\r\n');
      t.is(await client.closed(), '');
      for (const each of others) each.destroy();
    });
    const written = calls.filter(([call]) => call === 'write').length;
    if (uses) {
      t.regex(output, ENTERED);
      t.true(written < 20, `${written} writes`);
    } else {
      t.notRegex(output, ENTERED);
      t.is(written, 20);
    }
  });
}
