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

test.serial('what four descriptors have to read is fetched in one call, before any of them is told', async (t) => {
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

test.serial('fewer than four are left alone', async (t) => {
  const sim = start();
  const pairs = await warm(sim, AHEAD_MIN - 1);
  const kernel = new Kernel(sim);
  watch(pairs, drain);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(kernel.calls(), pairs.map(([, fd]) => `read ${fd}: 5 of 4096`));
});

test.serial('those that are left alone are fetched when they are more', async (t) => {
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

test.serial('a descriptor from which nothing was read yet is the program\'s to read', async (t) => {
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

test.serial('so is one from which the last read was no short one', async (t) => {
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

test.serial('a socket that connected is a stream; what the layer did not see opened is left alone', async (t) => {
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

test.serial('only where a callback is about to be called for reading', async (t) => {
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

test.serial('two events of one descriptor count once', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  const together = batches(sim);
  watch(pairs, drain);
  for (const [, fd] of pairs) eventActive(newEvent(fd, EV_READ, drain), EV_READ, 1);
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(together, [`recv ${list(pairs)}`]);
});

test.serial('descriptors of any number, as many as a call takes; the rest is read by the program', async (t) => {
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

test.serial('where the backend has no such calls, all is read by the program', async (t) => {
  const sim = start({}, (each) => Object.defineProperty(each.syscalls, 'batch', { value: null }));
  const pairs = await warm(sim, 10);
  const kernel = new Kernel(sim);
  await answered(t, pairs);
  t.deepEqual(kernel.calls().slice(0, 2), [`read ${pairs[0][1]}: 5 of 4096`, `read ${pairs[1][1]}: 5 of 4096`]);
});

// What reads give of it

test.serial('reads smaller than what was fetched get it piece by piece, in order, then EAGAIN', async (t) => {
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

test.serial('bytes come to where they are asked for, and nowhere else', async (t) => {
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

test.serial('after a fetch of all it can take the kernel is asked for more, in the same turn', async (t) => {
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

test.serial('and then nothing is fetched until a read is a short one again', async (t) => {
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

test.serial('a callback gets what was fetched of another descriptor, which is called for nothing then', async (t) => {
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

test.serial('a read of no bytes takes none', async (t) => {
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

test.serial('nor is a read of no bytes told of an error', async (t) => {
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

test.serial('a read to outside of the buffer is refused as by the kernel, and loses nothing', async (t) => {
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

test.serial('a read of what is no descriptor is refused as by the kernel', async (t) => {
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

test.serial('EAGAIN and EINTR that were fetched are as if nothing had been', async (t) => {
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

test.serial('the end of the stream is told after the last bytes, in a turn of its own', async (t) => {
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

test.serial('the end of the stream that nobody read is told later, and to who waits to read', async (t) => {
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

test.serial('what is to be told of a reset is told once, in the turn in which it was fetched', async (t) => {
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

test.serial('bytes that came before a reset are told before it', async (t) => {
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

test.serial('any other error is told once too, to the one whose it is', async (t) => {
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

test.serial('an error that nobody read is told later, and to who waits to read', async (t) => {
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

test.serial('left: who waits to read is called again in the next turn, which does not wait', async (t) => {
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

test.serial('left: of several descriptors each has its own', async (t) => {
  const sim = start();
  const pairs = await warm(sim);
  watch(pairs, () => {});
  for (const [i, [client]] of pairs.entries()) client.send('hello'.slice(i));
  await oneTurn();
  t.deepEqual(pairs.map(([, fd]) => readText(fd)), ['hello', 'ello', 'llo', 'lo']);
});

test.serial('left: who waits to read is called though an event for writing is deleted', async (t) => {
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

test.serial('left: an event that could not be added is not called', async (t) => {
  const sim = start();
  const [[, fd]] = await left(sim);
  failOnce(sim, 'epoll_ctl', ENOMEM);
  fails(t, eventAdd(newEvent(fd, EV_READ, () => t.fail()), null), ENOMEM);
  await oneTurn();
  t.is(readText(fd), 'hello');
});

test.serial('left: an event that does not persist is called once for it, each time that it is added', async (t) => {
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

test.serial('left: an event for both directions is told of both, whether it persists or not', async (t) => {
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

test.serial('left: an event for writing is told of it no more than of any other', async (t) => {
  const sim = start();
  const [[, fd]] = await left(sim);
  const seen: number[] = [];
  eventAdd(newEvent(fd, EV_WRITE | EV_PERSIST, (_fd, which) => seen.push(which)), null);
  await oneTurn();
  t.deepEqual(seen, [EV_WRITE]);
});

test.serial('left: of what was read in part, the rest comes in the next turn, before what came meanwhile', async (t) => {
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

test.serial('left: in one turn all that there is can be read, of before and of now', async (t) => {
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

test.serial('left: it is fetched no further meanwhile', async (t) => {
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

test.serial('left: it stays as it was while others are fetched', async (t) => {
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

test.serial('left: where nobody waits to read, nobody is called for it, and the loop waits', async (t) => {
  const sim = start({ autoAdvance: true });
  const pairs = await left(sim);
  const together = batches(sim);
  timer(10, () => t.is(sim.elapsed, 10));
  t.is(await eventDispatch(), 1);
  t.is(sim.elapsed, 10);
  t.deepEqual(together, []);
  for (const [, fd] of pairs) t.is(readText(fd), 'hello');
});

test.serial('left: it can be read outside of the loop, and in a later turn by any callback', async (t) => {
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

test.serial('left: who is added later is called in the next turn, though another loop has run meanwhile', async (t) => {
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
  test.serial(`left: a loop with ${name} calls who waits for it, and ends`, async (t) => {
    const sim = start();
    const pairs = await left(sim);
    const seen: Got[][] = [];
    watch(pairs, (fd) => seen.push(readAll(fd)));
    t.is(await eventLoop(flags), 0);
    t.deepEqual(seen, times(4, ['hello', EAGAIN]));
  });
}

test.serial('left: an event that another callback deletes is not called, and its descriptor keeps its bytes', async (t) => {
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

test.serial('left: an event whose timeout comes is told of that, and its descriptor keeps its bytes', async (t) => {
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

test.serial('left: what a callback did not read before it threw is there when the loop runs again', async (t) => {
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
  test.serial(`left: a loop within a callback, ${name}, goes on with what was fetched, and so does the callback`, async (t) => {
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

test.serial('left: event_init forgets it', async (t) => {
  const first = start();
  const pairs = await left(first);
  const second = start();
  const again = accepted(second, 4);
  t.deepEqual(list(again), list(pairs));
  for (const [, fd] of again) t.is(readText(fd), EAGAIN);
});

// Descriptors that are closed

test.serial('close: drops what was fetched, and who gets the number in the same turn gets his own', async (t) => {
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

test.serial('close: drops what was left, and nobody is called for it', async (t) => {
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

test.serial('close: a number that is used again is fetched from only after a short read of its own', async (t) => {
  const sim = start();
  for (const [, fd] of await warm(sim)) close(fd);
  const pairs = accepted(sim, 4);
  const together = batches(sim);
  watch(pairs, (fd) => t.deepEqual(readAll(fd), ['hello', EAGAIN]));
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  t.deepEqual(together, []);
});

test.serial('close: an event that was not deleted before is not called for who gets the number', async (t) => {
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

test.serial('shutdown: for reading leaves what was fetched to be read, and then the end', async (t) => {
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
