// What libevent of June 2003 promises, rule by rule, on the simulated backend: there the test decides what is ready and
// what time it is. Callbacks, queues and timers are one for the whole process, so the tests run one after another.
import { constants } from 'node:os';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { eventEconomy } from '../reactor/backends';
import { Errx } from '../reactor/err';
import { EBADF, EINTR, ENOMEM, errno } from '../reactor/errno.h';
import {
  EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_SIGNAL, EV_TIMEOUT, EV_WRITE, Event,
} from '../reactor/event.h';
import type { EventCallback } from '../reactor/event.h';
import type { Timeval } from '../reactor/time';
import {
  eventActive, eventAdd, eventDel, eventDispatch, eventGotsig, eventInit, eventLoop, eventPending, eventSet, eventSigcb,
  evsel, setEventGotsig, setEventSigcb, setEventops, timeoutNext,
} from '../reactor/event';
import {
  eventInitialized, evtimerAdd, evtimerDel, evtimerInitialized, evtimerPending, evtimerSet, signalAdd, signalDel,
  signalInitialized, signalPending, signalSet, timeoutAdd, timeoutDel, timeoutInitialized, timeoutPending, timeoutSet,
} from '../reactor/evtimer';
import { installSimulation, Simulation } from '../reactor/sim';
import { SHUT_WR } from '../reactor/socket.h';
import { close, gettimeofday, read, shutdown, write } from '../reactor/syscalls';

const { SIGUSR2, SIGALRM } = constants.signals;

let running: Simulation | null = null;

test.afterEach.always(() => {
  running?.stop();
  running = null;
  installSimulation(null);
});

/** An event library without events. Its time passes when nothing is ready. */
function start(options: { autoAdvance?: boolean } = {}): Simulation {
  running = new Simulation({ seed: 1, autoAdvance: true, ...options });
  installSimulation(running);
  eventEconomy(false);
  eventInit();
  return running;
}

function newEvent(fd: number, events: number, callback: EventCallback): Event {
  const ev = new Event();
  eventSet(ev, fd, events, callback, null);
  return ev;
}

function newTimer(callback: EventCallback): Event {
  const ev = new Event();
  evtimerSet(ev, callback, null);
  return ev;
}

function seconds(s: number): Timeval {
  return { tvSec: Math.floor(s), tvUsec: Math.round((s % 1) * 1e6) };
}

function now(): Timeval {
  const tv = seconds(0);
  gettimeofday(tv);
  return tv;
}

function writeAll(fd: number, text: string): void {
  write(fd, Buffer.from(text), 0, text.length);
}

/** Up to 4096 bytes as text, or null for an error. */
function readText(fd: number): string | null {
  const buf = Buffer.alloc(4096);
  const n = read(fd, buf, 0, buf.length);
  return n === -1 ? null : buf.toString('latin1', 0, n);
}

/** Two connected descriptors, of which the second has `text` to read. */
function readablePair(sim: Simulation, text = 'x'): [number, number] {
  const pair = sim.socketpair();
  writeAll(pair[0], text);
  return pair;
}

/** What is written to stderr while `run` runs. */
function stderrOf(run: () => void): string {
  const original = process.stderr.write.bind(process.stderr);
  let text = '';
  process.stderr.write = (chunk: Uint8Array | string): boolean => {
    text += chunk.toString();
    return true;
  };
  try {
    run();
  } finally {
    process.stderr.write = original;
  }
  return text;
}

/** Runs with environment variables that are taken back. */
function withEnvironment(variables: string[], run: () => void): void {
  for (const name of variables) process.env[name] = '1';
  try {
    run();
  } finally {
    for (const name of variables) Reflect.deleteProperty(process.env, name);
  }
}

function throwsErrx(t: ExecutionContext, run: () => void, message: RegExp): void {
  t.is(t.throws(run, { instanceOf: Errx, message }).status, 1);
}

// Reading and writing

test.serial('read: a one-shot event fires for bytes, and, added again, for the end of the stream', async (t) => {
  const sim = start();
  const [a, b] = readablePair(sim, 'this is a test');
  shutdown(a, SHUT_WR);
  const seen: [number, number, string | null][] = [];
  const ev = newEvent(b, EV_READ, (fd, which) => {
    seen.push([fd, which, readText(fd)]);
    if (seen.length === 1) eventAdd(ev, null);
  });
  eventAdd(ev, null);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [[b, EV_READ, 'this is a test'], [b, EV_READ, '']]);
});

test.serial('write: an event fires while the send buffer has room', async (t) => {
  const sim = start();
  const [a, b] = sim.socketpair();
  const seen: number[] = [];
  eventAdd(newEvent(a, EV_WRITE, (fd, which) => {
    seen.push(which);
    writeAll(fd, 'this is a test');
  }), null);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [EV_WRITE]);
  t.is(readText(b), 'this is a test');
});

test.serial('callback: it gets the argument that was given to event_set', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  const arg = { some: 'thing' };
  const seen: unknown[] = [];
  const ev = new Event();
  eventSet(ev, b, EV_READ, (_fd, _which, given) => seen.push(given), arg);
  eventAdd(ev, null);
  await eventDispatch();
  t.deepEqual(seen, [arg]);
  t.is(seen[0], arg);
});

