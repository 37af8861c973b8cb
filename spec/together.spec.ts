// What was written to several descriptors leaves the economy's cork together. On the simulated backend, where the calls
// that the kernel gets are recorded; the kernel's own way of doing several at once is in uring.spec.ts.
import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EAGAIN, ECONNRESET, EINTR, ENOMEM, EPIPE } from '../reactor/errno.h';
import { CORK_BYTES, LARGE_WRITE_BYTES } from '../reactor/economy/cork';
import { eventDispatch } from '../reactor/event';
import { SHUT_WR } from '../reactor/socket.h';
import { close, shutdown, write } from '../reactor/syscalls';
import { readText, writeText } from './support/calls';
import { answered, distinct, list, times, warm } from './support/several';
import { Kernel, accepted, batches, failOnce, start, stopAll, turn } from './support/simulated';

test.beforeEach(() => eventEconomy(true));

test.afterEach.always(stopAll);

test.serial('corked bytes for four descriptors leave in one call, in the order of the writes', async (t) => {
  const sim = start();
  const [a, b, c, d] = accepted(sim, 4);
  const together = batches(sim);
  const kernel = new Kernel(sim);
  await turn(() => {
    for (const [, fd] of [c, a, d, b]) {
      writeText(fd, 'hello, ');
      writeText(fd, String(fd));
    }
    t.deepEqual(kernel.calls(), []);
  });
  t.deepEqual(together, [`send ${list([c, a, d, b])}`]);
  for (const [client, fd] of [a, b, c, d]) t.is(client.take().toString(), `hello, ${fd}`);
});

test.serial('for three descriptors there is one write(2) each', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 3);
  const together = batches(sim);
  await turn(() => {
    for (const [, fd] of pairs) writeText(fd, 'hello');
  });
  t.deepEqual(together, []);
  for (const [client] of pairs) t.is(client.take().toString(), 'hello');
});

test.serial('so there is if one was written to twice with another between; all bytes keep their order', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 4);
  const together = batches(sim);
  const kernel = new Kernel(sim);
  const [first] = pairs;
  await turn(() => {
    for (const [, fd] of [...pairs, first]) writeText(fd, `${fd}`);
    writeText(first[1], '!');
  });
  t.deepEqual(together, []);
  t.deepEqual(kernel.calls().map((call) => call.replace(/:.*/, '')), [...pairs, first].map(([, fd]) => `write ${fd}`));
  t.is(first[0].take().toString(), `${first[1]}${first[1]}!`);
  await turn(() => {
    for (const [, fd] of pairs) writeText(fd, 'hello');
  });
  t.deepEqual(together, [`send ${list(pairs)}`], 'it was for that turn');
});

test.serial('the order is kept for descriptors of any number, too', async (t) => {
  const sim = start();
  const [first, ...others] = accepted(sim, 1100).slice(-4);
  t.true(first[1] > 1024);
  const together = batches(sim);
  await turn(() => {
    for (const [, fd] of [first, ...others, first]) writeText(fd, 'hello');
  });
  t.deepEqual(together, []);
  t.is(first[0].take().toString(), 'hellohello');
});

test.serial('there is one write(2) each if one of them is not a stream', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 4);
  const [other, peer] = sim.socketpair();
  const together = batches(sim);
  await turn(() => {
    writeText(pairs[0][1], 'hello');
    writeText(other, 'hallo');
    for (const [, fd] of pairs.slice(1)) writeText(fd, 'hello');
  });
  t.deepEqual(together, []);
  t.is(readText(peer), 'hallo');
  for (const [client] of pairs) t.is(client.take().toString(), 'hello');
});

test.serial('bytes that the kernel does not take of one are held, and the others get theirs', async (t) => {
  const sim = start({ sendBuffer: 10 });
  const pairs = accepted(sim, 5);
  const together = batches(sim);
  const [stuck] = pairs[2];
  stuck.pauseReading();
  await turn(() => {
    t.deepEqual(pairs.map(([client, fd]) => writeText(fd, client === stuck ? '0123456789, and more' : 'hello')), [5, 5, 20, 5, 5]);
  });
  t.deepEqual(together, [`send ${list(pairs)}`]);
  for (const [client] of pairs.filter((_pair, i) => i !== 2)) t.is(client.take().toString(), 'hello');
  await turn(() => {
    t.is(writeText(pairs[2][1], 'again'), -EAGAIN);
    for (const [, fd] of pairs.slice(3)) t.is(writeText(fd, 'again'), 5);
  });
  for (const [client] of pairs.slice(3)) t.is(client.take().toString(), 'again');
  stuck.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(stuck.take().toString(), '0123456789, and more');
});

