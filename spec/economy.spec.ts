// The layer that makes fewer system calls than the program: its rules, on the simulated backend, where the calls that
// the kernel gets are recorded, and where a test decides what the kernel takes. A process has one simulation at a time,
// so tests run one after another.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EAGAIN, EBADF, ECONNRESET, EINTR, ENOMEM, EPERM, EPIPE } from '../reactor/errno.h';
import { CORK_BYTES, LARGE_WRITE_BYTES } from '../reactor/economy/cork';
import { economical } from '../reactor/economy/economy';
import { PassThrough } from '../reactor/economy/passthrough';
import { Patience } from '../reactor/economy/patience';
import { EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_WRITE } from '../reactor/event.h';
import { eventActive, eventAdd, eventDel, eventDispatch, eventLoop } from '../reactor/event';
import { simops } from '../reactor/sim';
import type { SimClient, Simulation } from '../reactor/sim';
import { EPOLL_CTL_ADD } from '../reactor/sim/pollset';
import { AF_INET, MSG_MORE, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_STREAM } from '../reactor/socket.h';
import { accept, close, read, sendmsg, shutdown, socket, time, write } from '../reactor/syscalls';
import type { Syscalls } from '../reactor/syscalls.h';
import { fails, readText, sendTexts, writeText } from './support/calls';
import { root } from './support/server';
import { Kernel, PORT, accepted, failOnce, listening, newEvent, start, stopAll, timer, turn } from './support/simulated';

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

// The hint

test.serial('hint: a read that gave less than asked makes the next one EAGAIN, and the kernel is not asked', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  client.send('hello');
  const kernel = new Kernel(sim);
  await turn(() => {
    t.is(readText(fd, 100), 'hello');
    t.is(readText(fd, 100), EAGAIN);
    t.is(readText(fd, 1), EAGAIN);
  });
  t.deepEqual(kernel.calls(), [`read ${fd}: 5 of 100`]);
});

test.serial('hint: after a read that gave all it was asked for, the kernel is asked', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  client.send('hello');
  const kernel = new Kernel(sim);
  await turn(() => {
    t.is(readText(fd, 3), 'hel');
    t.is(readText(fd, 2), 'lo');
    t.is(readText(fd, 2), EAGAIN);
  });
  t.deepEqual(kernel.calls(), [`read ${fd}: 3 of 3`, `read ${fd}: 2 of 2`, `read ${fd}: EAGAIN of 2`]);
});

test.serial('hint: of one descriptor says nothing about another', async (t) => {
  const sim = start();
  const [[one, fd], [two, other]] = accepted(sim, 2);
  one.send('hello');
  two.send('hallo');
  await turn(() => {
    t.is(readText(fd), 'hello');
    t.is(readText(other), 'hallo');
  });
});

test.serial('hint: what comes meanwhile is reported when the loop has waited, and read then', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const seen: (string | number)[] = [];
  const ev = newEvent(fd, EV_READ | EV_PERSIST, () => {
    seen.push(readText(fd));
    if (seen.length === 1) client.send('world');
    seen.push(readText(fd));
    if (seen.length === 4) eventDel(ev);
  });
  eventAdd(ev, null);
  client.send('hello');
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['hello', EAGAIN, 'world', EAGAIN]);
});

test.serial('hint: the end of the stream is reported in the same way', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const seen: (string | number)[] = [];
  const ev = newEvent(fd, EV_READ | EV_PERSIST, () => {
    seen.push(readText(fd));
    if (seen.at(-1) === '') eventDel(ev);
    else seen.push(readText(fd));
  });
  eventAdd(ev, null);
  client.send('hello');
  client.end();
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['hello', EAGAIN, '']);
});

test.serial('hint: so it is after a read that gave all it was asked for, and all there was', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const seen: (string | number)[] = [];
  const ev = newEvent(fd, EV_READ | EV_PERSIST, () => {
    do seen.push(readText(fd, 5)); while (seen.at(-1) === 'hello');
    if (seen.at(-1) === '') eventDel(ev);
    else t.is(readText(fd, 5), EAGAIN);
  });
  eventAdd(ev, null);
  client.send('hellohello');
  client.end();
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['hello', 'hello', EAGAIN, '']);
});

test.serial('hint: a reset is reported at once', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  client.send('hello');
  client.reset();
  await turn(() => {
    t.is(readText(fd, 5), 'hello');
    t.is(readText(fd, 5), ECONNRESET);
    t.is(readText(fd, 5), EAGAIN);
  });
  await turn(() => t.is(readText(fd, 5), ''));
});

test.serial('hint: holds for the turn; in the next one the kernel is asked, reported or not', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  client.send('hello');
  await turn(() => t.is(readText(fd), 'hello'));
  client.send('world');
  await turn(() => t.is(readText(fd), 'world'));
});

test.serial('hint: does not hold outside of callbacks of the loop', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const seen: (string | number)[] = [];
  const look = (): void => {
    client.send('hello');
    seen.push(readText(fd));
  };
  look();
  look();
  client.send('hello');
  await turn(() => seen.push(readText(fd)));
  look();
  timer(3, () => {});
  sim.at(1, look);
  sim.at(1, look);
  const ended = eventDispatch();
  await sim.advance(3);
  await ended;
  look();
  t.deepEqual(seen, Array.from({ length: 7 }, () => 'hello'));
});

test.serial('hint: a number that is closed and used again is not taken for drained', async (t) => {
  const sim = start();
  const [[one, fd]] = accepted(sim);
  one.send('hello');
  const listener = listening();
  const two = sim.connect(PORT);
  two.send('world');
  await turn(() => {
    t.is(readText(fd), 'hello');
    close(fd);
    t.is(accept(listener, null), fd);
    t.is(readText(fd), 'world');
  });
});

