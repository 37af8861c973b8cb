// What many descriptors have to read is fetched together as a turn begins. On the simulated backend, where the calls
// that the kernel gets are recorded; the kernel's own way of doing several at once is in uring.spec.ts.
import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EAGAIN, EBADF, ECONNRESET, EINTR, ENOMEM } from '../reactor/errno.h';
import {
  EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_TIMEOUT, EV_WRITE,
} from '../reactor/event.h';
import { eventActive, eventAdd, eventDel, eventDispatch, eventLoop } from '../reactor/event';
import { AHEAD_MIN, AHEAD_BYTES } from '../reactor/economy/readahead';
import type { SimClient, Simulation } from '../reactor/sim';
import { SHUT_RD, AF_INET, SOCK_STREAM } from '../reactor/socket.h';
import { accept, close, connect, read, shutdown, socket } from '../reactor/syscalls';
import { fails, readText, writeText } from './support/calls';
import { answered, distinct, list, oneTurn, readAll, times, warm, watch } from './support/several';
import type { Got } from './support/several';
import {
  Kernel, PORT, accepted, batches, failOnce, listening, newEvent, start, stopAll, timer, turn,
} from './support/simulated';

test.beforeEach(() => eventEconomy(true));

test.afterEach.always(stopAll);

function drain(fd: number): void {
  readAll(fd);
}

/** Four descriptors whose input was fetched in a turn in which the program did not read it. */
async function left(sim: Simulation, text = 'hello'): Promise<[SimClient, number][]> {
  const pairs = await warm(sim);
  const events = watch(pairs, () => {});
  for (const [client] of pairs) client.send(text);
  await oneTurn();
  for (const ev of events) eventDel(ev);
  return pairs;
}

test.serial('the input of four descriptors is fetched in one call, before any of their callbacks', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const together = batches(sim);
  const kernel = new Kernel(sim);
  const seen: Got[][] = [];
  watch(pairs, (fd) => {
    if (seen.length === 0) t.deepEqual(kernel.calls(), pairs.map(([, each]) => `read ${each}: 5 of ${AHEAD_BYTES}`));
    seen.push(readAll(fd));
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(seen, pairs.map(() => ['hello', EAGAIN]));
  t.deepEqual(kernel.calls(), []);
  t.deepEqual(together, [`recv ${list(pairs)}`]);
});

test.serial('the input of fewer than four is not fetched', async (t) => {
  const sim = start();
  const pairs = await warm(sim, AHEAD_MIN - 1);
  const kernel = new Kernel(sim);
  watch(pairs, drain);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(kernel.calls(), pairs.map(([, fd]) => `read ${fd}: 5 of 4096`));
});

test.serial('a descriptor not fetched in one turn can be fetched in a later one', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const together = batches(sim);
  const seen: Got[] = [];
  watch(pairs, (fd) => seen.push(...readAll(fd)));
  for (const [client] of pairs.slice(1)) client.send('hello');
  await oneTurn();
  for (const [client] of pairs) client.send('world');
  await oneTurn();
  t.deepEqual(seen.filter((got) => got !== EAGAIN), [...times(3, 'hello'), ...times(4, 'world')]);
  t.deepEqual(together, [`recv ${list([...pairs.slice(1), pairs[0]])}`]);
});

test.serial('input is not fetched from a descriptor that was not read yet', async (t) => {
  const sim = start();
  const pairs = accepted(sim, 5);
  const together = batches(sim);
  watch(pairs, drain);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(together, []);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(together, [`recv ${list(pairs)}`]);
});

test.serial('input is not fetched after a full read', async (t) => {
  for (const [length, count] of [[AHEAD_BYTES - 1, 5], [AHEAD_BYTES, 4], [5000, 4]]) {
    const sim = start();
    const pairs = await warm(sim, 5);
    const [client, fd] = pairs[2];
    client.send('a'.repeat(length));
    await turn(() => t.is(readText(fd, 6000), 'a'.repeat(length)));
    const together = batches(sim);
    watch(pairs, drain);
    for (const [each] of pairs) each.send('hello');
    await oneTurn();
    t.deepEqual(together, [`recv ${list(count === 5 ? pairs : pairs.filter(([, each]) => each !== fd))}`], String(length));
  }
});