test.serial('four leave in one call even if bytes of others are held, or their sending failed', async (t) => {
  const sim = start({ sendBuffer: 10 });
  const pairs = accepted(sim, 6);
  const [stuck, failing, ...sound] = pairs;
  stuck[0].pauseReading();
  failOnce(sim, 'write', EPIPE, failing[1]);
  await turn(() => {
    writeText(stuck[1], '0123456789, and more');
    writeText(failing[1], 'hello');
  });
  const together = batches(sim);
  for (let round = 0; round < 2; round++) {
    await turn(() => {
      t.is(writeText(stuck[1], 'again'), -EAGAIN);
      for (const [, fd] of sound) t.is(writeText(fd, 'hello'), 5);
    });
    t.deepEqual(sound.map(([client]) => client.take().toString()), times(4, 'hello'));
  }
  t.deepEqual(together, times(2, `send ${list(sound)}`));
  await turn(() => t.is(writeText(failing[1], 'hello'), -EPIPE));
  stuck[0].resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(stuck[0].take().toString(), '0123456789, and more');
});

for (const [name, errnum] of [['EAGAIN', EAGAIN], ['EINTR', EINTR]] as const) {
  test.serial(`all bytes of one are held when the kernel gives ${name} for it`, async (t) => {
    const sim = start();
    const pairs = accepted(sim, 4);
    failOnce(sim, 'write', errnum, pairs[3][1]);
    await turn(() => {
      for (const [, fd] of pairs) writeText(fd, 'hello');
    });
    t.deepEqual(pairs.map(([client]) => client.take().toString()), ['hello', 'hello', 'hello', '']);
    t.is(await eventDispatch(), 1);
    t.is(pairs[3][0].take().toString(), 'hello');
  });
}

for (const [name, errnum] of [['ECONNRESET', ECONNRESET], ['EPIPE', EPIPE], ['ENOMEM', ENOMEM]] as const) {
  test.serial(`${name} of one is reported by its next write, and ends its stream; the others get their bytes`, async (t) => {
    const sim = start();
    const pairs = accepted(sim, 4);
    const fd = pairs[1][1];
    failOnce(sim, 'write', errnum, fd);
    await turn(() => {
      for (const [, each] of pairs) t.is(writeText(each, 'hello'), 5);
    });
    t.deepEqual(pairs.map(([client]) => client.take().toString()), ['hello', '', 'hello', 'hello']);
    await turn(() => {
      for (const [, each] of pairs) t.is(writeText(each, 'hello'), each === fd ? -errnum : 5);
    });
    t.deepEqual(pairs.map(([client]) => client.take().toString()), ['hello', '', 'hello', 'hello']);
    t.is(readText(fd), '');
    t.is(writeText(fd, 'hello'), -EPIPE);
  });
}

test.serial('each descriptor gets its own errno', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 5);
  const errnos = new Map([[pairs[0][1], ECONNRESET], [pairs[2][1], EAGAIN], [pairs[3][1], ENOMEM]]);
  sim.onCall = ({ name, fd }) => {
    const errnum = errnos.get(fd);
    return name === 'write' && errnum !== undefined ? { errno: errnum } : undefined;
  };
  await turn(() => {
    for (const [, fd] of pairs) writeText(fd, 'hello');
  });
  sim.onCall = null;
  await turn(() => {
    t.deepEqual(pairs.map(([, fd]) => writeText(fd, '!')), [-ECONNRESET, 1, 1, -ENOMEM, 1]);
  });
  t.deepEqual(pairs.map(([client]) => client.take().toString()), ['', 'hello!', 'hello!', '', 'hello!'].map((text, i) => {
    return i === 0 || i === 3 ? '' : text;
  }));
});