for (const persist of [0, EV_PERSIST]) {
  const how = persist ? 'events that stay' : 'events that are added again each time';
  test.serial(`read and write: 4096 bytes go through in pieces, with ${how}`, async (t) => {
    const sim = start();
    const [a, b] = sim.socketpair();
    const wbuf = Buffer.from([...Array(4096).keys()]);
    const rbuf = Buffer.alloc(4096);
    let woff = 0;
    let roff = 0;
    const writer = newEvent(a, EV_WRITE | persist, (fd) => {
      woff += write(fd, wbuf, woff, 128);
      if (woff >= wbuf.length) {
        shutdown(fd, SHUT_WR);
        if (persist) eventDel(writer);
      } else if (!persist) eventAdd(writer, null);
    });
    const reader = newEvent(b, EV_READ | persist, (fd) => {
      const n = read(fd, rbuf, roff, rbuf.length - roff);
      if (n > 0) roff += n;
      if (n > 0 && !persist) eventAdd(reader, null);
      if (n <= 0 && persist) eventDel(reader);
    });
    eventAdd(writer, null);
    eventAdd(reader, null);
    t.is(await eventDispatch(), 1);
    t.is(roff, 4096);
    t.deepEqual(rbuf, wbuf);
  });
}

test.serial('combined: a read event and a write event on one descriptor do not disturb each other', async (t) => {
  const sim = start();
  const pair = sim.socketpair();
  const toWrite = [4096, 8192];
  const got = [0, 0];
  const buf = Buffer.alloc(128);
  pair.forEach((fd, i) => {
    const reader = newEvent(fd, EV_READ, () => {
      const n = read(fd, buf, 0, buf.length);
      if (n <= 0) return;
      got[i] += n;
      eventAdd(reader, null);
    });
    const writer = newEvent(fd, EV_WRITE, () => {
      const n = write(fd, buf, 0, Math.min(buf.length, toWrite[i]));
      if (n <= 0) {
        shutdown(fd, SHUT_WR);
        return;
      }
      toWrite[i] -= n;
      eventAdd(writer, null);
    });
    eventAdd(reader, null);
    eventAdd(writer, null);
  });
  t.is(await eventDispatch(), 1);
  t.deepEqual(got, [8192, 4096]);
});

test.serial('combined: one event for both directions fires once, with both flags', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  const seen: number[] = [];
  eventAdd(newEvent(b, EV_READ | EV_WRITE, (_fd, which) => seen.push(which)), null);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [EV_READ | EV_WRITE]);
});

test.serial('combined: one event for both directions reports only what is true', async (t) => {
  const sim = start();
  const [a] = sim.socketpair();
  const seen: number[] = [];
  eventAdd(newEvent(a, EV_READ | EV_WRITE, (_fd, which) => seen.push(which)), null);
  await eventDispatch();
  t.deepEqual(seen, [EV_WRITE]);
});

test.serial('combined: deleting the read event leaves the write event of the same descriptor', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  const seen: string[] = [];
  const reader = newEvent(b, EV_READ, () => seen.push('read'));
  eventAdd(reader, null);
  eventAdd(newEvent(b, EV_WRITE, () => seen.push('write')), null);
  eventDel(reader);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['write']);
});

test.serial('persist: an event without EV_PERSIST fires once, however much is left to read', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  let calls = 0;
  eventAdd(newEvent(b, EV_READ, () => calls++), null);
  t.is(await eventDispatch(), 1);
  t.is(calls, 1);
});

test.serial('persist: an event with EV_PERSIST fires as long as there is something to read', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim, 'abc');
  const byte = Buffer.alloc(1);
  let seen = '';
  const ev = newEvent(b, EV_READ | EV_PERSIST, (fd) => {
    read(fd, byte, 0, 1);
    seen += byte.toString();
    if (seen.length === 3) eventDel(ev);
  });
  eventAdd(ev, null);
  t.is(await eventDispatch(), 1);
  t.is(seen, 'abc');
});

// event_add and event_del

test.serial('event_add: adding an added event again changes nothing', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  let calls = 0;
  const ev = newEvent(b, EV_READ, () => calls++);
  t.is(eventAdd(ev, null), 0);
  const before = sim.calls.length;
  t.is(eventAdd(ev, null), 0);
  t.is(sim.calls.length, before);
  t.is(await eventDispatch(), 1);
  t.is(calls, 1);
});

test.serial('event_add: adding an added event again with a timeout sets the timeout anew', async (t) => {
  const sim = start();
  const [a] = sim.socketpair();
  const seen: [number, number][] = [];
  const ev = newEvent(a, EV_READ, (_fd, which) => seen.push([which, sim.elapsed]));
  eventAdd(ev, seconds(1));
  const before = sim.calls.length;
  eventAdd(ev, seconds(3));
  t.is(sim.calls.length, before);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [[EV_TIMEOUT, 3]]);
});