test.serial('input is fetched from a socket that connected, too, but not from a descriptor that the layer did not open', async (t) => {
  const sim = start({ autoAdvance: true });
  const clients: SimClient[] = [];
  sim.serve(80, (client) => clients.push(client));
  const connecting = Array.from({ length: 4 }, () => {
    const fd = socket(AF_INET, SOCK_STREAM, 0);
    connect(fd, { sinFamily: AF_INET, sinPort: 80, sinAddr: 0x7f000001 });
    return fd;
  });
  await turn(() => {}); // in which the connections come about
  const others = Array.from({ length: 4 }, () => sim.socketpair());
  const readable = [...connecting, ...others.map(([fd]) => fd)];
  const send = (): void => {
    for (const client of clients) client.send('hello');
    for (const [, peer] of others) writeText(peer, 'hello');
  };
  send();
  await turn(() => {
    for (const fd of readable) t.is(readText(fd), 'hello');
  });
  const together = batches(sim);
  watch(readable.map((fd) => [null, fd]), (fd) => t.deepEqual(readAll(fd), ['hello', EAGAIN]));
  send();
  await oneTurn();
  t.deepEqual(together, [`recv ${connecting.join(' ')}`]);
});

test.serial('input is fetched only for events that are about to be called for reading', async (t) => {
  const sim = start();
  const pairs = await warm(sim, 5);
  const together = batches(sim);
  const writer = newEvent(pairs[3][1], EV_WRITE, () => {});
  eventAdd(writer, null);
  watch(pairs.slice(0, 3), drain);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(together, []);
});

test.serial('a descriptor with two events counts once', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const together = batches(sim);
  watch(pairs, drain);
  for (const [, fd] of pairs) eventActive(newEvent(fd, EV_READ, drain), EV_READ, 1);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(together, [`recv ${list(pairs)}`]);
});

test.serial('descriptors of any number are fetched, as many as a call takes; the program reads the others itself', async (t) => {
  const sim = start();
  const size = sim.syscalls.batch?.size ?? 0;
  const pairs = await warm(sim, 3 * size);
  const together = batches(sim);
  const seen: Got[][] = [];
  watch(pairs, (fd) => seen.push(readAll(fd)));
  for (let round = 0; round < 3; round++) {
    for (const [client, fd] of pairs) client.send(`hello, ${fd}`);
    await oneTurn();
    t.deepEqual(seen.splice(0), pairs.map(([, fd]) => [`hello, ${fd}`, EAGAIN]));
    t.is(together.length, round + 1);
    t.is(together[round].split(' ').length - 1, size);
  }
});

test.serial('without such a call in the backend, the program reads everything itself', async (t) => {
  const sim = start({}, (each) => Object.defineProperty(each.syscalls, 'batch', { value: null }));
  const pairs = await warm(sim, 10);
  const kernel = new Kernel(sim);
  await answered(t, pairs);
  t.deepEqual(kernel.calls().slice(0, 2), [`read ${pairs[0][1]}: 5 of 4096`, `read ${pairs[1][1]}: 5 of 4096`]);
});

// What reads give of it

test.serial('small reads get the fetched bytes piece by piece, in order, then EAGAIN', async (t) => {
  const text = distinct(200);
  for (const length of [1, 2, 3, 4, 5, 7, 64, 100, 199, 200]) {
    const sim = start();
    const pairs = await warm(sim);
    const kernel = new Kernel(sim);
    watch(pairs, (fd) => {
      const got = readAll(fd, length);
      // Whether a read was a short one, the program cannot tell where its length divides that of the whole.
      t.is(got.pop(), EAGAIN);
      t.is(got.join(''), text);
      t.true(got.slice(0, -1).every((piece) => typeof piece === 'string' && piece.length === length));
    });
    for (const [client] of pairs) client.send(text);
    await oneTurn();
    t.deepEqual(kernel.calls(), pairs.map(([, fd]) => `read ${fd}: 200 of ${AHEAD_BYTES}`));
  }
});

