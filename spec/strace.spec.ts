// Where strace is installed: the system calls on a connection are those that the C server made, one for one.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

import { Client, ask, served } from './support/client';
import { startServer } from './support/server';
import { firstConnection, hasStrace, strace } from './support/strace';
import { callsWithLengths, replay, transcriptsWithCalls } from './support/transcripts';

const maybe = hasStrace ? test.serial : test.skip;

for (const transcript of transcriptsWithCalls) {
  maybe(`epoll: ${transcript.name}: the calls that C made`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
    t.teardown(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'calls');
    const server = await startServer({ backend: 'epoll', args: transcript.arguments, under: strace(file) });
    t.teardown(() => server.process.kill('SIGKILL'));

    const client = await Client.connect(server.port);
    const replies = await replay(transcript, client, () => served(server.port));
    await served(server.port);

    // It is strace that was started: the server under it is asked to end, and strace ends with it.
    const stats = await ask(server.port, 'stats\r\n', 'END\r\n');
    const exit = once(server.process, 'exit');
    process.kill(Number(/STAT pid (\d+)/.exec(stats)?.[1]), 'SIGTERM');
    await exit;
    t.deepEqual(firstConnection(readFileSync(file, 'utf8')), callsWithLengths(transcript, replies));
  });
}
