// The layer that makes fewer system calls than the program, as a whole: what it passes on, how long it looks before it
// waits, misuse, and a new beginning. Its parts are in hint, cork, held, readahead and lingering.spec.ts.
import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EAGAIN, EBADF, EPIPE } from '../reactor/errno.h';
import { CORK_BYTES, LARGE_WRITE_BYTES } from '../reactor/economy/cork';
import { economical } from '../reactor/economy/economy';
import { PassThrough } from '../reactor/economy/passthrough';
import { Patience } from '../reactor/economy/patience';
import { eventDispatch } from '../reactor/event';
import { simops } from '../reactor/sim';
import { sendmsg, time, write } from '../reactor/syscalls';
import type { Syscalls } from '../reactor/syscalls.h';
import { readText, sendTexts, writeText } from './support/calls';
import { Kernel, accepted, failOnce, start, stopAll, turn } from './support/simulated';

test.beforeEach(() => eventEconomy(true));

test.afterEach.always(stopAll);

// What it leaves alone

test('passed on: every call reaches the kernel with its arguments, and its result comes back', (t) => {
  const methods = Object.getOwnPropertyNames(PassThrough.prototype)
    .filter((name) => !['constructor', 'given', 'lingering', 'seesAllInput'].includes(name));
  t.true(methods.length > 20);
  const called: unknown[][] = [];
  const method = (name: string) => (...args: unknown[]): string => {
    called.push([name, ...args]);
    return `the result of ${name}`;
  };
  const kernel = Object.fromEntries(methods.map((name) => [name, method(name)]));
  const layer = new PassThrough({ ...kernel, lingering: 3, seesAllInput: true } as unknown as Syscalls);
  for (const name of methods) {
    const call = layer[name as 'socket'].bind(layer) as (...args: number[]) => unknown;
    const args = [7, 8, 9, 10, 11].slice(0, layer[name as 'socket'].length);
    t.is(call(...args), `the result of ${name}`);
    t.deepEqual(called.pop(), [name, ...args]);
  }
  t.is(layer.lingering, 3);
  t.true(layer.seesAllInput);
});

test.serial('patience: before it waits, the loop polls, and it waits only if nothing is found', (t) => {
  start();
  let found = 0;
  const did: string[] = [];
  const op = economical({
    ...simops,
    init: () => ({}),
    endTurn: () => undefined,
    poll: () => did.push('look') && found,
    dispatch: () => did.push('wait') && 0,
  });
  const arg = op.init() ?? {};
  const dispatch = (tvSec: number, tvUsec: number, finds: number): [unknown, string[]] => {
    found = finds;
    const res = op.dispatch(arg, { tvSec, tvUsec });
    op.endTurn(arg);
    return [res, [...new Set(did.splice(0))]];
  };
  t.deepEqual(dispatch(0, 0, 1), [0, ['wait']]);
  t.deepEqual(dispatch(1, 0, 0), [0, ['look', 'wait']]);
  t.deepEqual(dispatch(1, 0, 1), [0, ['look']]);
  t.deepEqual(dispatch(0, 1, 1), [0, ['look']]);
  t.deepEqual(dispatch(0, 1, -1), [-1, ['look']]);
});

test('patience: the polling ends when something is found', (t) => {
  const patience = new Patience();
  const polls: number[] = [];
  const answers = [0, 0, 3];
  const poll = (): number => polls.push(1) && (answers[polls.length - 1] ?? 0);
  t.is(patience.look(poll, {}), 3);
  t.is(polls.length, 3);
  t.is(patience.look(() => -1, {}), -1, 'an error, too');
});

test('patience: the polling gets rarer while nothing is found, and returns when something is', (t) => {
  const patience = new Patience();
  let polls = 0;
  const looks = (found = 0): number => {
    polls = 0;
    patience.look(() => ++polls === found ? 1 : 0, {});
    return polls;
  };
  t.deepEqual(Array.from({ length: 8 }, () => looks()), [30, 15, 7, 3, 1, 0, 0, 0]);
  const later = Array.from({ length: 32 }, () => looks());
  t.is(later.filter((count) => count === 30).length, 2);
  t.is(later.filter((count) => count === 0).length, 30);
  while (looks(1) === 0);
  t.is(looks(), 30);
});

