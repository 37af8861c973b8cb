// The server's clock: whole seconds since it was started, by the monotonic clock. The wall clock matters to absolute
// times only (memcached.c: clock_handler, realtime, process_started).
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import { monotonic } from '../../reactor/syscalls';
import { time } from '../libc/time';
import { ITEM_UPDATE_INTERVAL } from './memcached.h';

/** The clock starts with this value, so that 1 is long past, and 0 can mean never. */
const CLOCK_START = ITEM_UPDATE_INTERVAL + 2;
/** Seconds that `uptime` leaves out. */
export const UPTIME_OFFSET = ITEM_UPDATE_INTERVAL;
/** memcached.c: REALTIME_MAXDELTA. Times up to 30 days are relative, larger ones are seconds since 1970. */
const REALTIME_MAXDELTA = 60 * 60 * 24 * 30;
/** An expiry in the past. */
export const LONG_GONE = 1;
const SECOND = { tvSec: 1, tvUsec: 0 };

/** current_time, in seconds. */
export let currentTime = CLOCK_START;
let started = 0;
/** Seconds that `debugtime` has added. */
let added = 0;
/** Whether `debugtime` has stopped the clock. */
let paused = false;
const clockevent = new Event();

/** Starts the clock, which runs while the event loop runs. */
export function clockInit(): void {
  started = monotonic();
  added = 0;
  paused = false;
  evtimerSet(clockevent, clockHandler, null);
  clockHandler();
}

// memcached.c: clock_handler
function clockHandler(): void {
  evtimerAdd(clockevent, SECOND);
  if (paused) return;
  currentTime = CLOCK_START + added + Math.floor(monotonic() - started);
}

/** For `debugtime`: advances the clock by `seconds`. */
export function addTime(seconds: number): void {
  added += seconds;
  currentTime += seconds;
}

/** Stops the clock, or lets it go on: then it catches up with the time that it missed. */
export function pauseClock(pause: boolean): void {
  paused = pause;
}

// memcached.c: realtime
/** Converts a client's `exptime`, in seconds, to an expiry by this clock; 0 is never. */
export function realtime(exptime: number): number {
  if (exptime === 0) return 0;
  if (exptime < 0) return LONG_GONE;
  if (exptime <= REALTIME_MAXDELTA) return exptime + currentTime;
  return Math.max(exptime - processStarted(), LONG_GONE);
}

// memcached.c: process_started
/** The time when this clock was 0, in seconds since 1970, by the wall clock as it is set now. */
export function processStarted(): number {
  return time() - currentTime;
}
