// event.c: the queues of events, the timers, and the loop that waits for them.
import {
  EVLIST_ACTIVE, EVLIST_ALL, EVLIST_INIT, EVLIST_INSERTED, EVLIST_SIGNAL, EVLIST_TIMEOUT,
  EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_READ, EV_SIGNAL, EV_TIMEOUT, EV_WRITE,
  TIMEOUT_DEFAULT,
} from './event.h';
import type { Event, EventCallback, Eventop, Ncalls } from './event.h';
import { EINTR, setErrno } from './errno.h';
import { assert, errx } from './err';
import { LOG_DBG } from './log';
import type { TailqHead } from './queue';
import { TAILQ_FIRST, TAILQ_HEAD, TAILQ_INIT, TAILQ_INSERT_TAIL, TAILQ_REMOVE } from './queue';
import { getenv } from './stdlib.h';
import type { Syscalls } from './syscalls.h';
import type { Timeval } from './time';
import { timeradd, timerclear, timercmp, timersub } from './time';
import type { RbHead } from './tree';
import { RB_FIND, RB_HEAD, RB_INIT, RB_INSERT, RB_MIN, RB_NEXT, RB_REMOVE, RB_ROOT } from './tree';

/** In order of preference. The program chooses them (backends.ts). */
let eventops: readonly Eventop[] = [];

/** The backends from which the next eventInit picks. */
export function setEventops(ops: readonly Eventop[]): void {
  eventops = ops;
}

/** Puts a layer between the program and the backend that eventInit has chosen. */
export function layOver(layer: (base: Eventop) => Eventop): void {
  evsel = layer(evsel);
  evcalls = evsel.syscalls;
}

export let evsel: Eventop;
let evbase: object;
/** The system calls of evsel. */
export let evcalls: Syscalls;

/** Signal callback when gotsig is set. */
export let eventSigcb: (() => number) | null = null;
/** Set in signal handler. */
export let eventGotsig = false;

/** `callback` returns -1 to end the loop. */
export function setEventSigcb(callback: typeof eventSigcb): void {
  eventSigcb = callback;
}

/** For a program that handles signals itself. The loop calls eventSigcb when its next turn begins. */
export function setEventGotsig(gotsig: boolean): void {
  eventGotsig = gotsig;
}

const timetree: RbHead<Event> = RB_HEAD(compare);
export const activequeue: TailqHead<Event> = TAILQ_HEAD();
export const signalqueue: TailqHead<Event> = TAILQ_HEAD();
export const eventqueue: TailqHead<Event> = TAILQ_HEAD();
/** The time when this turn of the loop began. */
export const eventTv: Timeval = { tvSec: 0, tvUsec: 0 };

// event.c: compare
function compare(a: Event, b: Event): number {
  if (timercmp(a.evTimeout, b.evTimeout, '<')) return -1;
  else if (timercmp(a.evTimeout, b.evTimeout, '>')) return 1;
  return 0;
}

// event.c: event_init
/** Picks the first available backend, and empties all queues. Throws Errx if there is none. */
export function eventInit(): void {
  eventSigcb = null;
  eventGotsig = false;

  RB_INIT(timetree);
  TAILQ_INIT(eventqueue);
  TAILQ_INIT(activequeue);
  TAILQ_INIT(signalqueue);

  let base: object | null = null;
  for (let i = 0; i < eventops.length && !base; i++) {
    evsel = eventops[i];

    base = evsel.init();
  }

  if (base === null) errx(1, 'event_init: no event mechanism available');
  evbase = base;
  evcalls = evsel.syscalls;

  // DEVIATION: the time is read after the backend is chosen, because the clock is the backend's
  evcalls.gettimeofday(eventTv);

  if (getenv('EVENT_SHOW_METHOD') !== null) process.stderr.write(`libevent using: ${evsel.name}\n`);
}

// event.c: event_haveevents
function eventHaveevents(): boolean {
  return (
    RB_ROOT(timetree) !== null || TAILQ_FIRST(eventqueue) !== null ||
    TAILQ_FIRST(signalqueue) !== null || TAILQ_FIRST(activequeue) !== null
  );
}

/** C has this on the stack of event_process_active; null while it is in use. */
let stackNcalls: Ncalls | null = { value: 0 };

