// What event.h declares: flags, struct event, struct eventop.
import type { RbEntry } from './tree';
import { RB_ENTRY } from './tree';
import type { TailqEntry } from './queue';
import { TAILQ_ENTRY } from './queue';
import type { Syscalls } from './syscalls.h';
import type { Timeval } from './time';

export const EVLIST_TIMEOUT = 0x01;
export const EVLIST_INSERTED = 0x02;
export const EVLIST_SIGNAL = 0x04;
export const EVLIST_ACTIVE = 0x08;
export const EVLIST_INIT = 0x80;

/** EVLIST_X_ private space: 0x1000-0xf000. */
export const EVLIST_ALL = 0xf000 | 0x8f;

export const EV_TIMEOUT = 0x01;
export const EV_READ = 0x02;
export const EV_WRITE = 0x04;
export const EV_SIGNAL = 0x08;
export const EV_PERSIST = 0x10;

export const EVLOOP_ONCE = 0x01;
export const EVLOOP_NONBLOCK = 0x02;

export const TIMEOUT_DEFAULT: Readonly<Timeval> = { tvSec: 5, tvUsec: 0 };

/** `fd` is the signal's number for a signal event; `which` has the EV_ flags that are true now. */
export type EventCallback = (fd: number, which: number, arg: unknown) => void;

/** How many calls of a callback are left. C keeps the address of a short (ev_pncalls). */
export interface Ncalls {
  value: number;
}

/** struct event. `new Event()` is C's uninitialised struct: call eventSet on it first. */
export class Event {
  evNext: TailqEntry<Event> = TAILQ_ENTRY<Event>(this);
  evActiveNext: TailqEntry<Event> = TAILQ_ENTRY<Event>(this);
  evSignalNext: TailqEntry<Event> = TAILQ_ENTRY<Event>(this);
  evTimeoutNode: RbEntry<Event> = RB_ENTRY();

  evFd = -1;
  evEvents = 0;
  evNcalls = 0;
  /** Allows deletes in callback. */
  evPncalls: Ncalls | null = null;

  evTimeout: Timeval = { tvSec: 0, tvUsec: 0 };

  evCallback: EventCallback = () => {
    throw new Error('event without event_set');
  };
  evArg: unknown = null;

  /** Result passed to event callback. */
  evRes = 0;
  evFlags = 0;
}

/** struct eventop: one way of waiting, and the system calls that belong to it. `arg` is the result of init. */
export interface Eventop {
  name: string;
  /** The backend's own state, or null if the backend is not available. */
  init(): object | null;
  add(arg: object, ev: Event): number;
  del(arg: object, ev: Event): number;
  recalc(arg: object, max: number): number;
  /** The callbacks of a turn are over, or one has thrown. C has no such call; a backend does here what it put off. */
  endTurn(arg: object): void;
  /** Waits at most `tv` for events and makes them active. 0 or -1; a promise if Node's own loop ran meanwhile. */
  dispatch(arg: object, tv: Timeval): number | Promise<number>;
  /**
   * Only if polling takes much less time than a wait: polls without waiting, and makes events active. 1 if there were
   * events or a signal, else 0, also if it is the turn of Node's loop; -1 with errno. C has no such call.
   */
  poll?: (arg: object) => number;
  syscalls: Syscalls;
}