test.serial('hint: holds for descriptors of any number', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 3000);
  for (const [client] of pairs) client.send('hello');
  const kernel = new Kernel(sim);
  await turn(() => {
    for (const [, fd] of pairs) t.is(readText(fd), 'hello');
    for (const [, fd] of pairs) t.is(readText(fd), EAGAIN);
  });
  t.is(kernel.calls().length, 3000);
});

// The cork

test.serial('cork: what one callback writes leaves in one write, when it is over', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  await turn(() => {
    t.is(writeText(fd, 'VALUE a 0 5\r\n'), 13);
    t.is(writeText(fd, 'x'.repeat(1000)), 1000);
    t.is(writeText(fd, '\r\nEND\r\n'), 7);
    t.deepEqual(kernel.calls(), []);
  });
  t.deepEqual(kernel.calls(), [`write ${fd}: 1020 of 1020`]);
  t.is(client.take().toString(), `VALUE a 0 5\r\n${'x'.repeat(1000)}\r\nEND\r\n`);
});

test.serial('cork: so do the writes of several callbacks of one turn', async (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  eventActive(newEvent(-1, 0, () => writeText(fd, 'hel')), EV_READ, 1);
  await turn(() => writeText(fd, 'lo'));
  t.deepEqual(kernel.calls(), [`write ${fd}: 5 of 5`]);
});

test.serial('cork: takes what is in the buffer then; what the program does with it afterwards changes nothing', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  await turn(() => {
    for (const length of [1, 191, 192, 193, 5000]) {
      const buf = Buffer.from(`[${'a'.repeat(length)}]`);
      t.is(write(fd, buf, 1, length), length);
      buf.fill('b');
    }
  });
  t.is(client.take().toString(), 'a'.repeat(1 + 191 + 192 + 193 + 5000));
});

test.serial('cork: takes what is written to several descriptors, and sends it in the order of the writes', async (t) => {
  const sim = start();
  const [[, a], [, b]] = accepted(sim, 2);
  const kernel = new Kernel(sim);
  await turn(() => {
    writeText(a, '1');
    writeText(a, '2');
    writeText(b, '3');
    writeText(a, '4');
    t.deepEqual(kernel.calls(), []);
  });
  t.deepEqual(kernel.calls(), [`write ${a}: 2 of 2`, `write ${b}: 1 of 1`, `write ${a}: 1 of 1`]);
});

test.serial('cork: has room for more descriptors than it counts at a time', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 1500);
  const kernel = new Kernel(sim);
  await turn(() => {
    for (const [, fd] of pairs) writeText(fd, String(fd));
  });
  t.deepEqual(kernel.calls(), pairs.map(([, fd]) => `write ${fd}: ${String(fd).length} of ${String(fd).length}`));
  for (const [client, fd] of pairs) t.is(client.take().toString(), String(fd));
});

test.serial('cork: that is full leaves; of a write that it has no room for, it takes a part', async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  const small = LARGE_WRITE_BYTES / 2;
  await turn(() => {
    for (let kept = 0; kept < CORK_BYTES - small; kept += small) writeText(fd, 'a'.repeat(small));
    t.is(writeText(fd, 'a'.repeat(small - 5)), small - 5);
    t.is(writeText(fd, 'b'.repeat(10)), 5);
    t.deepEqual(kernel.calls(), [`write ${fd}: ${CORK_BYTES} of ${CORK_BYTES}`]);
    t.is(writeText(fd, 'b'.repeat(5)), 5);
  });
  t.deepEqual(kernel.calls(), [`write ${fd}: 5 of 5`]);
  t.is(client.take().toString(), 'a'.repeat(CORK_BYTES - 5) + 'b'.repeat(10));
});

test.serial('cork: what the kernel does not take is not overtaken by what was written later in the same turn', async (t) => {
  const sim = start({ sendBuffer: 3 });
  const [[client, a], [, b]] = accepted(sim, 2);
  const kernel = new Kernel(sim);
  client.pauseReading();
  await turn(() => {
    writeText(a, 'hello');
    writeText(b, 'x');
    writeText(a, ' world');
    writeText(b, 'y');
    writeText(a, '!');
  });
  t.deepEqual(kernel.calls(), [`write ${a}: 3 of 5`, `write ${b}: 1 of 1`, `write ${b}: 1 of 1`]);
  client.resumeReading();
  const ended = eventDispatch();
  await sim.idle();
  t.is(client.take().toString(), 'hello world!');
  sim.stop();
  await ended;
});

test.serial('cork: when sending fails, nothing is sent that was written later in the same turn', async (t) => {
  const sim = start();
  const [[client, a], [, b]] = accepted(sim, 2);
  failOnce(sim, 'write', ECONNRESET);
  await turn(() => {
    writeText(a, 'hello');
    writeText(b, 'x');
    writeText(a, ' world');
  });
  t.is(client.take().toString(), '');
  await turn(() => t.is(writeText(a, 'again'), -ECONNRESET));
});

test.serial('hint: a read of no bytes is none, and is the kernel\'s', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  client.send('hello');
  await turn(() => {
    t.is(readText(fd), 'hello');
    read(fd, Buffer.alloc(1), 0, 0);
  });
  t.is(kernel.calls().length, 2);
});

test.serial('held: an event that has waited is used again', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  client.pauseReading();
  await turn(() => writeText(fd, HELD));
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), HELD + HELD);
});

test.serial('large: goes straight through but for its last byte, behind what was kept, in one call', async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  await turn(() => {
    writeText(fd, 'header');
    t.is(writeText(fd, 'a'.repeat(LARGE_WRITE_BYTES)), LARGE_WRITE_BYTES - 1);
    t.deepEqual(kernel.calls(), [`write ${fd}: ${LARGE_WRITE_BYTES + 5} of ${LARGE_WRITE_BYTES + 5}, and more`]);
    t.is(writeText(fd, 'a'), 1);
    writeText(fd, 'end');
  });
  t.deepEqual(kernel.calls(), [`write ${fd}: 4 of 4`]);
  t.is(client.take().toString(), `header${'a'.repeat(LARGE_WRITE_BYTES)}end`);
});

