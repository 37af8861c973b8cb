// Where strace is installed: each system call that the running server makes fails, in the real kernel's place. Whoever
// it does not concern is served, no item is lost, nothing spins, and afterwards all is as before.
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { loadSystem } from '../reactor/linux/ffi';
import { Client, ask } from './support/client';
import { sharedServer } from './support/shared-server';
import type { Server } from './support/server';
import { Attached, mayAttach } from './support/strace';
import { someOf } from './support/thorough';
import { where } from './support/where';

const attaches = mayAttach();
const maybe = where(attaches, 'strace that may attach', test.serial);
const hasUring = loadSystem()?.syscalls.batch != null;
const withUring = where(attaches && hasUring, 'strace that may attach, and io_uring', test.serial);

const running = sharedServer({ backend: 'epoll', today: true, args: ['-c', '100'] });

/** All that the server's own code calls. epoll_pwait and others are libuv's. */
const OURS = 'accept,accept4,fcntl,setsockopt,read,write,send,sendto,sendmsg,recvfrom,recvmsg,shutdown,close,epoll_ctl,'
  + 'epoll_wait,io_uring_enter';
/** A server that rests makes a few calls in this time, one that spins makes thousands. */
const WINDOW_MS = 60;
const CALLS_AT_REST = 60;

const VALUE = 'x'.repeat(100);
const LARGE = 'y'.repeat(200_000);
const KEPT = `VALUE kept 0 100\r\n${VALUE}\r\nEND\r\n`;

/** Why a connection ends, or what came of it. */
type Outcome = 'answered' | 'ended';

/** What becomes of a client that asks: its answer must be right as far as it goes. */
async function outcome(t: ExecutionContext, client: Client, command: string, answer: string): Promise<Outcome> {
  client.send(command);
  const got = await client.take(answer.length);
  t.true(answer.startsWith(got), `a wrong answer: ${got.slice(0, 100)}`);
  return got === answer ? 'answered' : 'ended';
}

/** Descriptors, by the names that /proc gives them: of sockets with their inode. */
function sockets(server: Server): Set<string> {
  const folder = `/proc/${server.process.pid}/fd`;
  return new Set(readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(`${folder}/${fd}`)].filter((name) => name.startsWith('socket:'));
    } catch {
      return []; // closed meanwhile
    }
  }));
}

/** A client that leaves with the test. */
async function connected(t: ExecutionContext, server: Server): Promise<Client> {
  const client = await Client.connect(server.port);
  t.teardown(() => client.destroy());
  return client;
}

/** A client, and the name of the server's socket for it. */
async function served(t: ExecutionContext, server: Server): Promise<{ client: Client; socket: string }> {
  const before = sockets(server);
  const client = await connected(t, server);
  await client.ask('version\r\n');
  const [socket] = [...sockets(server)].filter((name) => !before.has(name));
  return { client, socket };
}

/** Strace makes calls fail while `during` runs; returns what it injected. */
async function injecting(
  t: ExecutionContext, server: Server, args: readonly string[], during: (attached: Attached) => Promise<void>,
): Promise<string[]> {
  const attached = await Attached.to(server.process.pid, ...args);
  t.teardown(() => attached.detach());
  await during(attached);
  await attached.detach();
  t.true(attached.injected.length > 0, `nothing was injected: ${args.join(' ')}`);
  return attached.injected;
}

/** How many calls the server makes while nobody asks for anything. */
async function callsAtRest(t: ExecutionContext, server: Server): Promise<number> {
  const attached = await Attached.to(server.process.pid, '-e', `trace=${OURS}`);
  t.teardown(() => attached.detach());
  await sleep(WINDOW_MS);
  await attached.detach();
  return attached.calls.length;
}

/** The server is as it was: it serves, has its items, and rests. `open`: the connections that are to be left. */
async function sound(t: ExecutionContext, server: Server, bystander: Client, open = 1): Promise<void> {
  t.is(await bystander.ask('get kept\r\n', 'END\r\n'), KEPT);
  t.is(await ask(server.port, 'get kept\r\n', 'END\r\n'), KEPT);
  const pattern = new RegExp(`STAT curr_connections ${open}\r\n`);
  while (!pattern.test(await bystander.ask('stats\r\n', 'END\r\n'))); // one that has gone may be noticed later
  t.true(await callsAtRest(t, server) < CALLS_AT_REST, 'it spins');
  bystander.destroy();
}

/** A client that has nothing to do with the fault. */
async function bystanding(t: ExecutionContext, server: Server): Promise<Client> {
  const bystander = await connected(t, server);
  await bystander.ask(`set kept 0 0 100\r\n${VALUE}\r\n`);
  return bystander;
}