// event.c: event_process_active
function eventProcessActive(): void {
  let ev: Event | null;
  // A callback may run a loop of its own.
  const ncalls = stackNcalls ?? { value: 0 };
  stackNcalls = null;

  for (ev = TAILQ_FIRST(activequeue); ev; ev = TAILQ_FIRST(activequeue)) {
    eventQueueRemove(ev, EVLIST_ACTIVE);

    // Allows deletes to work: event_del and event_add stop this loop through ev_pncalls.
    ncalls.value = ev.evNcalls;
    ev.evPncalls = ncalls;
    while (ncalls.value) {
      ncalls.value--;
      ev.evNcalls = ncalls.value;
      ev.evCallback(ev.evFd, ev.evRes, ev.evArg);
    }
  }
  stackNcalls = ncalls;
}

// event.c: event_dispatch
/** Runs the loop until no event is left. */
export async function eventDispatch(): Promise<number> {
  return eventLoop(0);
}

// event.c: event_loop
/**
 * Waits for events and calls their callbacks. Returns 0 when EVLOOP_ONCE or EVLOOP_NONBLOCK is done, 1 when there is no
 * event to wait for, -1 with errno set when the backend fails or eventSigcb returns -1.
 */
export async function eventLoop(flags: number): Promise<number> {
  const tv: Timeval = { tvSec: 0, tvUsec: 0 };
  let res: number, done: boolean;

  // Calculate the initial events that we are waiting for.
  if (evsel.recalc(evbase, 0) === -1) return -1;

  done = false;
  while (!done) {
    while (eventGotsig) {
      eventGotsig = false;
      if (eventSigcb) {
        res = eventSigcb();
        if (res === -1) {
          setErrno(EINTR);
          return -1;
        }
      }
    }

    // Check if time is running backwards.
    evcalls.gettimeofday(tv);
    if (timercmp(tv, eventTv, '<')) {
      const off: Timeval = { tvSec: 0, tvUsec: 0 };
      LOG_DBG('event_loop: time is running backwards, corrected');

      timersub(eventTv, tv, off);
      timeoutCorrect(off);
    }
    eventTv.tvSec = tv.tvSec;
    eventTv.tvUsec = tv.tvUsec;

    if (!(flags & EVLOOP_NONBLOCK)) timeoutNext(tv);
    else timerclear(tv);

    // If we have no events, we just exit.
    if (!eventHaveevents()) return 1;

    // The one await of the program. A number means that Node's own loop did not run meanwhile.
    const dispatched = evsel.dispatch(evbase, tv);
    res = typeof dispatched === 'number' ? dispatched : await dispatched;

    if (res === -1) return -1;

    timeoutProcess();

    try {
      if (TAILQ_FIRST(activequeue)) {
        eventProcessActive();
        if (flags & EVLOOP_ONCE) done = true;
      } else if (flags & EVLOOP_NONBLOCK) done = true;
    } finally {
      evsel.endTurn(evbase);
    }

    if (evsel.recalc(evbase, 0) === -1) return -1;
  }

  return 0;
}

// event.c: event_set
/** Fills in `ev`, which must not be added. `events`: flags out of EV_READ, EV_WRITE, EV_SIGNAL, EV_PERSIST. */
export function eventSet(ev: Event, fd: number, events: number, callback: EventCallback, arg: unknown): void {
  ev.evCallback = callback;
  ev.evArg = arg;
  ev.evFd = fd;
  ev.evEvents = events;
  ev.evFlags = EVLIST_INIT;
  ev.evNcalls = 0;
  ev.evPncalls = null;
}

// event.c: event_pending
/** Which flags of `event` (EV_TIMEOUT, EV_READ, EV_WRITE) `ev` waits for or has active; `tv` gets its timeout. */
export function eventPending(ev: Event, event: number, tv: Timeval | null): number {
  let flags = 0;

  if (ev.evFlags & EVLIST_INSERTED) flags |= ev.evEvents & (EV_READ | EV_WRITE);
  if (ev.evFlags & EVLIST_ACTIVE) flags |= ev.evRes;
  if (ev.evFlags & EVLIST_TIMEOUT) flags |= EV_TIMEOUT;

  // C forgets EV_SIGNAL here, so that signal_pending always says 0. Kept.
  event &= EV_TIMEOUT | EV_READ | EV_WRITE;

  // See if there is a timeout that we should report.
  if (tv !== null && flags & event & EV_TIMEOUT) {
    tv.tvSec = ev.evTimeout.tvSec;
    tv.tvUsec = ev.evTimeout.tvUsec;
  }

  return flags & event;
}