test.serial("large: another descriptor's bytes that were kept before it stay in the cork", async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[, a], [, b]] = accepted(sim, 2);
  const kernel = new Kernel(sim);
  await turn(() => {
    writeText(a, 'hello');
    writeText(b, 'x'.repeat(LARGE_WRITE_BYTES));
    writeText(b, 'x');
  });
  t.deepEqual(kernel.calls(), [
    `write ${b}: ${LARGE_WRITE_BYTES - 1} of ${LARGE_WRITE_BYTES - 1}, and more`,
    `write ${a}: 5 of 5`, `write ${b}: 1 of 1`,
  ]);
});

test.serial("large: takes its own header along; another descriptor's bytes that were kept before stay, and go with its next ones", async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[, a], [, b]] = accepted(sim, 2);
  const kernel = new Kernel(sim);
  await turn(() => {
    writeText(a, 'one ');
    writeText(b, 'header');
    writeText(b, 'x'.repeat(LARGE_WRITE_BYTES));
    writeText(a, 'run');
  });
  t.deepEqual(kernel.calls(), [
    `write ${b}: ${LARGE_WRITE_BYTES + 5} of ${LARGE_WRITE_BYTES + 5}, and more`, `write ${a}: 7 of 7`,
  ]);
});

test.serial('large: what was kept goes first where another descriptor has written between', async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[client, a], [, b]] = accepted(sim, 2);
  await turn(() => {
    writeText(a, 'header');
    writeText(b, 'hello');
    writeText(a, 'x'.repeat(LARGE_WRITE_BYTES - 1) + 'y');
    writeText(a, 'y');
  });
  t.is(client.take().toString(), `header${'x'.repeat(LARGE_WRITE_BYTES - 1)}y`);
});

for (const [taken, room] of [['nothing', 0], ['a part of what was kept', 4], ['what was kept and no more', 6]] as const) {
  test.serial(`large: the kernel takes ${taken}: EAGAIN, and nothing is lost or sent twice`, async (t) => {
    const sim = start({ sendBuffer: 100 });
    const [[client, fd]] = accepted(sim);
    client.pauseReading();
    await turn(() => writeText(fd, '.'.repeat(100 - room)));
    const kernel = new Kernel(sim);
    await turn(() => {
      writeText(fd, 'header');
      t.is(writeText(fd, 'a'.repeat(LARGE_WRITE_BYTES)), -EAGAIN);
    });
    t.is(kernel.calls()[0], `write ${fd}: ${room === 0 ? 'EAGAIN' : room} of ${LARGE_WRITE_BYTES + 5}, and more`);
    client.resumeReading();
    await turn(() => {});
    await eventLoop(EVLOOP_NONBLOCK);
    await turn(() => t.is(writeText(fd, 'end'), 3));
    t.is(client.take().toString(), `${'.'.repeat(100 - room)}headerend`);
  });
}

test.serial('large: an error of the call is that of the write, once, and the descriptor is shut down', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  await turn(() => {
    writeText(fd, 'header');
    failOnce(sim, 'write', ECONNRESET);
    t.is(writeText(fd, 'a'.repeat(LARGE_WRITE_BYTES)), -ECONNRESET);
    t.is(writeText(fd, 'more'), 4);
  });
  t.is(client.take().toString(), '');
});

test.serial('large: the kernel says how much of it goes', async (t) => {
  const sim = start({ sendBuffer: LARGE_WRITE_BYTES + 100 });
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  client.pauseReading();
  await turn(() => {
    t.is(writeText(fd, 'a'.repeat(LARGE_WRITE_BYTES + 1)), LARGE_WRITE_BYTES);
    t.is(writeText(fd, 'b'.repeat(LARGE_WRITE_BYTES)), 100);
    t.is(writeText(fd, 'b'.repeat(LARGE_WRITE_BYTES)), -EAGAIN);
  });
  t.deepEqual(kernel.calls(), [
    `write ${fd}: ${LARGE_WRITE_BYTES} of ${LARGE_WRITE_BYTES}, and more`,
    `write ${fd}: 100 of ${LARGE_WRITE_BYTES - 1}, and more`,
    `write ${fd}: EAGAIN of ${LARGE_WRITE_BYTES - 1}, and more`,
  ]);
});

test.serial('sendmsg: what is large leaves at once, whole, behind what was kept, in one call', async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[client, fd], [, other]] = accepted(sim, 2);
  const kernel = new Kernel(sim);
  await turn(() => {
    writeText(other, 'hello');
    writeText(fd, 'header');
    t.is(sendTexts(fd, 'a'.repeat(LARGE_WRITE_BYTES), 'end'), LARGE_WRITE_BYTES + 3);
    t.deepEqual(kernel.calls(), [`write ${fd}: ${LARGE_WRITE_BYTES + 9} of ${LARGE_WRITE_BYTES + 9}`]);
    t.is(sendTexts(fd, 'b'.repeat(LARGE_WRITE_BYTES)), LARGE_WRITE_BYTES);
  });
  t.deepEqual(kernel.calls(), [`write ${fd}: ${LARGE_WRITE_BYTES} of ${LARGE_WRITE_BYTES}`, `write ${other}: 5 of 5`]);
  t.is(client.take().toString(), `header${'a'.repeat(LARGE_WRITE_BYTES)}end${'b'.repeat(LARGE_WRITE_BYTES)}`);
});

