// A backend for systems without epoll(7), in place of poll.c: makes node:net behave like descriptors that never block.
import { EV_PERSIST, EV_READ, EV_SIGNAL, EV_WRITE } from './event.h';
import type { Event, Eventop } from './event.h';
import { eventActive, eventDel } from './event';
import { EBADF, setErrno } from './errno.h';
import { Errx } from './err';
import { trace } from './log';
import { Calls } from './net/calls';
import { WriteBuffer } from './net/writebuffer';
import type { Descriptor } from './net/descriptor';
import { Descriptors } from './net/descriptors';
import { maxSockets } from './net/limit';
import { Pollset, readiness } from './net/pollset';
import { Sigwake } from './net/sigwake';
import { Waiting } from './net/waiting';
import {
  evsignalAdd, evsignalCaught, evsignalDel, evsignalDeliver, evsignalInit, evsignalProcess, evsignalRecalc,
} from './signal';
import type { Sigset } from './signal';
import { getenv } from './stdlib.h';
import type { Timeval } from './time';

const debugNet = trace('reactor:net');

/** How long ready events may keep Node's loop waiting, and with it all new bytes. */
const YIELD_INTERVAL_MS = 1;

interface Netop {
  pollset: Pollset;
  /** When Node's loop last ran, by performance.now(). */
  yielded: number;
  evsigmask: Sigset;
}

const descriptors = new Descriptors();
const writeBuffer = new WriteBuffer();
const waiting = new Waiting(() => {
  netop.yielded = performance.now();
  return dispatched(netop, netop.pollset.ready());
});
/** One listening socket, and one connection. */
const FEW = 2;
const wake = (): void => waiting.wake(descriptors.count <= FEW);
const sigwake = new Sigwake(wake);
let netop: Netop = { pollset: new Pollset(wake), yielded: 0, evsigmask: new Set() };

let hooked = false;
/** Set when the loop cannot go on. */
let lost: Errx | null = null;

const calls = new Calls(descriptors, writeBuffer, (descriptor) => netop.pollset.changed(descriptor), (message) => {
  lost = new Errx(1, message);
  wake();
});

export const netops: Eventop = {
  name: 'net',
  init: netInit,
  add: netAdd,
  del: netDel,
  recalc: netRecalc,
  endTurn: () => writeBuffer.endTurn(),
  dispatch: netDispatch,
  syscalls: calls,
};

function netInit(): object | null {
  // Disable net when this environment variable is set.
  if (getenv('EVENT_NONET') !== null) return null;

  if (!hooked) process.on('exit', () => writeBuffer.endTurn()); // a callback may end the process
  hooked = true;
  sigwake.clear();
  for (const descriptor of descriptors) {
    descriptor.evread = descriptor.evwrite = null;
    descriptor.candidate = false;
  }
  netop = { pollset: new Pollset(wake), yielded: 0, evsigmask: new Set() };
  calls.maxSockets = descriptors.count + maxSockets();
  lost = null;

  evsignalInit(netop.evsigmask);

  return netop;
}

function netRecalc(arg: object, _max: number): number {
  return evsignalRecalc((arg as Netop).evsigmask);
}

function netDispatch(arg: object, tv: Timeval): number | Promise<number> {
  const netop = arg as Netop;

  if (evsignalDeliver(netop.evsigmask) === -1) return -1;
  // A callback may run a loop of its own. While that loop waits, nothing may stay in the write buffer.
  writeBuffer.endTurn();

  const ready = netop.pollset.ready();
  if (ready.length > 0 && performance.now() - netop.yielded < YIELD_INTERVAL_MS) return dispatched(netop, ready);

  // Rounds up: a wait that ends too early costs a turn for nothing.
  const isDue = ready.length > 0 || evsignalCaught || lost !== null;
  const timeout = isDue ? 0 : tv.tvSec * 1000 + Math.ceil(tv.tvUsec / 1000);
  return timeout === 0 ? waiting.yieldToNode() : waiting.wait(timeout);
}

/** What every backend of libevent does after its wait. */
function dispatched(netop: Netop, ready: readonly Descriptor[]): number {
  if (lost !== null) throw lost;
  if (evsignalRecalc(netop.evsigmask) === -1) return -1;
  if (evsignalCaught) evsignalProcess();
  writeBuffer.beginTurn();

  debugNet('%d ready', ready.length);

  for (const descriptor of ready) {
    let evread: Event | null = null, evwrite: Event | null = null;

    const what = readiness(descriptor);
    if (what & EV_READ) evread = descriptor.evread;
    if (what & EV_WRITE) evwrite = descriptor.evwrite;

    if (evread !== null && !(evread.evEvents & EV_PERSIST)) eventDel(evread);
    if (evwrite !== null && evwrite !== evread && !(evwrite.evEvents & EV_PERSIST)) eventDel(evwrite);

    if (evread !== null) eventActive(evread, EV_READ, 1);
    if (evwrite !== null) eventActive(evwrite, EV_WRITE, 1);
  }

  return 0;
}

function netAdd(arg: object, ev: Event): number {
  const netop = arg as Netop;

  if (ev.evEvents & EV_SIGNAL) {
    sigwake.add(ev.evFd);
    return evsignalAdd(netop.evsigmask, ev);
  }

  const descriptor = descriptors.get(ev.evFd);
  if (descriptor === undefined) {
    setErrno(EBADF);
    return -1;
  }

  if (ev.evEvents & EV_READ) descriptor.evread = ev;
  if (ev.evEvents & EV_WRITE) descriptor.evwrite = ev;
  descriptor.changed();

  return 0;
}

function netDel(arg: object, ev: Event): number {
  const netop = arg as Netop;

  if (ev.evEvents & EV_SIGNAL) {
    sigwake.delete(ev.evFd);
    return evsignalDel(netop.evsigmask, ev);
  }

  const descriptor = descriptors.get(ev.evFd);
  if (descriptor === undefined) {
    setErrno(EBADF);
    return -1;
  }

  if (ev.evEvents & EV_READ) descriptor.evread = null;
  if (ev.evEvents & EV_WRITE) descriptor.evwrite = null;

  return 0;
}
