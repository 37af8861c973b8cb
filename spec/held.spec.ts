// What the economy's cork holds because the kernel does not take it, on the simulated backend, where a test decides
// what the kernel takes.
import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { EAGAIN, EBADF, ECONNRESET, EINTR, ENOMEM, EPERM, EPIPE } from '../reactor/errno.h';
import { CORK_BYTES, LARGE_WRITE_BYTES } from '../reactor/economy/cork';
import { EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_WRITE } from '../reactor/event.h';
import { eventActive, eventAdd, eventDel, eventDispatch, eventLoop } from '../reactor/event';
import type { SimClient, Simulation } from '../reactor/sim';
import { EPOLL_CTL_ADD } from '../reactor/sim/pollset';
import { AF_INET, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_STREAM } from '../reactor/socket.h';
import { close, shutdown, socket } from '../reactor/syscalls';
import { fails, readText, writeText } from './support/calls';
import { Kernel, accepted, failOnce, newEvent, start, stopAll, timer, turn } from './support/simulated';

test.beforeEach(() => eventEconomy(true));

test.afterEach.always(stopAll);

const TEN = { sendBuffer: 10 };
const HELD = 'ten bytes, and the rest is held';

/** A client that does not read, and the descriptor to which the program wrote all of HELD in one turn. */
async function stuck(sim: Simulation): Promise<[SimClient, number]> {
  const [pair] = accepted(sim);
  pair[0].pauseReading();
  await turn(() => writeText(pair[1], HELD));
  return pair;
}

