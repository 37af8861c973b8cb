// Where strace is installed: the system calls on a connection are those that the C server made, one for one, with --classic;
// and without it as few as there can be.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';

import type { TranscriptEntry } from '../reactor/sim';
import { Client, ask, served } from './support/client';
import { startServer } from './support/server';
import type { Options } from './support/server';
import { firstConnection, hasStrace, strace } from './support/strace';
import { callsWithLengths, replay, transcriptsWithCalls } from './support/transcripts';

const maybe = hasStrace ? test.serial : test.skip;

/** The calls on the first connection of a server, with which `talk` is held. */
async function traced<T>(
  t: ExecutionContext, options: Options, talk: (client: Client, port: number) => Promise<T>,
): Promise<{ result: T; calls: TranscriptEntry[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'calls');
  const server = await startServer({ backend: 'epoll', ...options, under: strace(file) });
  t.teardown(() => server.process.kill('SIGKILL'));

  const client = await Client.connect(server.port);
  const result = await talk(client, server.port);
  await served(server.port);

  // It is strace that was started: the server under it is asked to end, and strace ends with it.
  const stats = await ask(server.port, 'stats\r\n', 'END\r\n');
  const exit = once(server.process, 'exit');
  process.kill(Number(/STAT pid (\d+)/.exec(stats)?.[1]), 'SIGTERM');
  await exit;
  return { result, calls: firstConnection(readFileSync(file, 'utf8')) };
}

for (const transcript of transcriptsWithCalls) {
  maybe(`epoll --classic: ${transcript.name}: the calls that C made`, async (t) => {
    const { result, calls } = await traced(t, { classic: true, args: transcript.arguments }, (client, port) => {
      return replay(transcript, client, () => served(port));
    });
    t.deepEqual(calls, callsWithLengths(transcript, result));
  });
}

maybe('epoll: a command is one read and one write, and so is a pipeline of them', async (t) => {
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