test.serial('a read writes only where it was asked to', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  watch(pairs, (fd) => {
    for (const [at, length, given] of [[3, 5, 5], [0, 6, 6], [7, 9, 9], [15, 1, 1], [1, 15, 4]]) {
      const whole = Buffer.alloc(32, '.');
      const buf = whole.subarray(8, 24);
      t.is(read(fd, buf, at, length), given);
      t.is(whole.toString().replaceAll('.', '').length, given);
      t.is(whole.indexOf('x'), 8 + at);
    }
  });
  for (const [client] of pairs) client.send('x'.repeat(25));
  await oneTurn();
});

test.serial('when a fetch fills its buffer, the next read of the turn goes to the kernel', async (t) => {
  const fetches = [[AHEAD_BYTES - 1, false], [AHEAD_BYTES, true], [AHEAD_BYTES + 1, true], [4000, true]] as const;
  for (const [length, asks] of fetches) {
    const sim = start();
    const pairs = await warm(sim);
    const kernel = new Kernel(sim);
    watch(pairs, (fd) => t.is(readAll(fd).filter((got) => got !== EAGAIN).join(''), distinct(length)));
    for (const [client] of pairs) client.send(distinct(length));
    await oneTurn();
    t.deepEqual(kernel.calls(), [
      ...pairs.map(([, fd]) => `read ${fd}: ${Math.min(length, AHEAD_BYTES)} of ${AHEAD_BYTES}`),
      ...pairs.flatMap(([, fd]) => asks ? [`read ${fd}: ${length - AHEAD_BYTES || 'EAGAIN'} of 4096`] : []),
    ]);
  }
});

test.serial('then nothing is fetched until a read is short again', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const together = batches(sim);
  watch(pairs, drain);
  const full = AHEAD_BYTES;
  for (const [length, count] of [[full, 1], [full, 1], [10, 1], [10, 2], [full + 10, 3], [10, 4]]) {
    for (const [client] of pairs) client.send('a'.repeat(length));
    await oneTurn();
    t.is(together.length, count);
  }
});

test.serial('a callback can read the bytes fetched for another descriptor, whose callback then finds nothing', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const kernel = new Kernel(sim);
  const seen: Got[][] = [];
  watch(pairs, () => {
    for (const [, fd] of [...pairs].reverse()) seen.push(readAll(fd));
  });
  for (const [client, fd] of pairs) client.send(`hello, ${fd}`);
  await oneTurn();
  t.deepEqual(seen.slice(0, 4), [...pairs].reverse().map(([, fd]) => [`hello, ${fd}`, EAGAIN]));
  t.deepEqual(seen.slice(4), times(12, [EAGAIN]));
  t.is(kernel.calls().length, 4);
});

test.serial('a read of 0 bytes takes none', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  watch(pairs, (fd) => {
    t.true(read(fd, Buffer.alloc(1), 0, 0) <= 0);
    t.is(readText(fd, 2), 'he');
    t.true(read(fd, Buffer.alloc(1), 1, 0) <= 0);
    t.deepEqual(readAll(fd), ['llo', EAGAIN]);
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
});

test.serial('a read of 0 bytes does not take a fetched error', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const seen: Got[] = [];
  watch(pairs, (fd) => {
    read(fd, Buffer.alloc(1), 0, 0);
    seen.push(readText(fd));
  });
  failOnce(sim, 'read', ENOMEM, pairs[0][1]);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(seen, [ENOMEM, ...times(3, 'hello')]);
});