// Misuse, and a new beginning

test.serial('misuse: a write of bytes outside of the buffer is refused, and no other bytes are sent in their place', async (t) => {
  const sim = start();
  const [[, fd], [client, other]] = accepted(sim, 2);
  const buf = Buffer.from('hello');
  await turn(() => {
    writeText(fd, 'a secret');
    for (const [offset, length] of [[0, 6], [5, 1], [-1, 2], [0, -1], [0, CORK_BYTES], [NaN, 1], [0, NaN]]) {
      t.throws(() => write(other, buf, offset, length), { instanceOf: RangeError });
      t.throws(() => sendmsg(other, [{ buf, offset, length }], 0), { instanceOf: RangeError });
    }
    t.is(write(other, buf, 0, 5), 5);
    t.throws(() => write(other, buf, 0, 6), { instanceOf: RangeError });
    t.is(write(other, buf, 5, 0), 0);
  });
  t.is(client.take().toString(), 'hello');
});

test.serial('misuse: a write to -1 gives EBADF, in a turn and outside of it', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const large = 'x'.repeat(LARGE_WRITE_BYTES);
  const refused = (): void => {
    for (const text of ['hello', large]) for (const send of [writeText, sendTexts]) t.is(send(-1, text), -EBADF);
  };
  refused();
  await turn(() => {
    refused();
    t.is(writeText(fd, 'hello'), 5);
    refused();
    t.is(writeText(fd, large), LARGE_WRITE_BYTES - 1);
    t.is(writeText(fd, 'x'), 1);
  });
  refused();
  t.is(client.take().toString(), `hello${large}`);
});

test.serial('time: the kernel is asked once in a turn, and at each call outside of it', async (t) => {
  const sim = start();
  sim.setClock(1000);
  t.is(time(), 1000);
  sim.setClock(2000);
  t.is(time(), 2000);
  await turn(() => {
    t.is(time(), 2000);
    sim.setClock(3000);
    t.is(time(), 2000);
  });
  t.is(time(), 3000);
  await turn(() => t.is(time(), 3000));
});

test.serial('event_init: forgets what was drained, corked, held or failed', async (t) => {
  const first = start({ sendBuffer: 10 });
  const [[one, fd], [two, other]] = accepted(first, 2);
  one.pauseReading();
  two.send('hello');
  await turn(() => {
    readText(other);
    writeText(fd, 'ten bytes, and the rest is held');
    failOnce(first, 'write', EPIPE);
    writeText(other, 'hello');
  });
  const second = start();
  const pairs = accepted(second, 2);
  t.deepEqual(pairs.map(([, number]) => number), [fd, other]);
  for (const [client] of pairs) client.send('hello');
  await turn(() => {
    for (const [, number] of pairs) t.is(readText(number), 'hello');
    for (const [, number] of pairs) t.is(writeText(number, 'world'), 5);
  });
  for (const [client] of pairs) t.is(client.take().toString(), 'world');
  t.is(await eventDispatch(), 1);
});

test.serial('event_init: without economy every call goes to the kernel again', async (t) => {
  eventEconomy(false);
  const sim = start();
  const [[client, fd]] = accepted(sim);
  client.send('hello');
  const kernel = new Kernel(sim);
  await turn(() => {
    t.is(readText(fd), 'hello');
    t.is(readText(fd), EAGAIN);
    writeText(fd, 'hel');
    writeText(fd, 'lo');
  });
  t.deepEqual(kernel.calls(), [
    `read ${fd}: 5 of 4096`, `read ${fd}: EAGAIN of 4096`, `write ${fd}: 3 of 3`, `write ${fd}: 2 of 2`,
  ]);
});