test.serial('sendmsg: what is small stays in the cork, in its order', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  await turn(() => {
    writeText(fd, 'hello');
    t.is(sendTexts(fd, ' ', 'wor', 'ld'), 6);
    t.is(kernel.calls().length, 0);
  });
  t.deepEqual(kernel.calls(), [`write ${fd}: 11 of 11`]);
  t.is(client.take().toString(), 'hello world');
});

test.serial('sendmsg: with flags, and outside of the loop, it goes to the kernel at once, behind what was kept', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  sendTexts(fd, 'be', 'fore');
  t.is(client.take().toString(), 'before');
  kernel.calls();
  await turn(() => {
    writeText(fd, 'kept, ');
    t.is(sendmsg(fd, [{ buf: Buffer.from('passed'), offset: 0, length: 6 }], MSG_MORE), 6);
    t.deepEqual(kernel.calls(), [`write ${fd}: 6 of 6`, `write ${fd}: 6 of 6, and more`]);
  });
  t.is(client.take().toString(), 'kept, passed');
});

test.serial('sendmsg: the kernel says how much of it goes, and EAGAIN if none does', async (t) => {
  const sim = start({ sendBuffer: LARGE_WRITE_BYTES });
  const [[client, fd]] = accepted(sim);
  client.pauseReading();
  await turn(() => {
    writeText(fd, 'header');
    t.is(sendTexts(fd, 'a'.repeat(LARGE_WRITE_BYTES), 'end'), LARGE_WRITE_BYTES - 6);
    t.is(sendTexts(fd, 'a'.repeat(LARGE_WRITE_BYTES), 'end'), -EAGAIN);
    writeText(fd, 'more');
    t.is(sendTexts(fd, 'a'.repeat(LARGE_WRITE_BYTES), 'end'), -EAGAIN);
  });
  client.resumeReading();
  await eventLoop(EVLOOP_NONBLOCK);
  t.is(client.take().toString(), `header${'a'.repeat(LARGE_WRITE_BYTES - 6)}more`);
});

test.serial('patience: a loop that may wait looks first, and waits only if nothing is found', (t) => {
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

test('patience: what is found ends the looking', (t) => {
  const patience = new Patience();
  const polls: number[] = [];
  const answers = [0, 0, 3];
  const poll = (): number => polls.push(1) && (answers[polls.length - 1] ?? 0);
  t.is(patience.look(poll, {}), 3);
  t.is(polls.length, 3);
  t.is(patience.look(() => -1, {}), -1, 'an error, too');
});

test('patience: where nothing is found it wears off, and comes back when something is', (t) => {
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

for (const [name, how] of [['SHUT_RD', SHUT_RD], ['SHUT_WR', SHUT_WR], ['SHUT_RDWR', SHUT_RDWR]] as const) {
  test.serial(`cork: leaves before a shutdown: ${name}`, async (t) => {
    const sim = start();
    const [[client, fd]] = accepted(sim);
    const kernel = new Kernel(sim);
    await turn(() => {
      writeText(fd, 'hello');
      t.is(shutdown(fd, how), 0);
    });
    t.deepEqual(kernel.calls(), [`write ${fd}: 5 of 5`, `shutdown ${fd}: 0`]);
    t.is(client.take().toString(), 'hello');
    t.is(client.ended, how !== SHUT_RD);
  });
}

test.serial('cork: leaves before a close', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  await turn(() => {
    writeText(fd, 'hello');
    t.is(close(fd), 0);
    t.deepEqual(kernel.calls(), [`write ${fd}: 5 of 5`, `close ${fd}: 0`]);
  });
  t.is(client.take().toString(), 'hello');
  t.true(client.ended);
});

test.serial('cork: before the loop begins, nothing is kept', (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  writeText(fd, 'a');
  writeText(fd, 'b');
  t.deepEqual(kernel.calls(), [`write ${fd}: 1 of 1`, `write ${fd}: 1 of 1`]);
});

test.serial("cork: nor while it waits, and lets Node's own callbacks run", async (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  timer(1, () => {});
  const ended = eventDispatch();
  await new Promise(setImmediate);
  writeText(fd, 'a');
  writeText(fd, 'b');
  t.deepEqual(kernel.calls(), [`write ${fd}: 1 of 1`, `write ${fd}: 1 of 1`]);
  await sim.advance(1);
  await ended;
});

for (const [how, loop] of [
  ['because nothing is left to wait for', () => eventLoop(0)],
  ['after one turn', () => eventLoop(EVLOOP_ONCE)],
  ['after a turn that found nothing', () => eventLoop(EVLOOP_NONBLOCK)],
] as const) {
  test.serial(`cork: nor when the loop has ended, ${how}`, async (t) => {
    const sim = start({ autoAdvance: true });
    const [[client, fd]] = accepted(sim);
    const kernel = new Kernel(sim);
    eventActive(newEvent(-1, 0, () => writeText(fd, 'hello')), EV_READ, 1);
    await loop();
    t.is(client.take().toString(), 'hello');
    writeText(fd, 'a');
    writeText(fd, 'b');
    t.deepEqual(kernel.calls(), [`write ${fd}: 5 of 5`, `write ${fd}: 1 of 1`, `write ${fd}: 1 of 1`]);
  });
}

test.serial('cork: nor when the loop has failed', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  timer(1, () => {
    writeText(fd, 'hello');
    sim.stop();
    timer(1, () => {});
  });
  const ended = eventDispatch();
  await sim.advance(1);
  t.is(await ended, -1);
  t.is(client.take().toString(), 'hello');
  writeText(fd, 'a');
  t.is(client.take().toString(), 'a');
});

test.serial('cork: what a callback wrote before it threw leaves then, and nothing is kept afterwards', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  await t.throwsAsync(turn(() => {
    writeText(fd, 'hello');
    throw new Error('a bug');
  }), { message: 'a bug' });
  t.is(client.take().toString(), 'hello');
  writeText(fd, 'a');
  t.is(client.take().toString(), 'a');
});

test.serial('cork: leaves before a loop waits that a callback has begun', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  timer(1, () => {});
  await turn(() => {
    writeText(fd, 'hello');
    void eventLoop(EVLOOP_ONCE);
    t.is(client.take().toString(), 'hello');
  });
});