test.serial('a read to outside of the buffer is refused, and loses no bytes', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const buf = Buffer.alloc(5);
  const refused = (fd: number): void => {
    for (const [offset, length] of [[0, 6], [5, 1], [-1, 2], [0, -1], [NaN, 1], [0, NaN]]) {
      t.throws(() => read(fd, buf, offset, length), { instanceOf: RangeError });
    }
  };
  const events = watch(pairs, (fd) => {
    refused(fd);
    t.is(readText(fd, 2), 'he');
    refused(fd);
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  for (const ev of events) eventDel(ev);
  for (const [, fd] of pairs) {
    refused(fd);
    t.is(readText(fd), 'llo');
  }
  t.deepEqual([...buf], [0, 0, 0, 0, 0]);
});

test.serial('a read of an invalid descriptor gives EBADF', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const refused = (): void => {
    for (const fd of [-1, -2, 2, 5000]) fails(t, read(fd, Buffer.alloc(10), 0, 10), EBADF);
  };
  watch(pairs, (fd) => {
    refused();
    t.is(readText(fd), 'hello');
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  refused();
});

test.serial("after a fetch with EAGAIN or EINTR, the program's read goes to the kernel", async (t) => {
  for (const errnum of [EAGAIN, EINTR]) {
    const sim = start();
    const pairs = await warm(sim);
    const kernel = new Kernel(sim);
    const seen: Got[] = [];
    watch(pairs, (fd) => seen.push(...readAll(fd)));
    failOnce(sim, 'read', errnum, pairs[1][1]);
    for (const [client, fd] of pairs) client.send(`hello, ${fd}`);
    await oneTurn();
    t.deepEqual(seen, pairs.flatMap(([, fd]) => [`hello, ${fd}`, EAGAIN]));
    t.deepEqual(kernel.calls().slice(4), [`read ${pairs[1][1]}: 8 of 4096`]);
    t.is(await oneTurn(), 0);
    t.is(seen.length, 8);
  }
});

// The end of the stream, and errors

test.serial('the end of the stream comes after the last bytes, in a turn of its own', async (t) => {
  for (const length of [5, AHEAD_BYTES, AHEAD_BYTES + 5]) {
    const sim = start();
    const pairs = await warm(sim);
    const together = batches(sim);
    const seen: Got[][] = [];
    const events = watch(pairs, (fd) => {
      seen.push(readAll(fd));
      if (seen.at(-1)?.at(-1) === '') eventDel(events[pairs.findIndex(([, each]) => each === fd)]);
    });
    for (const [client] of pairs) {
      client.send('a'.repeat(length));
      client.end();
    }
    t.is(await eventDispatch(), 1);
    t.is(seen.length, 8);
    for (const got of seen.slice(0, 4)) {
      t.is(got.pop(), EAGAIN);
      t.is(got.join(''), 'a'.repeat(length));
    }
    t.deepEqual(seen.slice(4), times(4, ['']));
    t.is(together.length, length === AHEAD_BYTES ? 1 : 2);
  }
});

test.serial('an end of stream that was fetched and not read is reported to the next reader', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  let looks = false;
  const seen: Got[] = [];
  const events = watch(pairs, (fd) => {
    if (looks) seen.push(readText(fd));
  });
  for (const [client] of pairs) client.end();
  await oneTurn();
  looks = true;
  await oneTurn();
  t.deepEqual(seen, ['', '', '', '']);
  for (const ev of events) eventDel(ev);
  for (const [, fd] of pairs) t.is(readText(fd), ''); // it is the kernel's to tell again
});

test.serial('a reset is reported once, in the turn in which it was fetched', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const seen: Got[][] = [];
  const events = watch(pairs, (fd) => {
    seen.push([readText(fd), readText(fd)]);
    for (const ev of events) eventDel(ev);
  });
  for (const [client] of pairs) client.reset();
  await oneTurn();
  t.deepEqual(seen, [[ECONNRESET, '']]);
  for (const [i, [, fd]] of pairs.entries()) t.deepEqual([readText(fd), readText(fd)], i === 0 ? ['', ''] : [ECONNRESET, '']);
});

test.serial('bytes that came before a reset are read before it', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const seen: Got[][] = [];
  const events = watch(pairs, (fd) => {
    seen.push(readAll(fd));
    if (seen.length > 4) eventDel(events[pairs.findIndex(([, each]) => each === fd)]);
  });
  for (const [client] of pairs) {
    client.send('hello');
    client.reset();
  }
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [...times(4, ['hello', EAGAIN]), ...times(4, [ECONNRESET])]);
});