test.serial('event_add: adding an event again without a timeout keeps its timeout', async (t) => {
  const sim = start();
  const [a] = sim.socketpair();
  const seen: number[] = [];
  const ev = newEvent(a, EV_READ, () => seen.push(sim.elapsed));
  eventAdd(ev, seconds(1));
  eventAdd(ev, null);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [1]);
});

test.serial('event_add: a timer without a timeout does not keep the loop running', async (t) => {
  start();
  t.is(evtimerAdd(newTimer(() => t.fail()), null), 0);
  t.is(await eventDispatch(), 1);
});

test.serial('event_add: a new timeout takes back one that is active but was not yet called', async (t) => {
  const sim = start();
  const seen: [string, number][] = [];
  const second = newTimer(() => seen.push(['second', sim.elapsed]));
  const first = newTimer(() => {
    seen.push(['first', sim.elapsed]);
    sim.setClock(sim.now + 1);
    evtimerAdd(second, seconds(3));
  });
  evtimerAdd(first, seconds(1));
  evtimerAdd(second, seconds(2));
  sim.setClock(sim.now + 2); // both are overdue, so both become active at once
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [['first', 0], ['second', 3]]);
});

test.serial('event_add: adding a timeout to an event that is active for reading leaves it active', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  const seen: [string, number][] = [];
  const second = newEvent(b, EV_READ, (_fd, which) => seen.push(['second', which]));
  const first = newEvent(readablePair(sim)[1], EV_READ, (_fd, which) => {
    seen.push(['first', which]);
    eventAdd(second, seconds(1));
  });
  eventAdd(first, null);
  eventAdd(second, null);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [['first', EV_READ], ['second', EV_READ], ['second', EV_TIMEOUT]]);
});

test.serial('event_add: with a descriptor that is not open it gives -1 and EBADF, yet the event counts as added', (t) => {
  start();
  const ev = newEvent(77, EV_READ, () => t.fail());
  t.is(eventAdd(ev, null), -1);
  t.is(errno, EBADF);
  t.is(eventPending(ev, EV_READ, null), EV_READ);
});

test.serial("event_add: when the backend fails, it gives -1 and the backend's errno", (t) => {
  const sim = start();
  const [a] = sim.socketpair();
  sim.onCall = ({ name }) => (name === 'epoll_ctl' ? { errno: ENOMEM } : undefined);
  t.is(eventAdd(newEvent(a, EV_READ, () => {}), null), -1);
  t.is(errno, ENOMEM);
});

test.serial('event_del: a deleted event fires neither for its descriptor nor for its timeout', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  const ev = newEvent(b, EV_READ, () => t.fail());
  eventAdd(ev, seconds(1));
  t.is(eventDel(ev), 0);
  t.is(await eventDispatch(), 1);
  t.is(sim.elapsed, 0);
});

test.serial('event_del: deleting an event that was not added is no error', (t) => {
  start();
  t.is(eventDel(newEvent(3, EV_READ, () => {})), 0);
});

test.serial('event_del: an active event that another callback deletes is not called', async (t) => {
  const sim = start();
  const seen: string[] = [];
  const second = newEvent(readablePair(sim)[1], EV_READ | EV_PERSIST, () => seen.push('second'));
  const first = newEvent(readablePair(sim)[1], EV_READ, () => {
    seen.push('first');
    t.is(eventPending(second, EV_READ, null), EV_READ);
    eventDel(second);
  });
  eventAdd(first, null);
  eventAdd(second, null);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['first']);
});

test.serial('event_del: an event that deletes itself in its callback is not called again', async (t) => {
  start();
  let calls = 0;
  const ev = newTimer(() => {
    calls++;
    if (calls === 2) eventDel(ev);
  });
  eventActive(ev, EV_READ, 5);
  t.is(await eventDispatch(), 1);
  t.is(calls, 2);
});

test.serial('event_del: after the descriptor is closed it gives -1 and EBADF', (t) => {
  const sim = start();
  const [a] = sim.socketpair();
  const ev = newEvent(a, EV_READ, () => {});
  eventAdd(ev, null);
  close(a);
  t.is(eventDel(ev), -1);
  t.is(errno, EBADF);
});

// event_active and the order of callbacks

test.serial('event_active: it calls an event that was not added, as often as asked', async (t) => {
  start();
  const seen: [number, number][] = [];
  eventActive(newEvent(9, 0, (fd, which) => seen.push([fd, which])), EV_WRITE, 3);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [[9, EV_WRITE], [9, EV_WRITE], [9, EV_WRITE]]);
});

test.serial('event_active: a loop inside of a callback does not change how often the callback is still called', async (t) => {
  start();
  const seen: string[] = [];
  const inner = newEvent(8, 0, () => seen.push('inner'));
  eventActive(newEvent(9, 0, () => {
    seen.push('outer');
    eventActive(inner, EV_READ, 2);
    void eventLoop(EVLOOP_NONBLOCK | EVLOOP_ONCE);
  }), EV_READ, 2);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['outer', 'inner', 'inner', 'outer', 'inner', 'inner']);
});

test.serial('event_active: on an active event it combines the results, and does not add calls', async (t) => {
  start();
  const seen: number[] = [];
  const ev = newTimer((_fd, which) => seen.push(which));
  eventActive(ev, EV_READ, 1);
  eventActive(ev, EV_WRITE, 4);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [EV_READ | EV_WRITE]);
});