for (const how of ['exit', 'throw']) {
  test.serial(`cork: leaves when a callback ends the process: ${how}`, (t) => {
    const program = join(root, 'dist', 'spec', 'support', 'exit-in-callback.js');
    const { stdout, status } = spawnSync(process.execPath, [program, how], { encoding: 'utf8' });
    t.is(stdout, 'goodbye');
    t.is(status, how === 'exit' ? 0 : 1);
  });
}

// What the kernel does not take

const TEN = { sendBuffer: 10 };
const HELD = 'ten bytes, and the rest is held';

/** A client that does not read, and the descriptor to which the program wrote all of HELD in one turn. */
async function stuck(sim: Simulation): Promise<[SimClient, number]> {
  const [pair] = accepted(sim);
  pair[0].pauseReading();
  await turn(() => writeText(pair[1], HELD));
  return pair;
}

test.serial('held: what the kernel does not take is sent as the descriptor turns writable, piece by piece', async (t) => {
  const sim = start(TEN);
  const [[client, fd]] = accepted(sim);
  client.pauseReading();
  const kernel = new Kernel(sim);
  await turn(() => t.is(writeText(fd, HELD), HELD.length));
  t.deepEqual(kernel.calls(), [`write ${fd}: 10 of 31`]);
  const ended = eventDispatch();
  for (const call of ['10 of 21', '10 of 11', '1 of 1']) {
    await sim.advance(100);
    t.deepEqual(kernel.calls(), []);
    client.resumeReading();
    client.pauseReading();
    await sim.idle();
    t.deepEqual(kernel.calls(), [`write ${fd}: ${call}`]);
  }
  t.is(await ended, 1);
  client.resumeReading();
  t.is(client.take().toString(), HELD);
});

for (const [name, errnum] of [['EAGAIN', EAGAIN], ['EINTR', EINTR]] as const) {
  test.serial(`held: so is all of it where the kernel says ${name}`, async (t) => {
    const sim = start();
    const [[client, fd]] = accepted(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => writeText(fd, 'hello'));
    t.is(client.take().toString(), '');
    t.is(await eventDispatch(), 1);
    t.is(client.take().toString(), 'hello');
    await turn(() => t.is(writeText(fd, 'hello'), 5));
  });
}

test.serial('held: meanwhile a write gives EAGAIN, in a turn and outside of it, and takes nothing', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  await turn(() => {
    t.is(writeText(fd, 'more'), -EAGAIN);
    t.is(writeText(fd, 'm'.repeat(CORK_BYTES)), -EAGAIN);
  });
  t.is(writeText(fd, 'more'), -EAGAIN);
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), HELD);
});

test.serial('held: a write sends it first, and is told EAGAIN where that does not send it all', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  const kernel = new Kernel(sim);
  client.resumeReading();
  client.pauseReading();
  t.is(writeText(fd, 'more'), -EAGAIN);
  client.resumeReading();
  await turn(() => {
    t.is(writeText(fd, 'more'), -EAGAIN);
    t.is(writeText(fd, 'more'), 4);
    t.is(writeText(fd, ', more'), 6);
  });
  t.deepEqual(kernel.calls(), ['10 of 21', '10 of 11', '1 of 1', '10 of 10'].map((call) => `write ${fd}: ${call}`));
  t.is(client.take().toString(), `${HELD}more, more`);
});

test.serial('held: keeps no other descriptor from being written to', async (t) => {
  const sim = start(TEN);
  const [[client, fd], [other, free]] = accepted(sim, 2);
  client.pauseReading();
  await turn(() => {
    writeText(fd, HELD);
    t.is(writeText(free, 'hello'), 5);
  });
  t.is(other.take().toString(), 'hello');
  await turn(() => {
    writeText(fd, 'more');
    t.is(writeText(free, 'world'), 5);
  });
  t.is(other.take().toString(), 'world');
});

test.serial('held: the loop does not end meanwhile, and ends when it is sent', async (t) => {
  const sim = start(TEN);
  const [client] = await stuck(sim);
  let ended = false;
  const dispatched = eventDispatch().then((res) => {
    ended = true;
    return res;
  });
  await sim.advance(1000);
  t.false(ended);
  client.resumeReading();
  t.is(await dispatched, 1);
});

test.serial('held: what a loop did not take that ended at once is sent by the next', async (t) => {
  const sim = start({ ...TEN, autoAdvance: true });
  const [[client, fd]] = accepted(sim);
  client.pauseReading();
  sim.at(20, () => client.resumeReading());
  eventActive(newEvent(-1, 0, () => writeText(fd, HELD)), EV_READ, 1);
  t.is(await eventLoop(0), 1);
  t.is(client.take().toString(), HELD);
});

// The place in the backend, which has one for each direction of a descriptor