const ACCEPT_ERRORS = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'ECONNABORTED', 'EPROTO', 'EINTR', 'EAGAIN'];

for (const error of someOf(ACCEPT_ERRORS, 3)) {
  maybe(`accept fails three times with ${error}: a waiting client is accepted afterwards`, async (t) => {
    const server = await running();
    const bystander = await bystanding(t, server);
    const injected = await injecting(t, server, ['-e', 'trace=accept4', '-e', `inject=accept4:error=${error}:when=1..3`], async () => {
      const newcomer = await connected(t, server);
      t.is(await outcome(t, newcomer, 'version\r\n', await bystander.ask('version\r\n')), 'answered');
      newcomer.destroy();
    });
    t.is(injected.length, 3);
    await sound(t, server, bystander);
  });
}

maybe('accept keeps failing: others are served, nothing spins, and waiting clients are accepted afterwards', async (t) => {
  const server = await running();
  const bystander = await bystanding(t, server);
  const newcomers: Client[] = [];
  await injecting(t, server, ['-e', `trace=${OURS}`, '-e', 'inject=accept4:error=EMFILE'], async (attached) => {
    for (let i = 0; i < 3; i++) newcomers.push(await connected(t, server));
    for (const newcomer of newcomers) newcomer.send('get kept\r\n');
    await attached.says(/INJECTED/);
    t.is(await bystander.ask('get kept\r\n', 'END\r\n'), KEPT);
    const before = attached.calls.length;
    await sleep(WINDOW_MS);
    t.true(attached.calls.length - before < 2 * CALLS_AT_REST, 'it spins');
  });
  for (const newcomer of newcomers) t.is(await newcomer.take(KEPT.length), KEPT);
  for (const newcomer of newcomers) newcomer.destroy();
  await sound(t, server, bystander);
});

for (const [call, error, when] of someOf([
  ['fcntl', 'EINVAL', '1'], ['fcntl', 'ENOMEM', '2'], ['epoll_ctl', 'ENOMEM', '1'], ['epoll_ctl', 'ENOSPC', '1+'],
] as const, 2)) {
  maybe(`a new connection for which ${call} fails with ${error} (${when}) is closed, and the next is served`, async (t) => {
    const server = await running();
    const bystander = await bystanding(t, server);
    await injecting(t, server, ['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=${when}`], async () => {
      const newcomer = await connected(t, server);
      t.is(await outcome(t, newcomer, 'get kept\r\n', KEPT), 'ended');
      newcomer.destroy();
      t.is(await bystander.ask('get kept\r\n', 'END\r\n'), KEPT);
    });
    await sound(t, server, bystander);
  });
}

for (const [call, error, when, expected] of someOf([
  ['read', 'EAGAIN', '1..3', 'answered'], ['read', 'EINTR', '1', 'ended'],
  ['read', 'ECONNRESET', '1+', 'ended'], ['read', 'ETIMEDOUT', '1+', 'ended'], ['read', 'ENOMEM', '1+', 'ended'],
  ['write', 'EAGAIN', '1..3', 'answered'], ['write', 'EINTR', '1..3', 'answered'],
  ['write', 'EPIPE', '1+', 'ended'], ['write', 'ECONNRESET', '1', 'ended'], ['write', 'ENOBUFS', '1', 'ended'],
  ['write', 'ENOMEM', '1+', 'ended'],
] as const, 6)) {
  maybe(`${call} fails with ${error} (${when}): the client is ${expected}`, async (t) => {
    const server = await running();
    const bystander = await bystanding(t, server);
    const { client, socket } = await served(t, server);
    await injecting(t, server, ['-P', socket, '-e', `inject=${call}:error=${error}:when=${when}`], async () => {
      t.is(await outcome(t, client, 'get kept\r\nset own 0 0 1\r\na\r\n', `${KEPT}STORED\r\n`), expected);
      t.is(await bystander.ask('get kept\r\n', 'END\r\n'), KEPT);
    });
    client.destroy();
    await sound(t, server, bystander);
  });
}

