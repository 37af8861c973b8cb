// What signals do to the server: what they do to a C program that leaves them to the kernel (signal(7)), but for four.
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { Client, ask } from './support/client';
import { startServer } from './support/server';
import type { Backend, Server } from './support/server';
import { sharedServer } from './support/shared-server';
import { backendsToTry } from './support/thorough';
import { where } from './support/where';

type Signal = NodeJS.Signals;

/** These end the server with status 0. */
const graceful: readonly Signal[] = ['SIGINT', 'SIGTERM', 'SIGUSR1'];
/** Of these the server takes no notice; the kernel would end it for the first. */
const ignored: readonly Signal[] = ['SIGPIPE', 'SIGCHLD', 'SIGURG', 'SIGWINCH', 'SIGCONT'];
const stopping: readonly Signal[] = ['SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU'];
/** The kernel ends the process for these, some with a core dump. */
const deadly: readonly Signal[] = [
  'SIGHUP', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGSEGV', 'SIGUSR2', 'SIGALRM',
  'SIGSTKFLT', 'SIGXCPU', 'SIGXFSZ', 'SIGVTALRM', 'SIGPROF', 'SIGIO', 'SIGPWR', 'SIGSYS',
];

const here = Object.keys(constants.signals) as Signal[];
const ofHere = (signals: readonly Signal[]): Signal[] => signals.filter((name) => here.includes(name));

async function start(t: ExecutionContext, backend?: Backend): Promise<Server> {
  const server = await startServer({
    ...(backend && { backend }),
    under: ['/bin/sh', '-c', 'ulimit -c 0; exec "$@"', 'sh'], // a test leaves no core dumps
  });
  t.teardown(() => server.process.kill('SIGKILL'));
  return server;
}

async function ending(server: Server, signal: Signal): Promise<[status: number | null, signal: Signal | null]> {
  const exit = once(server.process, 'exit') as Promise<[number | null, Signal | null]>;
  server.process.kill(signal);
  return exit;
}

test('every signal of this system is in one of the tables', (t) => {
  const numbers = [...graceful, ...ignored, ...stopping, ...deadly].map((name) => constants.signals[name]);
  t.deepEqual(here.filter((name) => !numbers.includes(constants.signals[name])), []);
});

for (const backend of backendsToTry) {
  for (const signal of ofHere(graceful)) {
    test.serial(`${backend}: ${signal} ends the server with status 0 and without a message`, async (t) => {
      const server = await start(t, backend);
      t.deepEqual(await ending(server, signal), [0, null]);
      t.is(server.stderr(), '');
    });
  }
}

/** V8 catches it for its own use, and hands it on. */
const CAUGHT_BY_V8 = 'SIGSEGV';

// For the others of them it is seen below that the server does not catch them.
for (const signal of ofHere(['SIGHUP', CAUGHT_BY_V8])) {
  test.serial(`${signal} has its default action: it ends the server`, async (t) => {
    const server = await start(t);
    t.deepEqual(await ending(server, signal), [null, signal]);
    t.is(server.stderr(), '');
  });
}

const shared = sharedServer();

test.serial(`${ignored.join(', ')} change nothing`, async (t) => {
  const server = await shared();
  const client = await Client.connect(server.port);
  t.is(await client.ask('version\r\n'), 'VERSION 1.0.4\r\n');
  const before = sockets(server);
  for (const signal of ofHere(ignored)) {
    server.process.kill(signal);
    t.is(await client.ask('version\r\n'), 'VERSION 1.0.4\r\n', signal);
  }
  t.deepEqual(sockets(server), before);
  t.is(server.stderr(), '');
});

const onLinux = where(process.platform === 'linux', '/proc', test.serial);

onLinux('SIGSTOP stops the server, and it goes on after SIGCONT', async (t) => {
  const server = await shared();
  server.process.kill('SIGSTOP');
  while (!status(server, 'State').startsWith('T')) await new Promise((resolve) => setTimeout(resolve, 10));
  server.process.kill('SIGCONT');
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.0.4\r\n');
});

onLinux('signals that kill or stop keep their default action, and only SIGPIPE is ignored', async (t) => {
  const server = await shared();
  const caught = signalsIn(status(server, 'SigCgt'));
  for (const signal of ofHere([...deadly, ...stopping])) {
    if (signal !== CAUGHT_BY_V8) t.false(caught.includes(signal), signal);
  }
  for (const signal of ofHere(graceful)) t.true(caught.includes(signal), signal);
  t.deepEqual(signalsIn(status(server, 'SigIgn')), ['SIGPIPE']);
});

/** What /proc says of the process by this name. */
function status({ process: { pid } }: Server, name: string): string {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').split('\n').find((each) => each.startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? '';
}

/** The signals of a set that is written in hexadecimal. */
function signalsIn(mask: string): Signal[] {
  return here.filter((name) => (BigInt(`0x${mask}`) >> BigInt(constants.signals[name] - 1)) & 1n);
}

/** The sockets that it has open, if we can know them. One that listens for a debugger would be among them. */
function sockets({ process: { pid } }: Server): string[] {
  if (process.platform !== 'linux') return [];
  const folder = `/proc/${pid}/fd`;
  const targets = readdirSync(folder).map((fd) => readlinkSync(join(folder, fd)));
  return targets.filter((target) => target.startsWith('socket:'));
}