for (const [name, flags] of [['once', EV_WRITE], ['persistent', EV_WRITE | EV_PERSIST]] as const) {
  for (const order of ['before', 'after'] as const) {
    test.serial(`place: an event of the program's, ${name}, added ${order} something is held, is called, not we`, async (t) => {
      const sim = start(TEN);
      const [[client, fd]] = accepted(sim);
      client.pauseReading();
      const kernel = new Kernel(sim);
      const seen: number[] = [];
      const ev = newEvent(fd, flags, () => {
        t.deepEqual(kernel.calls(), []);
        seen.push(writeText(fd, 'more'));
        if (seen.at(-1) === 4) eventDel(ev);
        else if (!(flags & EV_PERSIST)) eventAdd(ev, null);
      });
      if (order === 'before') eventAdd(ev, null);
      await turn(() => {
        if (order === 'before') eventDel(ev);
        t.is(writeText(fd, HELD), 31);
        if (order === 'before') eventAdd(ev, null);
      });
      if (order === 'after') eventAdd(ev, null);
      kernel.calls();
      const ended = eventDispatch();
      for (const call of ['10 of 21', '10 of 11']) {
        client.resumeReading();
        client.pauseReading();
        await sim.idle();
        t.deepEqual(kernel.calls(), [`write ${fd}: ${call}`]);
      }
      client.resumeReading();
      t.is(await ended, 1);
      t.deepEqual(kernel.calls(), [`write ${fd}: 1 of 1`, `write ${fd}: 4 of 4`]);
      t.deepEqual(seen, [-EAGAIN, -EAGAIN, 4]);
      t.is(client.take().toString(), `${HELD}more`);
    });
  }

  test.serial(`place: an event of the program's, ${name}, that goes without a write leaves it to us`, async (t) => {
    const sim = start(TEN);
    const [[client, fd]] = accepted(sim);
    client.pauseReading();
    let called = 0;
    const ev = newEvent(fd, flags, () => {
      called++;
      eventDel(ev);
    });
    eventAdd(ev, null);
    await turn(() => writeText(fd, HELD));
    t.is(called, 1); // it was writable
    eventAdd(ev, null);
    eventDel(ev);
    eventAdd(ev, null);
    client.resumeReading();
    t.is(await eventDispatch(), 1);
    t.is(called, 2);
    t.is(client.take().toString(), HELD);
  });
}

test.serial('place: an event that was deleted before something is held does not keep us from it', async (t) => {
  const sim = start(TEN);
  const [[client, fd]] = accepted(sim);
  const ev = newEvent(fd, EV_WRITE, () => {});
  eventAdd(ev, null);
  eventDel(ev);
  client.pauseReading();
  await turn(() => writeText(fd, HELD));
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), HELD);
});

test.serial('place: an event whose timeout comes leaves it to us', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  eventAdd(newEvent(fd, EV_WRITE | EV_PERSIST, () => {}), { tvSec: 1, tvUsec: 0 });
  const ended = eventDispatch();
  await sim.advance(2);
  client.resumeReading();
  t.is(await ended, 1);
  t.is(client.take().toString(), HELD);
});

test.serial('place: an event for both directions has it too, and one for reading is not disturbed', async (t) => {
  for (const flags of [EV_READ, EV_READ | EV_WRITE]) {
    const sim = start(TEN);
    const [client, fd] = await stuck(sim);
    const heard: (string | number)[] = [];
    const ev = newEvent(fd, flags | EV_PERSIST, (_fd, which) => {
      if (which & EV_READ) heard.push(readText(fd));
      if (heard.length === 2) eventDel(ev);
    });
    eventAdd(ev, null);
    const ended = eventDispatch();
    client.send('one');
    await sim.idle();
    client.send('two');
    await sim.idle();
    client.resumeReading();
    t.is(await ended, 1);
    t.deepEqual(heard, ['one', 'two']);
    t.is(client.take().toString(), HELD);
  }
});

test.serial('place: an event that cannot be added has -1 and its errno, and we go on at once', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  const ev = newEvent(fd, EV_WRITE, () => t.fail());
  sim.onCall = ({ name, args }) => {
    if (name !== 'epoll_ctl' || args[0] !== EPOLL_CTL_ADD) return undefined;
    sim.onCall = null;
    return { errno: ENOMEM };
  };
  fails(t, eventAdd(ev, null), ENOMEM);
  client.resumeReading();
  for (let sent = 10; sent < HELD.length; sent += 10) await eventLoop(EVLOOP_ONCE);
  t.is(client.take().toString(), HELD);
  eventDel(ev);
  t.is(await eventDispatch(), 1);
});

// Shutdown and close

test.serial('shutdown: for writing, when all is sent; until then a read is as before', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  t.is(shutdown(fd, SHUT_WR), 0);
  client.send('still heard');
  t.is(readText(fd), 'still heard');
  t.is(readText(fd), EAGAIN);
  await sim.idle();
  client.resumeReading();
  t.false(client.ended);
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), HELD);
  t.true(client.ended);
});

test.serial('shutdown: for reading at once', async (t) => {
  const sim = start(TEN);
  for (const how of [SHUT_RD, SHUT_RDWR]) {
    const [client, fd] = await stuck(sim);
    t.is(shutdown(fd, how), 0);
    t.is(readText(fd), '');
    client.resumeReading();
    t.is(await eventDispatch(), 1);
    t.is(client.take().toString(), HELD);
    t.is(client.ended, how === SHUT_RDWR);
  }
});

test.serial('shutdown: of both directions, one after the other', async (t) => {
  for (const [first, second] of [[SHUT_RD, SHUT_WR], [SHUT_WR, SHUT_RD], [SHUT_RDWR, SHUT_WR]]) {
    const sim = start(TEN);
    const [client, fd] = await stuck(sim);
    t.is(shutdown(fd, first), 0);
    t.is(shutdown(fd, second), 0);
    t.is(readText(fd), '');
    client.resumeReading();
    t.is(await eventDispatch(), 1);
    t.is(client.take().toString(), HELD);
    t.true(client.ended);
  }
});

test.serial('shutdown: a write after it gives EPIPE, though something is held', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  shutdown(fd, SHUT_WR);
  client.resumeReading();
  await turn(() => {
    for (let i = 0; i < 5; i++) t.is(writeText(fd, 'more'), -EPIPE);
  });
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), HELD);
});