test.serial('any other error is reported once, too, for its own descriptor', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const seen: Got[][] = [];
  watch(pairs, (fd) => seen.push(readAll(fd)));
  failOnce(sim, 'read', ENOMEM, pairs[2][1]);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(seen, [['hello', EAGAIN], ['hello', EAGAIN], [ENOMEM], ['hello', EAGAIN]]);
  await oneTurn();
  t.deepEqual(seen.slice(4), [['hello', EAGAIN]]);
});

test.serial('an error that was fetched and not read is reported to the next reader', async (t) => {
  const sim = start();
  const pairs = await left(sim, '');
  failOnce(sim, 'read', ENOMEM, pairs[2][1]);
  const events = watch(pairs, () => {});
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  for (const ev of events) eventDel(ev);
  const seen: Got[][] = [];
  watch([pairs[2]], (fd) => seen.push(readAll(fd)));
  await oneTurn();
  await oneTurn();
  t.deepEqual(seen, [[ENOMEM], ['hello', EAGAIN]]);
});

// Data that the program does not read in its turn

test.serial('left: the read event fires again in the next turn, which does not wait', async (t) => {
  const sim = start({ autoAdvance: true });
  const pairs = await warm(sim);
  const kernel = new Kernel(sim);
  const seen: Got[] = [];
  let called = 0;
  const events = watch(pairs, (fd, which) => {
    t.is(which, EV_READ);
    if (++called > 8) seen.push(...readAll(fd));
  });
  for (const [client] of pairs) client.send('hello');
  for (let turns = 1; turns <= 3; turns++) {
    t.is(await eventLoop(EVLOOP_ONCE), 0);
    t.is(called, 4 * turns);
  }
  // The next wait would report what came meanwhile, so the kernel was asked.
  t.deepEqual(seen, times(4, ['hello', EAGAIN]).flat());
  t.deepEqual(kernel.calls(), [
    ...pairs.map(([, fd]) => `read ${fd}: 5 of ${AHEAD_BYTES}`), ...pairs.map(([, fd]) => `read ${fd}: EAGAIN of 4096`),
  ]);
  t.is(sim.elapsed, 0);
  for (const ev of events) eventDel(ev);
  t.is(await eventDispatch(), 1);
});

test.serial('left: each of several descriptors keeps its own bytes', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  watch(pairs, () => {});
  for (const [i, [client]] of pairs.entries()) client.send('hello'.slice(i));
  await oneTurn();
  t.deepEqual(pairs.map(([, fd]) => readText(fd)), ['hello', 'ello', 'llo', 'lo']);
});

test.serial('left: the read event fires even if a write event of the descriptor is deleted', async (t) => {
  const sim = start();
  const [[, fd]] = await left(sim);
  const seen: Got[] = [];
  const writer = newEvent(fd, EV_WRITE, () => t.fail());
  eventAdd(newEvent(fd, EV_READ, () => seen.push(readText(fd))), null);
  eventAdd(writer, null);
  eventDel(writer);
  await oneTurn();
  t.deepEqual(seen, ['hello']);
});

test.serial('left: an event that could not be added does not fire', async (t) => {
  const sim = start();
  const [[, fd]] = await left(sim);
  failOnce(sim, 'epoll_ctl', ENOMEM);
  fails(t, eventAdd(newEvent(fd, EV_READ, () => t.fail()), null), ENOMEM);
  await oneTurn();
  t.is(readText(fd), 'hello');
});

test.serial('left: an event without EV_PERSIST fires once each time that it is added', async (t) => {
  const sim = start({ autoAdvance: true });
  const pairs = await left(sim);
  const [, fd] = pairs[0];
  let called = 0;
  const ev = newEvent(fd, EV_READ, () => called++);
  for (let times = 1; times <= 3; times++) {
    eventAdd(ev, null);
    t.is(await eventDispatch(), 1);
    t.is(called, times);
  }
  t.is(sim.elapsed, 0);
  t.is(readText(fd), 'hello');
  eventAdd(ev, null);
  t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
  t.is(called, 3);
});