test.serial('event_active: an event that a callback makes active is called in the same turn', async (t) => {
  const sim = start();
  const seen: string[] = [];
  const other = newTimer(() => seen.push('other'));
  const first = newTimer(() => {
    seen.push('first');
    eventActive(other, EV_READ, 1);
  });
  eventActive(first, EV_READ, 1);
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.deepEqual(seen, ['first', 'other']);
  t.is(sim.calls.filter(({ name }) => name === 'epoll_wait').length, 1);
});

test.serial('order: callbacks are called in the order in which their events became active', async (t) => {
  const sim = start();
  const seen: string[] = [];
  const pairs = ['a', 'b', 'c'].map((name) => {
    const pair = sim.socketpair();
    eventAdd(newEvent(pair[1], EV_READ, () => seen.push(name)), null);
    return pair;
  });
  eventActive(newTimer(() => seen.push('active before')), EV_TIMEOUT, 1);
  evtimerAdd(newTimer(() => seen.push('timer')), seconds(0));
  for (const i of [2, 0, 1]) writeAll(pairs[i][0], 'x');
  t.is(await eventDispatch(), 1);
  // Descriptors become active while the loop waits; timers after that.
  t.deepEqual(seen, ['active before', 'c', 'a', 'b', 'timer']);
});

test.serial('order: an event that a callback adds waits for the next turn', async (t) => {
  const sim = start();
  const seen: string[] = [];
  const second = newEvent(readablePair(sim)[1], EV_READ, () => seen.push('second'));
  eventAdd(newEvent(readablePair(sim)[1], EV_READ, () => {
    seen.push('first');
    eventAdd(second, null);
  }), null);
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.deepEqual(seen, ['first']);
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.deepEqual(seen, ['first', 'second']);
});

// Timers

test.serial('timeout: a timer fires when its time has passed, with EV_TIMEOUT and no descriptor', async (t) => {
  const sim = start();
  const seen: [number, number, number][] = [];
  evtimerAdd(newTimer((fd, which) => seen.push([fd, which, sim.elapsed])), { tvSec: 1, tvUsec: 250000 });
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [[-1, EV_TIMEOUT, 1.25]]);
});

test.serial('timeout: timers fire in the order of their times, whatever the order of adding', async (t) => {
  const sim = start();
  const seen: number[] = [];
  for (const s of [3, 1, 2.5, 0.5]) evtimerAdd(newTimer(() => seen.push(sim.elapsed)), seconds(s));
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [0.5, 1, 2.5, 3]);
});

test.serial('timeout: timers for the same instant are a microsecond apart, in the order of adding', async (t) => {
  const sim = start();
  const seen: string[] = [];
  const due = sim.now + 1;
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    const timer = newTimer(() => seen.push(name));
    evtimerAdd(timer, seconds(1));
    const tv = seconds(0);
    evtimerPending(timer, tv);
    t.deepEqual(tv, { tvSec: due, tvUsec: i });
  }
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['a', 'b', 'c']);
});

test.serial('timeout: the microsecond carries into the seconds', (t) => {
  const sim = start();
  sim.setClock(sim.now + 0.999999);
  const [first, second] = [newTimer(() => {}), newTimer(() => {})];
  evtimerAdd(first, seconds(0));
  evtimerAdd(second, seconds(0));
  const tv = seconds(0);
  evtimerPending(second, tv);
  t.deepEqual(tv, { tvSec: now().tvSec + 1, tvUsec: 0 });
});

test.serial('timeout: a read event that times out fires for the timeout, and is then no longer added', async (t) => {
  const sim = start();
  const [a, b] = sim.socketpair();
  const seen: number[] = [];
  eventAdd(newEvent(b, EV_READ, (_fd, which) => seen.push(which)), seconds(1));
  sim.at(2, () => {
    writeAll(a, 'too late');
  });
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [EV_TIMEOUT]);
  t.is(sim.elapsed, 1);
});

test.serial('timeout: a one-shot event that fires for reading loses its timeout', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  const seen: number[] = [];
  eventAdd(newEvent(b, EV_READ, (_fd, which) => seen.push(which)), seconds(1));
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [EV_READ]);
  t.is(sim.elapsed, 0);
});

test.serial('timeout: the timeout of a persistent event runs on while bytes come, and ends the event', async (t) => {
  const sim = start();
  const [a, b] = sim.socketpair();
  const seen: [number, number][] = [];
  eventAdd(newEvent(b, EV_READ | EV_PERSIST, (fd, which) => {
    seen.push([which, sim.elapsed]);
    readText(fd);
  }), seconds(1));
  for (const s of [0.25, 0.75, 1.5]) {
    sim.at(s, () => {
      writeAll(a, 'x');
    });
  }
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [[EV_READ, 0.25], [EV_READ, 0.75], [EV_TIMEOUT, 1]]);
});

test.serial('timeout: when bytes and the timeout come at the same instant, the timeout is reported', async (t) => {
  const sim = start();
  const [a, b] = sim.socketpair();
  const seen: number[] = [];
  eventAdd(newEvent(b, EV_READ | EV_PERSIST, (_fd, which) => seen.push(which)), seconds(1));
  sim.at(1, () => {
    writeAll(a, 'x');
  });
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [EV_TIMEOUT]);
});