test.serial('close: what is held is sent first, and the loop runs until then', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  t.is(close(fd), 0);
  t.deepEqual(sim.openFds(), [fd]);
  const ended = eventDispatch();
  await sim.advance(59);
  client.resumeReading();
  t.is(await ended, 1);
  t.is(client.take().toString(), HELD);
  t.true(client.ended);
  t.deepEqual(sim.openFds(), []);
});

test.serial('close: after a shutdown too', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  shutdown(fd, SHUT_WR);
  close(fd);
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), HELD);
  t.true(client.ended);
  t.deepEqual(sim.openFds(), []);
});

test.serial('close: from then on the descriptor is none to write to or to close, as after any close', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  close(fd);
  fails(t, close(fd), EBADF);
  client.resumeReading();
  await turn(() => {
    for (let i = 0; i < 5; i++) t.is(writeText(fd, 'more'), -EBADF);
  });
  t.is(await eventDispatch(), 1);
  fails(t, close(fd), EBADF);
  t.is(client.take().toString(), HELD);
});

test.serial('close: its number is not used again before', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  close(fd);
  const other = socket(AF_INET, SOCK_STREAM, 0);
  t.not(other, fd);
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(socket(AF_INET, SOCK_STREAM, 0), fd);
});

test.serial('close: a peer that takes nothing for 60 seconds is given up', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  const ended = eventDispatch();
  await sim.advance(1000);
  close(fd);
  sim.interrupt();
  await sim.advance(59);
  t.deepEqual(sim.openFds(), [fd]);
  await sim.advance(2);
  t.deepEqual(sim.openFds(), []);
  t.is(await ended, 1);
  client.resumeReading();
  t.is(client.take().toString(), HELD.slice(0, 10));
});

for (const [name, seconds] of [['forward', 86_400], ['back', -86_400]] as const) {
  test.serial(`close: 60 seconds are 60 seconds when the wall clock is set ${name} meanwhile`, async (t) => {
    const sim = start(TEN);
    const [, fd] = await stuck(sim);
    const ended = eventDispatch();
    sim.setClock(sim.now + seconds);
    close(fd); // in the turn in which the clock was set
    await sim.advance(30);
    sim.setClock(sim.now + seconds);
    sim.interrupt(); // the loop notices
    await sim.advance(29.5);
    t.deepEqual(sim.openFds(), [fd]);
    await sim.advance(0.5);
    t.deepEqual(sim.openFds(), []);
    t.is(await ended, 1);
  });
}

test.serial('close: a timer of the program comes at its time, before the 60 seconds or after them', async (t) => {
  const sim = start(TEN);
  const [, fd] = await stuck(sim);
  const fired: number[] = [];
  for (const seconds of [59.25, 60.5]) timer(seconds, () => fired.push(sim.elapsed - begin));
  const begin = sim.elapsed;
  const ended = eventDispatch();
  close(fd);
  sim.interrupt();
  await sim.advance(59.5);
  t.deepEqual(sim.openFds(), [fd]);
  await sim.advance(0.75);
  t.deepEqual(sim.openFds(), []);
  await sim.advance(1);
  t.is(await ended, 1);
  t.deepEqual(fired, [59.25, 60.5]);
});

test.serial('close: a peer that takes a little now and then gets all of it', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  close(fd);
  const ended = eventDispatch();
  for (let i = 0; i < 3; i++) {
    await sim.advance(50);
    client.resumeReading();
    client.pauseReading();
    await sim.idle();
  }
  client.resumeReading();
  t.is(await ended, 1);
  t.is(client.take().toString(), HELD);
  t.true(client.ended);
});

test.serial('close: with an event of the program that was not deleted before, or is deleted after', async (t) => {
  for (const deletes of [false, true]) {
    const sim = start(TEN);
    const [client, fd] = await stuck(sim);
    const ev = newEvent(fd, EV_WRITE | EV_PERSIST, () => t.fail());
    eventAdd(ev, null);
    t.is(close(fd), 0);
    if (deletes) eventDel(ev);
    client.resumeReading();
    await eventLoop(EVLOOP_ONCE);
    await eventLoop(EVLOOP_ONCE);
    await eventLoop(EVLOOP_NONBLOCK);
    t.is(client.take().toString(), HELD);
    t.true(client.ended);
    t.deepEqual(sim.openFds(), []);
  }
});

test.serial('close: whoever gets the number is waited for, though an event of the one before was not deleted', async (t) => {
  const sim = start(TEN);
  const [[, fd]] = accepted(sim);
  eventAdd(newEvent(fd, EV_WRITE | EV_PERSIST, () => t.fail()), null);
  close(fd);
  const [client, again] = await stuck(sim);
  t.is(again, fd);
  const read: string[] = [];
  t.is(eventAdd(newEvent(fd, EV_READ, () => read.push(readText(fd, 10).toString())), null), 0);
  client.resumeReading();
  client.send('hello');
  await turn(() => {});
  t.deepEqual(read, ['hello']);
});

// When sending fails