test.serial('left: an event for both directions fires with both, with or without EV_PERSIST', async (t) => {
  for (const flags of [EV_READ | EV_WRITE, EV_READ | EV_WRITE | EV_PERSIST]) {
    const sim = start();
    const pairs = await left(sim);
    const seen: number[] = [];
    const ev = newEvent(pairs[0][1], flags, (_fd, which) => {
      seen.push(which);
      if (seen.length === 3) t.is(readText(pairs[0][1]), 'hello');
    });
    for (let i = 0; i < 4; i++) {
      eventAdd(ev, null);
      await oneTurn();
    }
    t.deepEqual(seen, [EV_READ | EV_WRITE, EV_READ | EV_WRITE, EV_READ | EV_WRITE, EV_WRITE]);
  }
});

test.serial('left: a write event does not fire for it', async (t) => {
  const sim = start();
  const [[, fd]] = await left(sim);
  const seen: number[] = [];
  eventAdd(newEvent(fd, EV_WRITE | EV_PERSIST, (_fd, which) => seen.push(which)), null);
  await oneTurn();
  t.deepEqual(seen, [EV_WRITE]);
});

test.serial('left: the rest of bytes read in part comes in the next turn, before newer ones', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const seen = new Map<number, Got[]>(pairs.map(([, fd]) => [fd, []]));
  watch(pairs, (fd) => seen.get(fd)?.push(readText(fd, 4)));
  for (const [client] of pairs) client.send('abcdefghij');
  await oneTurn();
  for (const [client] of pairs) client.send('klmn');
  for (let turns = 0; turns < 5; turns++) await oneTurn();
  for (const got of seen.values()) t.deepEqual(got, ['abcd', 'efgh', 'ij', 'klmn']);
});

test.serial('left: one turn can read the bytes left and those that came since', async (t) => {
  for (const length of [1, 3, 5, 100]) {
    const sim = start();
    const pairs = await left(sim);
    for (const [client] of pairs) client.send(' world');
    let text = '';
    const ev = newEvent(pairs[1][1], EV_READ | EV_PERSIST, (fd) => text += readAll(fd, length).slice(0, -1).join(''));
    eventAdd(ev, null);
    await oneTurn();
    t.is(text, 'hello world');
  }
});

test.serial('left: nothing more is fetched for the descriptor meanwhile', async (t) => {
  const sim = start();
  const pairs = await left(sim, distinct(1000));
  const together = batches(sim);
  const kernel = new Kernel(sim);
  const events = watch(pairs, () => {});
  for (let turns = 0; turns < 3; turns++) await oneTurn();
  t.deepEqual(together, []);
  t.deepEqual(kernel.calls(), []);
  for (const ev of events) eventDel(ev);
  for (const [, fd] of pairs) t.is(readAll(fd).slice(0, -1).join(''), distinct(1000));
});

test.serial('left: the bytes do not change while others are fetched', async (t) => {
  const sim = start();
  const pairs = await left(sim, 'abcdefghij');
  const others = await warm(sim, 6);
  const together = batches(sim);
  watch(others, drain);
  for (let round = 0; round < 3; round++) {
    for (const [client] of others) client.send('other bytes');
    await oneTurn();
    for (const [, fd] of pairs) t.is(readText(fd, 2), 'abcdefghij'.slice(2 * round, 2 * round + 2));
  }
  t.is(together.length, 3);
});

test.serial('left: without a read event nothing fires, and the loop waits', async (t) => {
  const sim = start({ autoAdvance: true });
  const pairs = await left(sim);
  const together = batches(sim);
  timer(10, () => t.is(sim.elapsed, 10));
  t.is(await eventDispatch(), 1);
  t.is(sim.elapsed, 10);
  t.deepEqual(together, []);
  for (const [, fd] of pairs) t.is(readText(fd), 'hello');
});