test.serial('timeout: a timer that adds itself again goes on', async (t) => {
  const sim = start();
  const seen: number[] = [];
  const timer = newTimer(() => {
    seen.push(sim.elapsed);
    if (seen.length < 3) evtimerAdd(timer, seconds(2));
  });
  evtimerAdd(timer, seconds(2));
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [2, 4, 6]);
});

test.serial('clock: when it is set back while the loop waits, timers fire after the interval that was left', async (t) => {
  const sim = start({ autoAdvance: false });
  const [a, b] = sim.socketpair();
  const seen: number[] = [];
  evtimerAdd(newTimer(() => seen.push(sim.elapsed)), seconds(10));
  eventAdd(newEvent(b, EV_READ, (fd) => readText(fd)), null);
  const ended = eventDispatch();

  await sim.advance(4);
  sim.setClock(sim.now - 3600);
  writeAll(a, 'the loop looks at the clock');
  // The 4 seconds since its last look cannot be distinguished from a part of the step back.
  await sim.advance(9.999);
  t.deepEqual(seen, []);
  await sim.advance(0.001);
  t.deepEqual(seen, [14]);
  t.is(await ended, 1);
});

test.serial('clock: when it is set back between two turns, all timers move by the same step and keep their order', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim);
  const seen: [string, number][] = [];
  const timers = ['a', 'b'].map((name, i) => {
    const timer = newTimer(() => seen.push([name, sim.elapsed]));
    evtimerAdd(timer, seconds(10 + i));
    return timer;
  });
  const before = seconds(0);
  const after = seconds(0);
  evtimerPending(timers[0], before);
  eventAdd(newEvent(b, EV_READ, () => {
    sim.setClock(sim.now - 5000.5);
  }), null);
  await eventLoop(EVLOOP_ONCE);
  await eventLoop(EVLOOP_NONBLOCK);
  evtimerPending(timers[0], after);
  t.deepEqual(after, { tvSec: before.tvSec - 5001, tvUsec: before.tvUsec + 500000 });
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [['a', 10], ['b', 11]]);
});

test.serial('clock: when it is set forward, overdue timers fire at once', async (t) => {
  const sim = start();
  const seen: number[] = [];
  evtimerAdd(newTimer(() => seen.push(sim.elapsed)), seconds(10));
  sim.setClock(sim.now + 3600);
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [0]);
});

test.serial('timeout_next: it gives 5 seconds without timers', (t) => {
  start();
  const tv = seconds(0);
  t.is(timeoutNext(tv), 0);
  t.deepEqual(tv, { tvSec: 5, tvUsec: 0 });
});

test.serial('timeout_next: it gives the time until the first timer, or 0 if that is overdue', (t) => {
  const sim = start();
  evtimerAdd(newTimer(() => {}), { tvSec: 7, tvUsec: 300000 });
  evtimerAdd(newTimer(() => {}), { tvSec: 2, tvUsec: 300000 });
  sim.setClock(sim.now + 0.5);
  const tv = seconds(0);
  timeoutNext(tv);
  t.deepEqual(tv, { tvSec: 1, tvUsec: 800000 });
  sim.setClock(sim.now + 100);
  timeoutNext(tv);
  t.deepEqual(tv, { tvSec: 0, tvUsec: 0 });
});

test.serial('wait: without timers the backend waits for 5 seconds, again and again', async (t) => {
  const sim = start({ autoAdvance: false });
  const waits: number[] = [];
  sim.onCall = ({ name, args }) => {
    if (name === 'epoll_wait') waits.push(args[0]);
    return undefined;
  };
  eventAdd(newEvent(sim.socketpair()[0], EV_READ, () => t.fail()), null);
  void eventDispatch();
  await sim.advance(10);
  t.deepEqual(waits, [5000, 5000, 5000]);
});

// event_pending

test.serial('event_pending: it reports the pending flags among those asked for', (t) => {
  const sim = start();
  const [a] = sim.socketpair();
  const all = EV_READ | EV_WRITE | EV_TIMEOUT;
  const ev = newEvent(a, EV_READ | EV_WRITE, () => {});
  t.is(eventPending(ev, all, null), 0);
  eventAdd(ev, null);
  t.is(eventPending(ev, all, null), EV_READ | EV_WRITE);
  t.is(eventPending(ev, EV_WRITE, null), EV_WRITE);
  t.is(eventPending(ev, EV_TIMEOUT, null), 0);
  eventAdd(ev, seconds(1));
  t.is(eventPending(ev, all, null), all);
  eventDel(ev);
  t.is(eventPending(ev, all, null), 0);
});

test.serial('event_pending: it reports why an active event will be called', (t) => {
  start();
  const ev = newTimer(() => {});
  eventActive(ev, EV_READ, 1);
  t.is(eventPending(ev, EV_READ | EV_WRITE | EV_TIMEOUT, null), EV_READ);
});