for (const [name, errnum] of [['ECONNRESET', ECONNRESET], ['EPIPE', EPIPE], ['ENOMEM', ENOMEM]] as const) {
  test.serial(`failure: ${name} is what the next write is told, once; then it is EPIPE`, async (t) => {
    const sim = start();
    const [[, fd]] = accepted(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => t.is(writeText(fd, 'hello'), 5));
    await turn(() => t.is(writeText(fd, 'hello'), -errnum));
    t.is(writeText(fd, 'hello'), -EPIPE);
  });

  test.serial(`failure: ${name} for a full cork is what the next write of the turn is told`, async (t) => {
    const sim = start();
    const [[, fd]] = accepted(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => {
      writeText(fd, 'a');
      const small = LARGE_WRITE_BYTES / 2;
      for (let kept = 1; kept < CORK_BYTES - small; kept += small) writeText(fd, 'a'.repeat(small));
      t.is(writeText(fd, 'a'.repeat(small)), small - 1);
      t.is(writeText(fd, 'a'), -errnum);
    });
  });

  test.serial(`failure: ${name} for what was kept before a large write is what that is told`, async (t) => {
    const sim = start();
    const [[, fd]] = accepted(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => {
      writeText(fd, 'a');
      t.is(writeText(fd, 'a'.repeat(LARGE_WRITE_BYTES)), -errnum);
    });
  });

  test.serial(`failure: ${name} is the end of the stream for a program that only reads`, async (t) => {
    const sim = start();
    const [[client, fd]] = accepted(sim);
    client.send('hello');
    const seen: (string | number)[] = [];
    const ev = newEvent(fd, EV_READ | EV_PERSIST, () => {
      if (seen.length === 0) {
        failOnce(sim, 'write', errnum);
        writeText(fd, 'hello');
      }
      seen.push(readText(fd));
      if (seen.at(-1) === '') eventDel(ev);
    });
    eventAdd(ev, null);
    t.is(await eventDispatch(), 1);
    t.deepEqual(seen, ['hello', '']);
  });

  test.serial(`failure: ${name} for what is held, of a write that sends it, is what that write is told`, async (t) => {
    const sim = start(TEN);
    const [, fd] = await stuck(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => t.is(writeText(fd, 'hello'), -errnum));
    await turn(() => t.is(writeText(fd, 'hello'), 5));
    await turn(() => t.is(writeText(fd, 'hello'), -EPIPE));
  });

  test.serial(`failure: ${name} for what is held, without a write, is the end of the stream and told by the next`, async (t) => {
    const sim = start(TEN);
    const [client, fd] = await stuck(sim);
    failOnce(sim, 'write', errnum);
    const seen: (string | number)[] = [];
    const ev = newEvent(fd, EV_READ | EV_PERSIST, () => {
      seen.push(readText(fd));
      eventDel(ev);
    });
    eventAdd(ev, null);
    client.resumeReading();
    t.is(await eventDispatch(), 1);
    t.deepEqual(seen, ['']);
    await turn(() => t.is(writeText(fd, 'hello'), -errnum));
  });

  test.serial(`failure: ${name} after a close ends with the descriptor, and is not told who gets its number`, async (t) => {
    const sim = start(TEN);
    const [client, fd] = await stuck(sim);
    close(fd);
    failOnce(sim, 'write', errnum);
    client.resumeReading();
    t.is(await eventDispatch(), 1);
    t.deepEqual(sim.openFds(), []);
    const [[, again]] = accepted(sim);
    t.is(again, fd);
    await turn(() => t.is(writeText(again, 'hello'), 5));
  });
}

test.serial('failure: nobody told, a close forgets it', async (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  failOnce(sim, 'write', EPIPE);
  await turn(() => writeText(fd, 'hello'));
  t.is(close(fd), 0);
  const [[client, again]] = accepted(sim);
  t.is(again, fd);
  await turn(() => t.is(writeText(again, 'hello'), 5));
  t.is(client.take().toString(), 'hello');
});

test.serial('failure: on a descriptor that is not open is nobody\'s, least of all who gets its number', async (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  close(fd);
  await turn(() => writeText(fd, 'hello'));
  const [[client, again]] = accepted(sim);
  t.is(again, fd);
  await turn(() => t.is(writeText(again, 'hello'), 5));
  t.is(client.take().toString(), 'hello');
});

test.serial('failure: of one descriptor is not another\'s, nor does its errno show in a call that succeeds', async (t) => {
  const sim = start();
  const [[, fd], [client, other]] = accepted(sim, 2);
  failOnce(sim, 'write', EPIPE);
  await turn(() => {
    writeText(fd, 'hello');
    t.is(writeText(other, 'hello'), 5);
  });
  t.is(client.take().toString(), 'hello');
  await turn(() => t.is(writeText(other, 'hello'), 5));
  await turn(() => t.is(writeText(fd, 'hello'), -EPIPE));
});

test.serial('failure: where nobody can wait for a descriptor, what is held for it is as good as lost', async (t) => {
  const sim = start(TEN);
  const [[client, fd]] = accepted(sim);
  client.pauseReading();
  failOnce(sim, 'epoll_ctl', ENOMEM);
  await turn(() => writeText(fd, HELD));
  await turn(() => t.is(writeText(fd, 'more'), -ENOMEM));
  t.is(readText(fd), '');
  t.is(await eventDispatch(), 1);
  client.resumeReading();
  t.true(client.ended);
});

test.serial('failure: so it is when the program leaves the place to us, and its event_del is what it was', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  const ev = newEvent(fd, EV_WRITE, () => {});
  eventAdd(ev, null);
  let errnum = EPERM;
  sim.onCall = ({ name }) => {
    if (name !== 'epoll_ctl') return undefined;
    const fault = { errno: errnum };
    errnum = ENOMEM;
    return fault;
  };
  fails(t, eventDel(ev), EPERM);
  sim.onCall = null;
  t.is(await eventDispatch(), 1);
  await turn(() => t.is(writeText(fd, 'more'), -ENOMEM));
  client.resumeReading();
});

// Misuse, and a new beginning

test.serial('misuse: bytes outside of the buffer are refused as by the kernel, and nobody else\'s are sent in their place', async (t) => {
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

test.serial('misuse: -1 is no descriptor to write to, in a turn or outside of it', async (t) => {
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

test.serial('time: is asked for once in a turn, and each time outside of it', async (t) => {
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

test.serial('event_init: starts anew, with nothing drained, kept, held or failed', async (t) => {
  const first = start(TEN);
  const [[one, fd], [two, other]] = accepted(first, 2);
  one.pauseReading();
  two.send('hello');
  await turn(() => {
    readText(other);
    writeText(fd, HELD);
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

test.serial('event_init: without economy every call is the kernel\'s again', async (t) => {
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