// event.c: event_add
/** Adds `ev`, with a timeout `tv` from now unless that is null. If it is added already, sets its timeout. 0 or -1. */
export function eventAdd(ev: Event, tv: Timeval | null): number {
  LOG_DBG(
    'event_add: event: fd %d, %s%s%s',
    ev.evFd,
    ev.evEvents & EV_READ ? 'EV_READ ' : ' ',
    ev.evEvents & EV_WRITE ? 'EV_WRITE ' : ' ',
    tv ? 'EV_TIMEOUT ' : ' ',
  );

  assert(!(ev.evFlags & ~EVLIST_ALL));

  if (tv !== null) {
    const now: Timeval = { tvSec: 0, tvUsec: 0 };

    if (ev.evFlags & EVLIST_TIMEOUT) eventQueueRemove(ev, EVLIST_TIMEOUT);

    // Check if it is active due to a timeout. Rescheduling this timeout before the callback can be executed removes it
    // from the active list.
    if (ev.evFlags & EVLIST_ACTIVE && ev.evRes & EV_TIMEOUT) {
      // See if we are just active executing this event in a loop.
      if (ev.evNcalls && ev.evPncalls) {
        // Abort loop.
        ev.evPncalls.value = 0;
      }

      eventQueueRemove(ev, EVLIST_ACTIVE);
    }

    evcalls.gettimeofday(now);
    timeradd(now, tv, ev.evTimeout);

    LOG_DBG('event_add: timeout in %d seconds', tv.tvSec);

    eventQueueInsert(ev, EVLIST_TIMEOUT);
  }

  if (ev.evEvents & (EV_READ | EV_WRITE) && !(ev.evFlags & (EVLIST_INSERTED | EVLIST_ACTIVE))) {
    eventQueueInsert(ev, EVLIST_INSERTED);

    return evsel.add(evbase, ev);
  } else if (ev.evEvents & EV_SIGNAL && !(ev.evFlags & EVLIST_SIGNAL)) {
    eventQueueInsert(ev, EVLIST_SIGNAL);

    return evsel.add(evbase, ev);
  }

  return 0;
}

// event.c: event_del
/** Deletes `ev` from all queues. The loop does not call its callback any more, even if it was active. 0 or -1. */
export function eventDel(ev: Event): number {
  LOG_DBG('event_del: fd %d', ev.evFd);

  assert(!(ev.evFlags & ~EVLIST_ALL));

  // See if we are just active executing this event in a loop.
  if (ev.evNcalls && ev.evPncalls) {
    // Abort loop.
    ev.evPncalls.value = 0;
  }

  if (ev.evFlags & EVLIST_TIMEOUT) eventQueueRemove(ev, EVLIST_TIMEOUT);

  if (ev.evFlags & EVLIST_ACTIVE) eventQueueRemove(ev, EVLIST_ACTIVE);

  if (ev.evFlags & EVLIST_INSERTED) {
    eventQueueRemove(ev, EVLIST_INSERTED);
    return evsel.del(evbase, ev);
  } else if (ev.evFlags & EVLIST_SIGNAL) {
    eventQueueRemove(ev, EVLIST_SIGNAL);
    return evsel.del(evbase, ev);
  }

  return 0;
}

// event.c: event_active
/** The loop will call the callback of `ev` `ncalls` times with `res` in this turn. */
export function eventActive(ev: Event, res: number, ncalls: number): void {
  // We get different kinds of events, add them together.
  if (ev.evFlags & EVLIST_ACTIVE) {
    ev.evRes |= res;
    return;
  }

  ev.evRes = res;
  ev.evNcalls = ncalls;
  ev.evPncalls = null;
  eventQueueInsert(ev, EVLIST_ACTIVE);
}

/** C has this on the stacks of timeout_next and timeout_process. */
const now: Timeval = { tvSec: 0, tvUsec: 0 };

