// signal.c: signals as events. A handler only counts; the loop makes the events active after its wait. Node calls
// handlers only while its own loop runs, so we need not block signals at other times (sigprocmask).
import { EV_PERSIST, EV_READ, EV_SIGNAL, EV_WRITE } from './event.h';
import type { Event } from './event.h';
import { eventActive, eventDel, signalqueue } from './event';
import { EINVAL, setErrno } from './errno.h';
import { errx } from './err';
import { TAILQ_FIRST, TAILQ_NEXT } from './queue';
import { signame } from './signame';

/** sigset_t: the signals that have an event. */
export type Sigset = Set<number>;

const evsigcaught = new Map<number, number>();
let needrecalc = false;
export let evsignalCaught = false;

// signal.c: evsignal_init
export function evsignalInit(evsigmask: Sigset): void {
  for (const sig of installed) sigaction(sig, null);
  evsigmask.clear();
}

// signal.c: evsignal_add
export function evsignalAdd(evsigmask: Sigset, ev: Event): number {
  if (ev.evEvents & (EV_READ | EV_WRITE)) errx(1, 'evsignal_add: EV_SIGNAL incompatible use');
  const evsignal = ev.evFd;
  evsigmask.add(evsignal);

  return 0;
}

// signal.c: evsignal_del
export function evsignalDel(evsigmask: Sigset, ev: Event): number {
  const evsignal = ev.evFd;
  evsigmask.delete(evsignal);
  needrecalc = true;

  return sigaction(evsignal, null);
}

// signal.c: evsignal_handler
function evsignalHandler(_name: string, sig: number): void {
  evsigcaught.set(sig, (evsigcaught.get(sig) ?? 0) + 1);
  evsignalCaught = true;
}

// signal.c: evsignal_recalc
export function evsignalRecalc(_evsigmask: Sigset): number {
  let ev: Event | null;

  if (TAILQ_FIRST(signalqueue) === null && !needrecalc) return 0;
  needrecalc = false;

  // Reinstall our signal handler.
  for (ev = TAILQ_FIRST(signalqueue); ev; ev = TAILQ_NEXT(ev.evSignalNext)) {
    if (sigaction(ev.evFd, evsignalHandler) === -1) return -1;
  }
  return 0;
}

// signal.c: evsignal_deliver
export function evsignalDeliver(_evsigmask: Sigset): number {
  if (TAILQ_FIRST(signalqueue) === null) return 0;

  return 0;
}

// signal.c: evsignal_process
export function evsignalProcess(): void {
  let ev: Event | null;
  let ncalls: number;

  // TAILQ_REMOVE leaves an event's links as they are, so we can go on from it after event_del.
  for (ev = TAILQ_FIRST(signalqueue); ev; ev = TAILQ_NEXT(ev.evSignalNext)) {
    ncalls = evsigcaught.get(ev.evFd) ?? 0;
    if (ncalls) {
      if (!(ev.evEvents & EV_PERSIST)) eventDel(ev);
      eventActive(ev, EV_SIGNAL, ncalls);
    }
  }

  evsigcaught.clear();
  evsignalCaught = false;
}

const installed = new Set<number>();

/** sigaction(2) by Node: sets `handler`, or the default action. -1 and EINVAL for a signal that cannot be caught. */
function sigaction(sig: number, handler: typeof evsignalHandler | null): number {
  try {
    if (handler === null) process.removeListener(signame(sig), evsignalHandler);
    else if (!installed.has(sig)) process.on(signame(sig), handler);
  } catch {
    setErrno(EINVAL);
    return -1;
  }
  if (handler === null) installed.delete(sig);
  else installed.add(sig);
  return 0;
}