for (const [error, when, expected] of someOf([
  ['EAGAIN', '1..3', 'answered'], ['ENOBUFS', '1', 'ended'], ['EPIPE', '1+', 'ended'],
] as const, 2)) {
  maybe(`sendmsg of a large value fails with ${error} (${when}): the client is ${expected}`, async (t) => {
    const server = await running();
    const bystander = await bystanding(t, server);
    const { client, socket } = await served(t, server);
    t.is(await client.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
    await injecting(t, server, ['-P', socket, '-e', `inject=sendmsg:error=${error}:when=${when}`], async () => {
      const answer = `VALUE large 0 ${LARGE.length}\r\n${LARGE}\r\nEND\r\n`;
      t.is(await outcome(t, client, 'get large\r\n', answer), expected);
    });
    client.destroy();
    await sound(t, server, bystander);
  });
}

maybe('epoll_ctl fails for a slow reader: it gets what was sent, and the end of the stream', async (t) => {
  const server = await running();
  const bystander = await bystanding(t, server);
  const { client } = await served(t, server);
  t.is(await client.ask(`set large 0 0 ${LARGE.length}\r\n${LARGE}\r\n`), 'STORED\r\n');
  client.pauseReading();
  const answer = `VALUE large 0 ${LARGE.length}\r\n${LARGE}\r\nEND\r\n`.repeat(50);
  await injecting(t, server, ['-e', 'trace=epoll_ctl', '-e', 'inject=epoll_ctl:error=ENOMEM'], async (attached) => {
    client.send('get large\r\n'.repeat(50));
    await attached.says(/INJECTED/);
    t.is(await bystander.ask('get kept\r\n', 'END\r\n'), KEPT);
  });
  client.resumeReading();
  t.is(await outcome(t, client, '', answer), 'ended');
  client.destroy();
  await sound(t, server, bystander);
});

for (const [call, error, command] of someOf([
  ['close', 'EINTR', 'quit\r\n'], ['close', 'EIO', 'quit\r\n'],
  ['shutdown', 'ENOTCONN', `quit\r\n${LARGE}`], // with unread input, a close begins with a shutdown
  ['epoll_ctl', 'ENOENT', 'quit\r\n'], ['epoll_ctl', 'ENOMEM', 'quit\r\n'],
] as const, 3)) {
  maybe(`${call} fails with ${error} at the end of a connection: other clients are not affected`, async (t) => {
    const server = await running();
    const bystander = await bystanding(t, server);
    const { client } = await served(t, server);
    await injecting(t, server, ['-e', `trace=${call}`, '-e', `inject=${call}:error=${error}:when=1`], async (attached) => {
      client.send(command);
      await attached.says(/INJECTED/);
      t.is(await bystander.ask('get kept\r\n', 'END\r\n'), KEPT);
    });
    client.destroy();
    await sound(t, server, bystander);
  });
}

maybe('epoll_wait is interrupted again and again: every request is answered', async (t) => {
  const server = await running();
  const bystander = await bystanding(t, server);
  const every = 'inject=epoll_wait:error=EINTR:when=1..49+2';
  await injecting(t, server, ['-e', 'trace=epoll_wait', '-e', every], async (attached) => {
    // To the last: strace may not leave in the middle of a call that is to fail, or that fails with ENOSYS.
    while (attached.injected.length < 25) t.is(await bystander.ask('get kept\r\n', 'END\r\n'), KEPT);
  });
  await sound(t, server, bystander);
});

for (const [error, still] of someOf([['EAGAIN', true], ['EBUSY', true], ['EINTR', true], ['ENOMEM', false]] as const, 2)) {
  const then = still ? 'is called again' : 'is given up';
  withUring(`io_uring_enter fails with ${error}: all requests are answered, and the ring ${then}`, async (t) => {
    const server = await running();
    const bystander = await bystanding(t, server);
    const clients = await Promise.all(Array.from({ length: 20 }, () => connected(t, server)));
    const round = async (): Promise<void> => {
      for (const client of clients) client.send('get kept\r\n');
      for (const client of clients) t.is(await client.take(KEPT.length), KEPT);
    };
    const entered = async (args: string[]): Promise<boolean> => {
      const attached = await Attached.to(server.process.pid, '-e', 'trace=io_uring_enter', ...args);
      t.teardown(() => attached.detach());
      for (let rounds = 0; rounds < 20 && attached.calls.length === 0; rounds++) await round();
      await attached.detach();
      return attached.calls.length > 0;
    };
    t.true(await entered(['-e', `inject=io_uring_enter:error=${error}`]));
    t.is(await entered([]), still);
    for (const client of clients) client.destroy();
    await sound(t, server, bystander);
  });
}

maybe('epoll_wait fails for good: the server ends with one line and status 1', async (t) => {
  const server = await running();
  const exit = once(server.process, 'exit');
  await injecting(t, server, ['-e', 'trace=epoll_wait', '-e', 'inject=epoll_wait:error=EBADF'], async () => {
    t.deepEqual(await exit, [1, null]);
  });
  t.regex(server.stderr(), /(^|\n)epoll_wait: [^\n]+\n$/);
});