test.serial("the Event that waited for one descriptor's held bytes serves again", async (t) => {
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

test.serial('bytes that the kernel does not take are sent when the descriptor becomes writable, piece by piece', async (t) => {
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
  test.serial(`a whole write is held when the kernel gives ${name}`, async (t) => {
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

test.serial('while bytes are held, a write gives EAGAIN and takes nothing, in a turn and outside of it', async (t) => {
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

test.serial('a write first sends the held bytes, and gives EAGAIN if some are left', async (t) => {
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

test.serial('other descriptors can be written to meanwhile', async (t) => {
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

test.serial('the loop runs until held bytes are sent, then ends', async (t) => {
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

test.serial('bytes still held when a loop with EVLOOP_NONBLOCK ends are sent by the next loop', async (t) => {
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
    test.serial(`place: the program's write event, ${name}, added ${order} bytes are held, is called in place of ours`, async (t) => {
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

  test.serial(`place: when the program's write event, ${name}, goes without a write, ours takes over`, async (t) => {
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

test.serial('place: a write event deleted before bytes are held is not in our way', async (t) => {
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

test.serial("place: when the program's write event times out, ours takes over", async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  eventAdd(newEvent(fd, EV_WRITE | EV_PERSIST, () => {}), { tvSec: 1, tvUsec: 0 });
  const ended = eventDispatch();
  await sim.advance(2);
  client.resumeReading();
  t.is(await ended, 1);
  t.is(client.take().toString(), HELD);
});

test.serial('place: an event for both directions counts as a write event; a read event is not disturbed', async (t) => {
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

test.serial("place: the program's write event stays when its read event is deleted", async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  let called = 0;
  eventAdd(newEvent(fd, EV_WRITE, () => called++), null);
  const reader = newEvent(fd, EV_READ, () => t.fail());
  eventAdd(reader, null);
  eventDel(reader);
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(called, 1);
  t.is(client.take().toString(), HELD);
});

test.serial("place: when the program's write event cannot be added, event_add gives -1 and its errno, and ours goes on", async (t) => {
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

test.serial('shutdown: SHUT_WR is done when all is sent; reads work as before until then', async (t) => {
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

test.serial('shutdown: SHUT_RD is done at once', async (t) => {
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

test.serial('shutdown: SHUT_RDWR ends reading at once, and writing when all is sent', async (t) => {
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

test.serial('shutdown: a write after it gives EPIPE, even while bytes are held', async (t) => {
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

test.serial('close: held bytes are sent first, and the loop runs until then', async (t) => {
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

test.serial('close: held bytes are sent first after a shutdown, too', async (t) => {
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

test.serial('close: every later write or close gives EBADF, as after any close', async (t) => {
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

test.serial('close: the number is not reused before all is sent', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  close(fd);
  const other = socket(AF_INET, SOCK_STREAM, 0);
  t.not(other, fd);
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(socket(AF_INET, SOCK_STREAM, 0), fd);
});

test.serial('close: after 60 seconds in which the peer takes nothing, held bytes are dropped', async (t) => {
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

test.serial('close: if the process was stopped for longer, one more write is tried before held bytes are dropped', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  const [resting, other] = await stuck(sim);
  close(fd);
  close(other);
  await turn(() => {
    client.resumeReading();
    client.pauseReading();
    sim.suspend(3600);
  });
  t.deepEqual(sim.openFds(), [fd]);
  client.resumeReading();
  t.is(await eventDispatch(), 1);
  t.is(client.take().toString(), HELD);
  resting.resumeReading();
  t.is(resting.take().toString(), HELD.slice(0, 10));
});

test.serial('close: the 60 seconds do not run for a descriptor that is still open', async (t) => {
  const sim = start(TEN);
  const [client, fd] = await stuck(sim);
  const [, other] = await stuck(sim);
  const ended = eventDispatch();
  close(other);
  client.resumeReading();
  client.pauseReading();
  sim.interrupt();
  await sim.advance(100);
  t.deepEqual(sim.openFds(), [fd]);
  client.resumeReading();
  t.is(await ended, 1);
  t.is(client.take().toString(), HELD);
});

for (const [name, seconds] of [['forward', 86_400], ['back', -86_400]] as const) {
  test.serial(`close: setting the wall clock ${name} does not change the 60 seconds`, async (t) => {
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

test.serial("close: the program's timers come on time, before the 60 seconds and after them", async (t) => {
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

test.serial('close: a peer that takes a little now and then gets all bytes', async (t) => {
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

test.serial('close: held bytes are sent even if the program did not delete its write event, or deletes it afterwards', async (t) => {
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

test.serial("close: a new descriptor with the same number works, even if the old one's event was not deleted", async (t) => {
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
  test.serial(`failure: ${name} is reported by the next write, once; later writes give EPIPE`, async (t) => {
    const sim = start();
    const [[, fd]] = accepted(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => t.is(writeText(fd, 'hello'), 5));
    await turn(() => t.is(writeText(fd, 'hello'), -errnum));
    t.is(writeText(fd, 'hello'), -EPIPE);
  });

  test.serial(`failure: ${name} for a full cork is reported by the next write of the turn`, async (t) => {
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

  test.serial(`failure: ${name} for bytes corked before a large write is reported by the large write`, async (t) => {
    const sim = start();
    const [[, fd]] = accepted(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => {
      writeText(fd, 'a');
      t.is(writeText(fd, 'a'.repeat(LARGE_WRITE_BYTES)), -errnum);
    });
  });

  test.serial(`failure: after ${name} a program that only reads sees the end of the stream`, async (t) => {
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

  test.serial(`failure: ${name} for held bytes is reported by the write that tried to send them`, async (t) => {
    const sim = start(TEN);
    const [, fd] = await stuck(sim);
    failOnce(sim, 'write', errnum);
    await turn(() => t.is(writeText(fd, 'hello'), -errnum));
    await turn(() => t.is(writeText(fd, 'hello'), 5));
    await turn(() => t.is(writeText(fd, 'hello'), -EPIPE));
  });

  test.serial(`failure: ${name} for held bytes, without a write, ends the stream and is reported by the next write`, async (t) => {
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

  test.serial(`failure: ${name} after a close is not reported to a new descriptor with the same number`, async (t) => {
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

test.serial('failure: close forgets an error that was not reported', async (t) => {
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

test.serial('failure: an error on a descriptor that is not open is not reported to the next one with that number', async (t) => {
  const sim = start();
  const [[, fd]] = accepted(sim);
  close(fd);
  await turn(() => writeText(fd, 'hello'));
  const [[client, again]] = accepted(sim);
  t.is(again, fd);
  await turn(() => t.is(writeText(again, 'hello'), 5));
  t.is(client.take().toString(), 'hello');
});

test.serial("failure: one descriptor's error is not reported to another, and does not change errno of a call that succeeds", async (t) => {
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

test.serial('failure: if the backend cannot wait for the descriptor, held bytes are dropped, and the next write reports it', async (t) => {
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

test.serial('failure: the same when the program deletes its write event; event_del returns what it would have', async (t) => {
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