test.serial('left: the bytes can be read outside of the loop, and by any callback of a later turn', async (t) => {
  const sim = start();
  const pairs = await left(sim);
  t.is(readText(pairs[0][1], 3), 'hel');
  t.deepEqual(readAll(pairs[1][1]), ['hello', EAGAIN]);
  await turn(() => {
    t.deepEqual(readAll(pairs[0][1]), ['lo', EAGAIN]);
    t.deepEqual(readAll(pairs[2][1]), ['hello', EAGAIN]);
    t.deepEqual(readAll(pairs[1][1]), [EAGAIN]);
  });
  t.deepEqual(readAll(pairs[3][1]), ['hello', EAGAIN]);
});

test.serial('left: a read event that is added later fires in the next turn, even if another loop has run meanwhile', async (t) => {
  const sim = start({ autoAdvance: true });
  const pairs = await left(sim);
  timer(1, () => {});
  await eventDispatch();
  const seen: Got[][] = [];
  const events = watch(pairs, (fd) => {
    seen.push(readAll(fd));
    eventDel(events[pairs.findIndex(([, each]) => each === fd)]);
  });
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, times(4, ['hello', EAGAIN]));
  t.is(sim.elapsed, 1);
});

for (const [name, flags] of [['EVLOOP_ONCE', EVLOOP_ONCE], ['EVLOOP_NONBLOCK', EVLOOP_NONBLOCK]] as const) {
  test.serial(`left: a loop with ${name} fires the read event, and ends`, async (t) => {
    const sim = start();
    const pairs = await left(sim);
    const seen: Got[][] = [];
    watch(pairs, (fd) => seen.push(readAll(fd)));
    t.is(await eventLoop(flags), 0);
    t.deepEqual(seen, times(4, ['hello', EAGAIN]));
  });
}

test.serial('left: an event that another callback deletes does not fire, and its descriptor keeps its bytes', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const called: number[] = [];
  const events = watch(pairs, (fd) => {
    called.push(fd);
    t.deepEqual(readAll(fd), ['hello', EAGAIN]);
    for (const ev of events) eventDel(ev);
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  await oneTurn();
  t.deepEqual(called, [pairs[0][1]]);
  for (const [, fd] of pairs.slice(1)) t.is(readText(fd), 'hello');
});

test.serial('left: an event that times out fires with EV_TIMEOUT, and its descriptor keeps its bytes', async (t) => {
  const sim = start({ autoAdvance: true });
  const pairs = await warm(sim);
  const seen: number[] = [];
  for (const [client, fd] of pairs) {
    eventAdd(newEvent(fd, EV_READ | EV_PERSIST, (_fd, which) => seen.push(which)), { tvSec: 1, tvUsec: 0 });
    sim.at(1, () => client.send('hello'));
  }
  sim.at(1, () => sim.setClock(sim.now + 1)); // so that not even a microsecond lies between the two
  const together = batches(sim);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, times(4, EV_TIMEOUT));
  t.is(together.length, 1);
  for (const [, fd] of pairs) t.is(readText(fd), 'hello');
});

test.serial('left: bytes that a callback did not read before it threw are there when the loop runs again', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  let throws = true;
  const seen: Got[][] = [];
  watch(pairs, (fd) => {
    t.is(readText(fd, 3), throws ? 'hel' : fd === pairs[0][1] ? 'lo' : 'hel');
    if (throws) throw new Error('a bug');
    seen.push(readAll(fd));
  });
  for (const [client] of pairs) client.send('hello');
  await t.throwsAsync(oneTurn(), { message: 'a bug' });
  throws = false;
  await oneTurn();
  t.deepEqual(seen, [...times(3, ['lo', EAGAIN]), [EAGAIN]]);
});