test.serial('an error on a descriptor that is not open is not reported to the next one with that number', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 4);
  await turn(() => {
    close(pairs[2][1]);
    for (const [, fd] of pairs) writeText(fd, 'hello');
  });
  t.deepEqual(pairs.map(([client]) => client.take().toString()), ['hello', 'hello', '', 'hello']);
  const [[client, again]] = accepted(sim);
  t.is(again, pairs[2][1]);
  await turn(() => t.is(writeText(again, 'hello'), 5));
  t.is(client.take().toString(), 'hello');
});

test.serial('writes of 0 bytes do no harm', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 5);
  await turn(() => {
    for (const [i, [, fd]] of pairs.entries()) t.is(writeText(fd, 'x'.repeat(i % 2)), i % 2);
  });
  t.deepEqual(pairs.map(([client]) => client.take().toString()), ['', 'x', '', 'x', '']);
  t.is(await eventDispatch(), 1);
});

test.serial('a cork filled by many leaves in one call, and the rest in the next', async (t) => {
  const sim = start({ sendBuffer: Infinity });
  const count = 30;
  const pairs = accepted(sim, count);
  const together = batches(sim);
  const size = LARGE_WRITE_BYTES - 1000;
  const sent = new Map<number, string>();
  await turn(() => {
    for (const [, fd] of pairs) {
      const text = distinct(size + fd);
      sent.set(fd, text);
      for (let at = 0; at < text.length;) at += writeText(fd, text.slice(at));
    }
  });
  const perCork = Math.floor(CORK_BYTES / size);
  t.deepEqual(together, [`send ${list(pairs.slice(0, perCork + 1))}`, `send ${list(pairs.slice(perCork))}`]);
  for (const [client, fd] of pairs) t.true(client.take().toString('latin1') === sent.get(fd));
});

test.serial('a call has no more descriptors than the kernel takes', async (t) => {
  for (const size of [4, 8]) {
    const sim = start({}, (each) => {
      const { batch } = each.syscalls;
      Object.defineProperty(each.syscalls, 'batch', { value: { ...batch, size } });
    });
    const pairs = await warm(sim, 9);
    const together = batches(sim);
    await answered(t, pairs);
    t.true(together.every((call) => call.split(' ').length - 1 <= size), together.join(', '));
  }
});

test.serial('the cork is sent before a large write of a descriptor whose corked bytes are not the last', async (t) => {
  for (const who of [0, 3, 4]) {
    const sim = start({ sendBuffer: Infinity });
    const pairs = accepted(sim, 5);
    const together = batches(sim);
    const kernel = new Kernel(sim);
    await turn(() => {
      for (const [, fd] of pairs.slice(0, 4)) writeText(fd, 'hello');
      t.is(writeText(pairs[who][1], 'a'.repeat(LARGE_WRITE_BYTES)), LARGE_WRITE_BYTES - 1);
      t.is(together.length, who === 0 ? 1 : 0);
      t.is(kernel.calls().filter((call) => call.includes(' of 5')).length, who === 0 ? 4 : 0);
      t.is(writeText(pairs[who][1], 'a'), 1);
    });
    t.deepEqual(pairs.map(([client]) => client.take().length), pairs.map((_pair, i) => {
      return (i < 4 ? 5 : 0) + (i === who ? LARGE_WRITE_BYTES : 0);
    }));
  }
});

test.serial('the cork is sent before a shutdown and before a close', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 5);
  const together = batches(sim);
  await turn(() => {
    for (const [, fd] of pairs) writeText(fd, 'hello');
    shutdown(pairs[0][1], SHUT_WR);
    t.deepEqual(together, [`send ${list(pairs)}`]);
    for (const [, fd] of pairs.slice(1)) writeText(fd, 'world');
    close(pairs[4][1]);
    t.deepEqual(together, [`send ${list(pairs)}`, `send ${list(pairs.slice(1))}`]);
  });
  t.deepEqual(pairs.map(([client]) => client.take().toString()), ['hello', ...times(4, 'helloworld')]);
  t.deepEqual(pairs.map(([client]) => client.ended), [true, false, false, false, true]);
});

test.serial('writes copy their bytes: the program may reuse the buffer for the next write', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 4);
  const buf = Buffer.alloc(300);
  await turn(() => {
    for (const [, fd] of pairs) write(fd, buf.fill(fd), 0, 300);
    buf.fill(0);
  });
  for (const [client, fd] of pairs) t.deepEqual(client.take(), Buffer.alloc(300, fd));
});