test.serial('event_pending: it gives the time of the timeout only if asked for EV_TIMEOUT, and if there is one', (t) => {
  const sim = start();
  const ev = newEvent(sim.socketpair()[0], EV_READ, () => {});
  const tv = { tvSec: -1, tvUsec: -1 };
  eventAdd(ev, null);
  eventPending(ev, EV_READ | EV_TIMEOUT, tv);
  t.deepEqual(tv, { tvSec: -1, tvUsec: -1 });
  eventAdd(ev, seconds(90.5));
  eventPending(ev, EV_READ, tv);
  t.deepEqual(tv, { tvSec: -1, tvUsec: -1 });
  eventPending(ev, EV_TIMEOUT, tv);
  t.deepEqual(tv, { tvSec: now().tvSec + 90, tvUsec: 500000 });
});

test.serial('event_pending: it does not report signals, added or active', (t) => {
  start();
  const ev = new Event();
  signalSet(ev, SIGUSR2, () => {}, null);
  signalAdd(ev, null);
  t.is(signalPending(ev, null), 0);
  eventActive(ev, EV_SIGNAL, 1);
  t.is(signalPending(ev, null), 0);
  signalDel(ev);
});

test.serial('event_pending: an event in its own callback is neither pending nor active', async (t) => {
  const sim = start();
  const seen: number[] = [];
  const ev = newEvent(readablePair(sim)[1], EV_READ, () => seen.push(eventPending(ev, EV_READ | EV_TIMEOUT, null)));
  eventAdd(ev, seconds(1));
  await eventDispatch();
  t.deepEqual(seen, [0]);
});

test.serial('event_initialized: it is true from event_set on', (t) => {
  const ev = new Event();
  t.false(eventInitialized(ev));
  t.false(evtimerInitialized(ev));
  t.false(timeoutInitialized(ev));
  t.false(signalInitialized(ev));
  eventSet(ev, 3, EV_READ, () => {}, null);
  t.true(eventInitialized(ev));
  t.true(evtimerInitialized(ev));
  t.true(timeoutInitialized(ev));
  t.true(signalInitialized(ev));
});

test.serial('evtimer and timeout: both names do the same', async (t) => {
  const sim = start();
  const seen: string[] = [];
  const ev = new Event();
  timeoutSet(ev, (_fd, _which, arg) => seen.push(String(arg)), 'timeout');
  timeoutAdd(ev, seconds(1));
  t.is(timeoutPending(ev, null), EV_TIMEOUT);
  t.is(timeoutDel(ev), 0);
  t.is(timeoutPending(ev, null), 0);
  evtimerSet(ev, (_fd, _which, arg) => seen.push(String(arg)), 'evtimer');
  evtimerAdd(ev, seconds(1));
  evtimerDel(ev);
  evtimerAdd(ev, seconds(2));
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['evtimer']);
  t.is(sim.elapsed, 2);
});

// Signals

test.serial('signal: it fires its event, with its number in place of a descriptor, until the event is deleted', async (t) => {
  const sim = start();
  const seen: [number, number, number][] = [];
  const ev = new Event();
  signalSet(ev, SIGALRM, (sig, which) => {
    seen.push([sig, which, sim.elapsed]);
    if (seen.length === 2) signalDel(ev);
  }, null);
  signalAdd(ev, null);
  for (const s of [1, 2]) sim.at(s, () => sim.kill(SIGALRM));
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [[SIGALRM, EV_SIGNAL, 1], [SIGALRM, EV_SIGNAL, 2]]);
  t.false(sim.kill(SIGALRM));
});

test.serial('signal: a signal that came several times fires its event as often', async (t) => {
  const sim = start();
  let calls = 0;
  const ev = newEvent(SIGUSR2, EV_SIGNAL, () => calls++);
  eventAdd(ev, null);
  sim.at(1, () => {
    for (let i = 0; i < 3; i++) sim.kill(SIGUSR2);
  });
  t.is(await eventDispatch(), 1);
  t.is(calls, 3);
});

test.serial('signal: an event that deletes itself in its callback is not called for earlier signals', async (t) => {
  const sim = start();
  let calls = 0;
  const ev = new Event();
  signalSet(ev, SIGUSR2, () => {
    calls++;
    signalDel(ev);
  }, null);
  signalAdd(ev, null);
  sim.at(1, () => {
    for (let i = 0; i < 3; i++) sim.kill(SIGUSR2);
  });
  t.is(await eventDispatch(), 1);
  t.is(calls, 1);
});

test.serial('signal: deleting one of two events for a signal leaves the other', async (t) => {
  const sim = start();
  const seen: [string, number][] = [];
  const one = newEvent(SIGUSR2, EV_SIGNAL, () => seen.push(['one', sim.elapsed]));
  const other = newEvent(SIGUSR2, EV_SIGNAL | EV_PERSIST, () => {
    seen.push(['other', sim.elapsed]);
    if (sim.elapsed === 2) eventDel(other);
  });
  eventAdd(one, null);
  eventAdd(other, null);
  for (const s of [1, 2]) sim.at(s, () => sim.kill(SIGUSR2));
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, [['one', 1], ['other', 1], ['other', 2]]);
});

