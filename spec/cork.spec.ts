// The economy's cork, on the simulated backend: what callbacks write leaves when they are over, in fewer calls.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EAGAIN, EBADF, ECONNRESET, errno } from '../reactor/errno.h';
import { CORK_BYTES, LARGE_WRITE_BYTES } from '../reactor/economy/cork';
import { EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_READ } from '../reactor/event.h';
import { eventActive, eventDispatch, eventLoop, evsel } from '../reactor/event';
import { MSG_MORE, SHUT_RD, SHUT_RDWR, SHUT_WR } from '../reactor/socket.h';
import { close, sendmsg, shutdown, write } from '../reactor/syscalls';
import { sendTexts, writeText } from './support/calls';
import { root } from './support/server';
import { Kernel, accepted, failOnce, newEvent, start, stopAll, timer, turn } from './support/simulated';

test.beforeEach(() => eventEconomy(true));

test.afterEach.always(stopAll);

test.serial('all writes of one callback leave in one write(2), when it returns', async (t) => {
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

test.serial('all writes of the callbacks of one turn leave in one write(2)', async (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  eventActive(newEvent(-1, 0, () => writeText(fd, 'hel')), EV_READ, 1);
  await turn(() => writeText(fd, 'lo'));
  t.deepEqual(kernel.calls(), [`write ${fd}: 5 of 5`]);
});

test.serial('a write copies its bytes: the program may change its buffer afterwards', async (t) => {
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

test.serial('writes to several descriptors leave in the order in which they were made', async (t) => {
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

test.serial('writes to more descriptors than the cork has runs all arrive', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 1500);
  const kernel = new Kernel(sim);
  await turn(() => {
    for (const [, fd] of pairs) writeText(fd, String(fd));
  });
  t.deepEqual(kernel.calls(), pairs.map(([, fd]) => `write ${fd}: ${String(fd).length} of ${String(fd).length}`));
  for (const [client, fd] of pairs) t.is(client.take().toString(), String(fd));
});

test.serial('a full cork is sent; a write that does not fit is taken in part', async (t) => {
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

test.serial('later writes of the same turn do not overtake bytes that the kernel did not take', async (t) => {
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

test.serial('when sending fails, later writes of the same turn are not sent', async (t) => {
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

test.serial('large: a large write but for its last byte is sent at once, in one call with the corked bytes before it', async (t) => {
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

test.serial("large: another descriptor's corked bytes stay in the cork", async (t) => {
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

test.serial("large: only the same descriptor's corked bytes go with it; another's stay, and are sent with its next ones", async (t) => {
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

test.serial('large: corked bytes go first, even if another descriptor has written since', async (t) => {
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
  test.serial(`large: when the kernel takes ${taken}, the write gives EAGAIN, and nothing is lost or sent twice`, async (t) => {
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

test.serial('large: nothing overtakes held bytes, even if the kernel has room by now', async (t) => {
  const sim = start({ sendBuffer: 10 });
  const [[client, fd]] = accepted(sim);
  client.pauseReading();
  await turn(() => writeText(fd, '.'.repeat(41)));
  const text = 'a'.repeat(LARGE_WRITE_BYTES);
  const pieces = [{ buf: Buffer.from(text), offset: 0, length: text.length }];
  const writes = [() => writeText(fd, text), () => sendTexts(fd, text), () => sendmsg(fd, pieces, MSG_MORE)];
  for (const attempt of writes) {
    await turn(() => {
      client.resumeReading();
      client.pauseReading();
      t.true(attempt() < 0);
      t.is(errno, EAGAIN);
    });
  }
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), '.'.repeat(41));
});

test.serial('large: the write reports the error of its own call, once, and the descriptor is shut down', async (t) => {
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

test.serial('large: a write to a descriptor that is not open gives EBADF, even after corked small ones', async (t) => {
  start();
  await turn(() => {
    t.is(writeText(99, 'a'.repeat(LARGE_WRITE_BYTES)), -EBADF);
    t.is(writeText(99, 'header'), 6);
    t.is(writeText(99, 'a'.repeat(LARGE_WRITE_BYTES)), -EBADF);
  });
});

test.serial('large: the last of the corked writes that leave before it has MSG_MORE', async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[client, fd], [, other]] = accepted(sim, 2);
  const kernel = new Kernel(sim);
  await turn(() => {
    for (const each of [fd, other, fd]) writeText(each, 'hello');
    t.is(writeText(fd, 'a'.repeat(LARGE_WRITE_BYTES)), LARGE_WRITE_BYTES - 1);
  });
  t.deepEqual(kernel.calls(), [
    `write ${fd}: 5 of 5`, `write ${other}: 5 of 5`, `write ${fd}: 5 of 5, and more`,
    `write ${fd}: ${LARGE_WRITE_BYTES - 1} of ${LARGE_WRITE_BYTES - 1}, and more`,
  ]);
  t.is(client.take().toString(), `hellohello${'a'.repeat(LARGE_WRITE_BYTES - 1)}`);
});

test.serial('large: the write returns what the kernel takes', async (t) => {
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

test.serial('sendmsg: large pieces leave at once, whole, in one call with the corked bytes before them', async (t) => {
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

test.serial('sendmsg: small pieces are corked, in their order', async (t) => {
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

test.serial('sendmsg: pieces that do not fit in the cork are taken in part', async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const [[client, fd]] = accepted(sim);
  await turn(() => {
    for (let i = 1; i < CORK_BYTES / 4096; i++) writeText(fd, '.'.repeat(4096));
    writeText(fd, '.'.repeat(4096 - 8));
    t.is(sendTexts(fd, 'hello', 'world', '!'), 8);
    t.is(sendTexts(fd, 'ld', '!'), 3);
  });
  t.is(client.take().toString(), `${'.'.repeat(CORK_BYTES - 8)}helloworld!`);
});

test.serial('sendmsg: if the kernel stops taking bytes between two pieces, only the first is taken', async (t) => {
  const sim = start({ sendBuffer: CORK_BYTES - 1 });
  const [[client, fd]] = accepted(sim);
  client.pauseReading();
  await turn(() => {
    for (let i = 1; i < CORK_BYTES / 4096; i++) writeText(fd, '.'.repeat(4096));
    writeText(fd, '.'.repeat(4096 - 5));
    t.is(sendTexts(fd, 'hello', 'world'), 5);
    t.is(sendTexts(fd, 'world'), -EAGAIN);
  });
  client.resumeReading();
  await eventLoop(EVLOOP_NONBLOCK);
  t.is(client.take().toString(), `${'.'.repeat(CORK_BYTES - 5)}hello`);
});

test.serial('sendmsg: with flags, or outside of the loop, it goes to the kernel at once, behind the corked bytes', async (t) => {
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
    t.is(evsel.syscalls.send(fd, Buffer.from(', and sent'), 0, 10, MSG_MORE), 10, 'and so does send(2)');
  });
  t.is(client.take().toString(), 'kept, passed, and sent');
});

test.serial('sendmsg: a large one returns what the kernel takes, or gives EAGAIN', async (t) => {
  const sim = start({ sendBuffer: LARGE_WRITE_BYTES });
  const [[client, fd]] = accepted(sim);
  client.pauseReading();
  await turn(() => {
    writeText(fd, 'header');
    t.is(sendTexts(fd, 'a'.repeat(LARGE_WRITE_BYTES), 'end'), LARGE_WRITE_BYTES - 6);
    t.is(sendTexts(fd, 'a'.repeat(LARGE_WRITE_BYTES), 'end'), -EAGAIN);
    writeText(fd, 'more');
    for (let i = 0; i < 2; i++) t.is(sendTexts(fd, 'a'.repeat(LARGE_WRITE_BYTES), 'end'), -EAGAIN);
  });
  client.resumeReading();
  await eventLoop(EVLOOP_NONBLOCK);
  t.is(client.take().toString(), `header${'a'.repeat(LARGE_WRITE_BYTES - 6)}more`);
});

for (const [name, how] of [['SHUT_RD', SHUT_RD], ['SHUT_WR', SHUT_WR], ['SHUT_RDWR', SHUT_RDWR]] as const) {
  test.serial(`the cork is sent before a shutdown: ${name}`, async (t) => {
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

test.serial('the cork is sent before a close', async (t) => {
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

test.serial('before the loop runs, nothing is corked', (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  writeText(fd, 'a');
  writeText(fd, 'b');
  t.deepEqual(kernel.calls(), [`write ${fd}: 1 of 1`, `write ${fd}: 1 of 1`]);
});

test.serial("nothing is corked while the loop waits and Node's own callbacks run", async (t) => {
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
  test.serial(`nothing is corked after the loop has ended ${how}`, async (t) => {
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

test.serial('nothing is corked after the loop has failed', async (t) => {
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

test.serial('the writes of a callback that throws are sent, and nothing is corked afterwards', async (t) => {
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

test.serial('the cork is sent before a loop that a callback runs waits', async (t) => {
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
  test.serial(`the cork is sent when a callback ends the process: ${how}`, (t) => {
    const program = join(root, 'dist', 'spec', 'support', 'exit-in-callback.js');
    const { stdout, status } = spawnSync(process.execPath, [program, how], { encoding: 'utf8' });
    t.is(stdout, 'goodbye');
    t.is(status, how === 'exit' ? 0 : 1);
  });
}
