// The economy's hint, on the simulated backend: a read that has drained a descriptor answers the next ones.
import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EAGAIN, ECONNRESET } from '../reactor/errno.h';
import { EV_PERSIST, EV_READ } from '../reactor/event.h';
import { eventAdd, eventDel, eventDispatch } from '../reactor/event';
import { accept, close, read } from '../reactor/syscalls';
import { readText } from './support/calls';
import { Kernel, PORT, accepted, listening, newEvent, start, stopAll, timer, turn } from './support/simulated';

test.beforeEach(() => eventEconomy(true));

test.afterEach.always(stopAll);

test.serial('after a short read, the next read gives EAGAIN without a system call', async (t) => {
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

test.serial('after a full read, the next read goes to the kernel', async (t) => {
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

test.serial("one descriptor's short read says nothing about another", async (t) => {
  const sim = start();
  const [[one, fd], [two, other]] = accepted(sim, 2);
  one.send('hello');
  two.send('hallo');
  await turn(() => {
    t.is(readText(fd), 'hello');
    t.is(readText(other), 'hallo');
  });
});

test.serial('input that arrives after a short read is reported by the next wait, and read then', async (t) => {
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

test.serial('an end of stream that arrives after a short read is reported by the next wait', async (t) => {
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

test.serial('an end of stream behind a full read is held back to the next turn, too', async (t) => {
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

test.serial('a reset behind a full read is reported at once', async (t) => {
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

test.serial('the hint ends with its turn: in the next one a read goes to the kernel, whether or not the descriptor was reported', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  client.send('hello');
  await turn(() => t.is(readText(fd), 'hello'));
  client.send('world');
  await turn(() => t.is(readText(fd), 'world'));
});

test.serial('the hint holds only in callbacks of the loop', async (t) => {
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

test.serial('close forgets the hint: a new descriptor with the same number is read from the kernel', async (t) => {
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

test.serial('the hint holds for descriptors of any number', async (t) => {
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

test.serial('a read of 0 bytes goes to the kernel, and says nothing about the next read', async (t) => {
  const sim = start();
  const [[client, fd]] = accepted(sim);
  const kernel = new Kernel(sim);
  client.send('hello');
  await turn(() => {
    t.is(readText(fd, 4), 'hell');
    t.is(read(fd, Buffer.alloc(1), 0, 0), 0);
    t.is(readText(fd), 'o');
    t.is(read(fd, Buffer.alloc(1), 0, 0), 0);
  });
  t.is(kernel.calls().length, 4);
});