test.serial('signal: a signal from the system ends the wait', async (t) => {
  start({ autoAdvance: false });
  const ev = new Event();
  const seen: number[] = [];
  signalSet(ev, SIGUSR2, (sig) => {
    seen.push(sig);
    signalDel(ev);
  }, null);
  signalAdd(ev, null);
  const ended = eventDispatch();
  const hold = setInterval(() => {}, 1000); // a listener for a signal does not keep Node from ending
  process.kill(process.pid, 'SIGUSR2');
  t.is(await ended, 1);
  clearInterval(hold);
  t.deepEqual(seen, [SIGUSR2]);
});

test.serial('signal: descriptors that are ready at the same time are reported, too, after the signal', async (t) => {
  const sim = start();
  const [a, b] = sim.socketpair();
  const seen: string[] = [];
  eventAdd(newEvent(b, EV_READ, () => seen.push('read')), null);
  eventAdd(newEvent(SIGUSR2, EV_SIGNAL, () => seen.push('signal')), null);
  sim.at(1, () => {
    writeAll(a, 'x');
    sim.kill(SIGUSR2);
  });
  t.is(await eventDispatch(), 1);
  t.deepEqual(seen, ['signal', 'read']);
});

test.serial("signal: EV_SIGNAL cannot be combined with a descriptor's events", (t) => {
  const sim = start();
  const [a] = sim.socketpair();
  throwsErrx(t, () => eventAdd(newEvent(a, EV_SIGNAL | EV_WRITE, () => {}), null), /EV_SIGNAL incompatible use/);
});

// What event_loop returns

test.serial('event_loop: it gives 1 at once if no event is added', async (t) => {
  const sim = start({ autoAdvance: false });
  t.is(await eventLoop(0), 1);
  t.is(await eventLoop(EVLOOP_ONCE), 1);
  t.is(await eventLoop(EVLOOP_NONBLOCK), 1);
  t.is(sim.calls.length, 0);
});

test.serial('event_loop: EVLOOP_ONCE waits until an event is active, calls it, and returns 0', async (t) => {
  const sim = start();
  const seen: number[] = [];
  eventAdd(newEvent(sim.socketpair()[0], EV_READ, () => {}), null);
  for (const s of [12, 17]) evtimerAdd(newTimer(() => seen.push(sim.elapsed)), seconds(s));
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.deepEqual(seen, [12]);
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.deepEqual(seen, [12, 17]);
});

test.serial('event_loop: EVLOOP_ONCE goes on after a wait in which nothing became active', async (t) => {
  const sim = start();
  const [a, b] = sim.socketpair();
  const seen: number[] = [];
  eventAdd(newEvent(b, EV_READ, () => seen.push(sim.elapsed)), null);
  sim.at(11, () => {
    writeAll(a, 'x');
  });
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.deepEqual(seen, [11]);
});

test.serial('event_loop: EVLOOP_ONCE calls all active events, not only the first', async (t) => {
  const sim = start();
  let calls = 0;
  for (let i = 0; i < 3; i++) eventAdd(newEvent(readablePair(sim)[1], EV_READ | EV_PERSIST, () => calls++), null);
  t.is(await eventLoop(EVLOOP_ONCE), 0);
  t.is(calls, 3);
});

test.serial('event_loop: EVLOOP_NONBLOCK with nothing ready returns 0, and no time passes', async (t) => {
  const sim = start();
  eventAdd(newEvent(sim.socketpair()[0], EV_READ, () => t.fail()), null);
  evtimerAdd(newTimer(() => t.fail()), seconds(1));
  t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
  t.is(sim.elapsed, 0);
});

test.serial('event_loop: EVLOOP_NONBLOCK goes on until a turn finds nothing active', async (t) => {
  const sim = start();
  const [, b] = readablePair(sim, 'ab');
  const byte = Buffer.alloc(1);
  let seen = '';
  eventAdd(newEvent(b, EV_READ | EV_PERSIST, (fd) => {
    read(fd, byte, 0, 1);
    seen += byte.toString();
  }), null);
  t.is(await eventLoop(EVLOOP_NONBLOCK), 0);
  t.is(seen, 'ab');
});

test.serial('event_loop: EVLOOP_ONCE with EVLOOP_NONBLOCK does one turn', async (t) => {
  const sim = start();
  let calls = 0;
  eventAdd(newEvent(readablePair(sim)[1], EV_READ | EV_PERSIST, () => calls++), null);
  t.is(await eventLoop(EVLOOP_ONCE | EVLOOP_NONBLOCK), 0);
  t.is(calls, 1);
});

test.serial('event_loop: it gives -1 and errno when the backend cannot wait', async (t) => {
  const sim = start();
  sim.onCall = ({ name }) => (name === 'epoll_wait' ? { errno: EBADF } : undefined);
  eventAdd(newEvent(sim.socketpair()[0], EV_READ, () => {}), null);
  let ended = Promise.resolve(0);
  const said = stderrOf(() => {
    ended = eventLoop(0);
  });
  t.regex(said, /^epoll_wait: .*\n$/);
  t.is(await ended, -1);
  t.is(errno, EBADF);
});

