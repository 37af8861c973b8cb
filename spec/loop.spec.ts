// Node's own loop goes on beside the event loop, and neither of them spins. (What an event's callback may leave
// for Node's loop is in reactor.spec.ts.)
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EV_PERSIST, EV_READ, Event } from '../reactor/event.h';
import { eventAdd, eventDel, eventInit, eventLoop, eventSet, evsel } from '../reactor/event';
import { evtimerAdd, evtimerDel, evtimerSet } from '../reactor/evtimer';
import { backends, environment, root } from './support/server';
import type { Backend } from './support/server';

interface IdleLoop {
  child: ChildProcessWithoutNullStreams;
  /** The next line that it says. */
  line: () => Promise<string>;
}

async function idleLoop(t: ExecutionContext, backend: Backend, period: number): Promise<IdleLoop> {
  const line = [join(root, 'dist', 'spec', 'support', 'idle-loop.js'), String(period)];
  const child = spawn(process.execPath, line, {
    env: { ...process.env, NODE_V8_COVERAGE: undefined, ...environment(backend) },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  }) as ChildProcessWithoutNullStreams;
  t.teardown(async () => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const loop = { child, line: async () => String((await lines.next()).value) };
  t.is(await loop.line(), backend);
  return loop;
}

for (const backend of backends) {
  test(`${backend}: while the loop sleeps for an hour, Node serves signals, streams and timers`, async (t) => {
    const { child, line } = await idleLoop(t, backend, 3_600_000);
    for (let i = 0; i < 3; i++) {
      child.kill('SIGUSR2');
      t.is(await line(), 'SIGUSR2');
      child.stdin.write(`line ${i}\n`);
      t.is(await line(), `stdin line ${i}`);
      t.is(await line(), `timeout line ${i}`);
      child.send(i);
      t.is(await line(), `message ${i}`);
    }
  });

  test(`${backend}: a loop that waits only for a timer does not spin`, async (t) => {
    const { line } = await idleLoop(t, backend, 600);
    await line(); // the start of the program is over
    for (let i = 0; i < 2; i++) {
      const [, waits] = (await line()).split(' ');
      t.true(Number(waits) >= 1 && Number(waits) <= 6, `${waits} times`);
    }
  });
}

test('epoll: a signal that the program handles itself ends the wait, and event_sigcb is called', async (t) => {
  // Long enough for it to come first, and less than after which V8 itself wakes Node.
  const { child, line } = await idleLoop(t, 'epoll', 6000);
  child.kill('SIGWINCH');
  t.is(await line(), 'event_sigcb');
});

const fifo = (t: ExecutionContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'loop-'));
  t.teardown(() => {
    rmSync(folder, { recursive: true });
  });
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  return join(folder, 'fifo');
};

// The libevent of memcached 1.0.4 never reports it, and spins.
test('epoll: an empty pipe without a writer counts as readable', async (t) => {
  eventEconomy(false);
  eventInit();
  if (evsel.name !== 'epoll') {
    t.pass('there is none here');
    return;
  }
  const name = fifo(t);
  const reader = openSync(name, constants.O_RDONLY | constants.O_NONBLOCK);
  closeSync(openSync(name, constants.O_WRONLY));

  const called: number[] = [];
  const ev = new Event();
  eventSet(ev, reader, EV_READ | EV_PERSIST, (_fd, which) => {
    called.push(which);
    eventDel(ev);
    evtimerDel(tooLate);
  }, null);
  const tooLate = new Event();
  evtimerSet(tooLate, () => eventDel(ev), null);
  evtimerAdd(tooLate, { tvSec: 10, tvUsec: 0 });
  eventAdd(ev, null);
  t.is(await eventLoop(0), 1);
  t.deepEqual(called, [EV_READ]);
  t.is(readSync(reader, Buffer.alloc(1)), 0);
  closeSync(reader);
});
