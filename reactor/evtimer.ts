// The macros of event.h: timers, signals and plain events under names of their own.
import { EVLIST_INIT, EV_PERSIST, EV_SIGNAL, EV_TIMEOUT } from './event.h';
import type { Event, EventCallback } from './event.h';
import type { Timeval } from './time';
import { eventAdd, eventDel, eventPending, eventSet } from './event';

/** Calls back once, `tv` from now. 0 or -1. */
export function evtimerAdd(ev: Event, tv: Timeval | null): number {
  return eventAdd(ev, tv);
}

export function evtimerSet(ev: Event, callback: EventCallback, arg: unknown): void {
  eventSet(ev, -1, 0, callback, arg);
}

export function evtimerDel(ev: Event): number {
  return eventDel(ev);
}

/** EV_TIMEOUT until the timer's callback is called, else 0; `tv` gets the time when it is due. */
export function evtimerPending(ev: Event, tv: Timeval | null): number {
  return eventPending(ev, EV_TIMEOUT, tv);
}

export function evtimerInitialized(ev: Event): boolean {
  return eventInitialized(ev);
}

export const timeoutAdd = evtimerAdd;
export const timeoutSet = evtimerSet;
export const timeoutDel = evtimerDel;
export const timeoutPending = evtimerPending;
export const timeoutInitialized = evtimerInitialized;

export function signalAdd(ev: Event, tv: Timeval | null): number {
  return eventAdd(ev, tv);
}

/** Calls back once for each signal `x` that comes, until signalDel. */
export function signalSet(ev: Event, x: number, callback: EventCallback, arg: unknown): void {
  eventSet(ev, x, EV_SIGNAL | EV_PERSIST, callback, arg);
}

export function signalDel(ev: Event): number {
  return eventDel(ev);
}

/** Always 0: event_pending ignores signals. */
export function signalPending(ev: Event, tv: Timeval | null): number {
  return eventPending(ev, EV_SIGNAL, tv);
}

export function signalInitialized(ev: Event): boolean {
  return eventInitialized(ev);
}

/** Whether eventSet has initialised `ev`. */
export function eventInitialized(ev: Event): boolean {
  return (ev.evFlags & EVLIST_INIT) !== 0;
}