for (const [name, flags] of [['once', EVLOOP_ONCE], ['without waiting', EVLOOP_ONCE | EVLOOP_NONBLOCK]] as const) {
  test.serial(`left: a loop within a callback, ${name}, goes on with the fetched bytes, and so does the callback`, async (t) => {
    const sim = start();
    const pairs = await warm(sim);
    const heard = new Map<number, string>(pairs.map(([, fd]) => [fd, '']));
    const order: number[] = [];
    let nested = false;
    watch(pairs, (fd) => {
      order.push(fd);
      const hear = (length: number): void => {
        const got = readText(fd, length);
        if (typeof got === 'string') heard.set(fd, `${heard.get(fd) ?? ''}${got}`);
      };
      hear(2);
      if (!nested) {
        nested = true;
        for (const [client] of pairs) client.send(' world');
        void eventLoop(flags);
        order.push(0);
      }
      for (let i = 0; i < 5; i++) hear(3);
    });
    for (const [client] of pairs) client.send('hello');
    await oneTurn();
    const fds = pairs.map(([, fd]) => fd);
    t.deepEqual(order, [fds[0], ...fds.slice(1), fds[0], 0]);
    for (const text of heard.values()) t.is(text, 'hello world');
  });
}

test.serial('left: event_init forgets the bytes', async (t) => {
  const first = start();
  const pairs = await left(first);
  const second = start();
  const again = accepted(second, 4);
  t.deepEqual(list(again), list(pairs));
  for (const [, fd] of again) t.is(readText(fd), EAGAIN);
});

// Descriptors that are closed

test.serial('close: drops the fetched bytes; a new descriptor with the same number gets its own', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const listener = listening();
  const events = watch(pairs, (fd) => {
    if (fd !== pairs[0][1]) {
      t.is(readText(fd), 'hello');
      return;
    }
    eventDel(events[1]);
    close(pairs[1][1]);
    const fresh = sim.connect(PORT);
    t.is(accept(listener, null), pairs[1][1]);
    t.deepEqual(readAll(pairs[1][1]), [EAGAIN]);
    fresh.send('fresh');
    t.deepEqual(readAll(pairs[1][1]), ['fresh', EAGAIN]);
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  await oneTurn();
  t.deepEqual(readAll(pairs[1][1]), [EAGAIN]);
});

test.serial('close: drops the bytes left, and nothing fires for them', async (t) => {
  for (const text of ['hello', '']) {
    const sim = start();
    const pairs = await left(sim, 'hello');
    if (text === '') {
      for (const [client, fd] of pairs) {
        readAll(fd);
        client.end();
      }
      const events = watch(pairs, () => {});
      await oneTurn();
      for (const ev of events) eventDel(ev);
    }
    for (const [, fd] of pairs) close(fd);
    const again = accepted(sim, 4);
    t.deepEqual(list(again), list(pairs));
    watch(again, () => t.fail());
    t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
    for (const [, fd] of again) t.deepEqual(readAll(fd), [EAGAIN]);
  }
});

test.serial('close: a new descriptor with the same number is fetched from only after a short read of its own', async (t) => {
  const sim = start();
  for (const [, fd] of await warm(sim)) close(fd);
  const pairs = accepted(sim, 4);
  const together = batches(sim);
  watch(pairs, (fd) => t.deepEqual(readAll(fd), ['hello', EAGAIN]));
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(together, []);
});

test.serial('close: an event that was not deleted does not fire for a new descriptor with the same number', async (t) => {
  const sim = start();
  const old = accepted(sim, 4);
  const stale = watch(old, () => t.fail());
  for (const [, fd] of old) close(fd);
  const pairs = await warm(sim);
  t.deepEqual(list(pairs), list(old));
  for (const [client, fd] of pairs) {
    client.send('hello');
    eventActive(newEvent(fd, EV_READ, () => {}), EV_READ, 1);
  }
  const together = batches(sim);
  await oneTurn();
  t.is(together.length, 1);
  t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
  for (const ev of stale) eventDel(ev);
  for (const [, fd] of pairs) t.is(readText(fd), 'hello');
});

test.serial('shutdown: after SHUT_RD the fetched bytes can be read, then the end', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  watch(pairs, (fd) => {
    shutdown(fd, SHUT_RD);
    t.is(readText(fd, 2), 'he');
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  for (const [, fd] of pairs) t.deepEqual(readAll(fd), ['llo', '']);
});