// event.c: timeout_next
/** Sets `tv` to how long the loop may wait: until the first timeout, or TIMEOUT_DEFAULT if there is none. 0 or -1. */
export function timeoutNext(tv: Timeval): number {
  const dflt = TIMEOUT_DEFAULT;

  let ev: Event | null;

  if ((ev = RB_MIN(timetree)) === null) {
    tv.tvSec = dflt.tvSec;
    tv.tvUsec = dflt.tvUsec;
    return 0;
  }

  if (evcalls.gettimeofday(now) === -1) return -1;

  if (timercmp(ev.evTimeout, now, '<=')) {
    timerclear(tv);
    return 0;
  }

  timersub(ev.evTimeout, now, tv);

  LOG_DBG('timeout_next: in %d seconds', tv.tvSec);
  return 0;
}

// event.c: timeout_correct
/** The clock was set back by `off`: moves every timeout back as far. */
export function timeoutCorrect(off: Timeval): void {
  let ev: Event | null;

  // We can modify the key element of the node without destroying the key, because we apply it to all in the right
  // order.
  for (ev = RB_MIN(timetree); ev; ev = RB_NEXT(ev)) timersub(ev.evTimeout, off, ev.evTimeout);
}

// event.c: timeout_process
/** Deletes every event whose timeout has passed, EV_PERSIST or not, and makes it active. */
export function timeoutProcess(): void {
  let ev: Event | null, next: Event | null;

  evcalls.gettimeofday(now);

  for (ev = RB_MIN(timetree); ev; ev = next) {
    if (timercmp(ev.evTimeout, now, '>')) break;
    next = RB_NEXT(ev);

    eventQueueRemove(ev, EVLIST_TIMEOUT);

    // Delete this event from the I/O queues.
    eventDel(ev);

    LOG_DBG('timeout_process: fd %d', ev.evFd);
    eventActive(ev, EV_TIMEOUT, 1);
  }
}

// event.c: timeout_insert
function timeoutInsert(ev: Event): void {
  let tmp: Event | null;

  tmp = RB_FIND(timetree, ev);

  if (tmp !== null) {
    const tv: Timeval = { tvSec: 0, tvUsec: 0 };
    const add: Timeval = { tvSec: 0, tvUsec: 1 };

    // Find unique time.
    tv.tvSec = ev.evTimeout.tvSec;
    tv.tvUsec = ev.evTimeout.tvUsec;
    do {
      timeradd(tv, add, tv);
      tmp = RB_NEXT(tmp);
    } while (tmp !== null && timercmp(tmp.evTimeout, tv, '=='));

    ev.evTimeout.tvSec = tv.tvSec;
    ev.evTimeout.tvUsec = tv.tvUsec;
  }

  tmp = RB_INSERT(timetree, ev);
  assert(tmp === null);
}

// event.c: event_queue_remove
function eventQueueRemove(ev: Event, queue: number): void {
  if (!(ev.evFlags & queue)) errx(1, `event_queue_remove: event (fd ${ev.evFd}) not on queue ${queue.toString(16)}`);

  ev.evFlags &= ~queue;
  switch (queue) {
    case EVLIST_ACTIVE:
      TAILQ_REMOVE(activequeue, ev.evActiveNext);
      break;
    case EVLIST_SIGNAL:
      TAILQ_REMOVE(signalqueue, ev.evSignalNext);
      break;
    case EVLIST_TIMEOUT:
      RB_REMOVE(timetree, ev);
      break;
    case EVLIST_INSERTED:
      TAILQ_REMOVE(eventqueue, ev.evNext);
      break;
    default:
      errx(1, `event_queue_remove: unknown queue ${queue.toString(16)}`);
  }
}

// event.c: event_queue_insert
function eventQueueInsert(ev: Event, queue: number): void {
  if (ev.evFlags & queue) errx(1, `event_queue_insert: event (fd ${ev.evFd}) already on queue ${queue.toString(16)}`);

  ev.evFlags |= queue;
  switch (queue) {
    case EVLIST_ACTIVE:
      TAILQ_INSERT_TAIL(activequeue, ev.evActiveNext);
      break;
    case EVLIST_SIGNAL:
      TAILQ_INSERT_TAIL(signalqueue, ev.evSignalNext);
      break;
    case EVLIST_TIMEOUT:
      timeoutInsert(ev);
      break;
    case EVLIST_INSERTED:
      TAILQ_INSERT_TAIL(eventqueue, ev.evNext);
      break;
    default:
      errx(1, `event_queue_insert: unknown queue ${queue.toString(16)}`);
  }
}
