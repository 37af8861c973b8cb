// A backend without a kernel, for tests and teaching. A Simulation decides what is ready, how many bytes a call moves,
// which call fails, and what time it is. The rest works like epoll.ts.
import { EV_PERSIST, EV_READ, EV_SIGNAL, EV_WRITE } from './event.h';
import type { Event, Eventop } from './event.h';
import { eventActive, eventDel, signalqueue } from './event';
import { EEXIST, EINTR, ENOENT, errno } from './errno.h';
import { warn } from './err';
import { TAILQ_FIRST, TAILQ_NEXT } from './queue';
import {
  evsignalAdd, evsignalCaught, evsignalDel, evsignalDeliver, evsignalInit, evsignalProcess, evsignalRecalc,
} from './signal';
import type { Sigset } from './signal';
import { POLLERR, POLLHUP, POLLIN, POLLOUT } from './sim/endpoint';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD } from './sim/pollset';
import type { Simulation, Waited } from './sim/simulation';
import { getenv } from './stdlib.h';
import type { Syscalls } from './syscalls.h';
import type { Timeval } from './time';

export { Simulation } from './sim/simulation';
export type { SimulationOptions } from './sim/simulation';
export { SimClient } from './sim/client';
export type { ConnectionState } from './sim/client';
export type { Waiting } from './sim/bytes';
export { SimDatagrams } from './sim/datagrams';
export { Random } from './sim/random';
export { randomFaults } from './sim/calls';
export type {
  Call, CallHook, CallName, CallRecord, Fault, FaultTable, Intervention, TranscriptEntry,
} from './sim/calls';

/** The events that wait for a descriptor. */
interface Evsim {
  evread: Event | null;
  evwrite: Event | null;
}

interface Simop {
  fds: Map<number, Evsim>;
  evsigmask: Sigset;
  sim: Simulation;
}

let installed: Simulation | null = null;
/** The simulation that event_init chose. */
let chosen: Simulation | null = null;

/** The next event_init will choose `sim`, or no simulation if that is null. */
export function installSimulation(sim: Simulation | null): void {
  installed = sim;
}

export const simops: Eventop = {
  name: 'sim',
  init: simInit,
  add: simAdd,
  del: simDel,
  recalc: simRecalc,
  endTurn: () => {},
  dispatch: simDispatch,
  get syscalls(): Syscalls {
    if (chosen === null) throw new Error('sim: not initialised');
    return chosen.syscalls;
  },
};

function simInit(): object | null {
  // Disable sim when this environment variable is set.
  if (getenv('EVENT_NOSIM') !== null) return null;
  if (installed === null) return null;

  chosen = installed;
  chosen.epollCreate();
  const simop: Simop = { fds: new Map(), evsigmask: new Set(), sim: chosen };

  evsignalInit(simop.evsigmask);

  return simop;
}

function simRecalc(arg: object, _max: number): number {
  return evsignalRecalc((arg as Simop).evsigmask);
}

function simDispatch(arg: object, tv: Timeval): number | Promise<number> {
  const simop = arg as Simop;

  if (evsignalDeliver(simop.evsigmask) === -1) return -1;

  const waited = simop.sim.epollWait(tv, signalsWaitedFor, () => evsignalCaught);
  return waited instanceof Promise ? waited.then((ready) => dispatched(simop, ready)) : dispatched(simop, waited);
}

function dispatched(simop: Simop, ready: Waited): number {
  const error = errno;

  if (simop.sim.stopped) return -1;

  if (evsignalRecalc(simop.evsigmask) === -1) return -1;

  if (ready === null) {
    if (error !== EINTR) {
      warn('epoll_wait');
      return -1;
    }

    evsignalProcess();
    return 0;
  } else if (evsignalCaught) evsignalProcess();

  for (const { fd, what } of ready) {
    const evep = simop.fds.get(fd);
    if (evep === undefined) continue;
    const evread = what & (POLLIN | POLLHUP | POLLERR) ? evep.evread : null;
    const evwrite = what & (POLLOUT | POLLHUP | POLLERR) ? evep.evwrite : null;

    if (evread !== null && !(evread.evEvents & EV_PERSIST)) eventDel(evread);
    if (evwrite !== null && evwrite !== evread && !(evwrite.evEvents & EV_PERSIST)) eventDel(evwrite);

    if (evread !== null) eventActive(evread, EV_READ, 1);
    if (evwrite !== null) eventActive(evwrite, EV_WRITE, 1);
    if (evread === null && evwrite === null) watchOnly(simop, fd, evep);
  }

  return 0;
}

/** Removes from the set what no event waits for: an earlier removal has failed. */
function watchOnly({ sim }: Simop, fd: number, { evread, evwrite }: Evsim): void {
  const events = (evread !== null ? POLLIN : 0) | (evwrite !== null ? POLLOUT : 0);
  sim.epollCtl(events === 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, events);
}

function simAdd(arg: object, ev: Event): number {
  const simop = arg as Simop;

  if (ev.evEvents & EV_SIGNAL) return evsignalAdd(simop.evsigmask, ev);

  const fd = ev.evFd;
  const evep = simop.fds.get(fd) ?? { evread: null, evwrite: null };
  const op = evep.evread === null && evep.evwrite === null ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  let events = 0;
  if (evep.evread !== null || ev.evEvents & EV_READ) events |= POLLIN;
  if (evep.evwrite !== null || ev.evEvents & EV_WRITE) events |= POLLOUT;

  if (simop.sim.epollCtl(op, fd, events) === -1) {
    // An earlier deletion has failed, or the descriptor is another one now.
    const other = op === EPOLL_CTL_MOD && errno === ENOENT ? EPOLL_CTL_ADD
      : op === EPOLL_CTL_ADD && errno === EEXIST ? EPOLL_CTL_MOD : null;
    if (other === null || simop.sim.epollCtl(other, fd, events) === -1) return -1;
  }

  // Update events responsible.
  if (ev.evEvents & EV_READ) evep.evread = ev;
  if (ev.evEvents & EV_WRITE) evep.evwrite = ev;
  simop.fds.set(fd, evep);

  return 0;
}

function simDel(arg: object, ev: Event): number {
  const simop = arg as Simop;

  if (ev.evEvents & EV_SIGNAL) return evsignalDel(simop.evsigmask, ev);

  const fd = ev.evFd;
  const evep = simop.fds.get(fd);
  if (evep === undefined) return 0;

  const evread = ev.evEvents & EV_READ ? null : evep.evread;
  const evwrite = ev.evEvents & EV_WRITE ? null : evep.evwrite;
  const op = evread === null && evwrite === null ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;

  evep.evread = evread;
  evep.evwrite = evwrite;

  return simop.sim.epollCtl(op, fd, (evread !== null ? POLLIN : 0) | (evwrite !== null ? POLLOUT : 0));
}

function signalsWaitedFor(): number[] {
  const signals: number[] = [];
  for (let ev = TAILQ_FIRST(signalqueue); ev; ev = TAILQ_NEXT(ev.evSignalNext)) signals.push(ev.evFd);
  return signals;
}