test.serial('event_loop: a wait that gives EINTR is no failure', async (t) => {
  const sim = start();
  let interruptions = 0;
  sim.onCall = ({ name }) => (name === 'epoll_wait' && interruptions++ < 3 ? { errno: EINTR } : undefined);
  let calls = 0;
  eventAdd(newEvent(readablePair(sim)[1], EV_READ, () => calls++), null);
  t.is(await eventLoop(0), 1);
  t.is(interruptions, 4);
  t.is(calls, 1);
});

test.serial('event_loop: it runs again after it has returned', async (t) => {
  const sim = start();
  let calls = 0;
  for (let i = 0; i < 2; i++) {
    eventAdd(newEvent(readablePair(sim)[1], EV_READ, () => calls++), null);
    t.is(await eventLoop(0), 1);
  }
  t.is(calls, 2);
});

test.serial('event_loop: it rejects with what a callback throws', async (t) => {
  start();
  evtimerAdd(newTimer(() => {
    throw new Error('from a callback');
  }), seconds(1));
  await t.throwsAsync(eventDispatch(), { message: 'from a callback' });
});

// event_sigcb and event_gotsig

test.serial('event_sigcb: it is called before the loop waits if event_gotsig is set; 0 lets the loop go on', async (t) => {
  const sim = start();
  const called: number[] = [];
  setEventSigcb(() => {
    called.push(sim.elapsed);
    return 0;
  });
  evtimerAdd(newTimer(() => setEventGotsig(true)), seconds(1));
  evtimerAdd(newTimer(() => called.push(-1)), seconds(2));
  t.is(await eventLoop(0), 1);
  t.deepEqual(called, [1, -1]);
  t.false(eventGotsig);
});

test.serial('event_sigcb: -1 makes event_loop return -1 with EINTR', async (t) => {
  start();
  evtimerAdd(newTimer(() => t.fail()), seconds(1));
  setEventSigcb(() => -1);
  setEventGotsig(true);
  t.is(await eventLoop(0), -1);
  t.is(errno, EINTR);
});

test.serial('event_sigcb: it is called again if event_gotsig was set meanwhile', async (t) => {
  start();
  let calls = 0;
  setEventSigcb(() => {
    setEventGotsig(++calls < 3);
    return 0;
  });
  setEventGotsig(true);
  t.is(await eventLoop(0), 1);
  t.is(calls, 3);
});

test.serial('event_sigcb: without one, event_gotsig is only cleared', async (t) => {
  start();
  setEventGotsig(true);
  t.is(await eventLoop(0), 1);
  t.false(eventGotsig);
});

test.serial('event_init: it clears event_sigcb and event_gotsig', (t) => {
  start();
  setEventSigcb(() => -1);
  setEventGotsig(true);
  eventInit();
  t.is(eventSigcb, null);
  t.false(eventGotsig);
});

// Misuse

test.serial('misuse: the loop reports an event_set on an active event', async (t) => {
  start();
  const ev = newEvent(7, 0, () => {});
  eventActive(ev, EV_READ, 1);
  eventSet(ev, 7, 0, () => {}, null);
  const error = await t.throwsAsync(eventDispatch(), { instanceOf: Errx });
  t.regex(error.message, /event_queue_remove: event \(fd 7\) not on queue 8/);
});

test.serial('misuse: an event with unknown flags is refused', (t) => {
  start();
  const ev = newTimer(() => {});
  ev.evFlags |= 0x100;
  t.throws(() => evtimerAdd(ev, seconds(1)), { message: 'assertion failed' });
  t.throws(() => evtimerDel(ev), { message: 'assertion failed' });
});

test.serial('misuse: the loop reports an event without event_set', async (t) => {
  start();
  eventActive(new Event(), EV_READ, 1);
  await t.throwsAsync(eventDispatch(), { message: 'event without event_set' });
});

// event_init

test.serial('event_init: it forgets all events', async (t) => {
  const sim = start();
  eventAdd(newEvent(readablePair(sim)[1], EV_READ, () => t.fail()), null);
  evtimerAdd(newTimer(() => t.fail()), seconds(0));
  eventActive(newTimer(() => t.fail()), EV_READ, 1);
  eventInit();
  t.is(await eventDispatch(), 1);
});

test.serial('event_init: with EVENT_SHOW_METHOD it names its backend', (t) => {
  withEnvironment(['EVENT_SHOW_METHOD'], () => {
    t.is(stderrOf(() => start()), 'libevent using: sim\n');
  });
  t.is(stderrOf(() => start()), '');
});

test.serial('event_init: it skips a backend that the environment forbids', (t) => {
  withEnvironment(['EVENT_NOSIM', 'EVENT_NOEPOLL'], () => {
    start();
    t.is(evsel.name, 'net');
  });
});

test.serial('event_init: it throws if the program named no backend', (t) => {
  setEventops([]);
  throwsErrx(t, eventInit, /no event mechanism available/);
});

test.serial('event_init: it throws if every backend is forbidden', (t) => {
  withEnvironment(['EVENT_NOSIM', 'EVENT_NOEPOLL', 'EVENT_NONET'], () => {
    throwsErrx(t, () => start(), /no event mechanism available/);
  });
});
