// The server's clock: whole seconds since it was started, by a clock that nobody sets. What the wall clock says matters
// to absolute times alone (memcached.c: clock_handler, realtime, process_started).
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import { monotonic } from '../../reactor/syscalls';
import { time } from '../libc/time';
import { ITEM_UPDATE_INTERVAL } from './memcached.h';

/** The clock begins here, so that 1 is long ago, and 0 can mean never. */
const CLOCK_START = ITEM_UPDATE_INTERVAL + 2;
/** What `uptime` does not count. */
export const UPTIME_OFFSET = ITEM_UPDATE_INTERVAL;
/** memcached.c: REALTIME_MAXDELTA. Times up to 30 days are relative, larger ones are seconds since 1970. */
const REALTIME_MAXDELTA = 60 * 60 * 24 * 30;
/** An expiry that is past. */
export const LONG_GONE = 1;
const SECOND = { tvSec: 1, tvUsec: 0 };

/** current_time: what the clock says. */
export let currentTime = CLOCK_START;
let started = 0;
/** Seconds that `debugtime` has added. */
let added = 0;
/** Whether `debugtime` has stopped the clock. */
let paused = false;
const clockevent = new Event();

/** Starts the clock; it goes on for as long as the event loop runs. */
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

/** What `debugtime` asks for: the clock goes on from `seconds` later. */
export function addTime(seconds: number): void {
  added += seconds;
  currentTime += seconds;
}

/** Stops the clock; when it goes on, it is where it would be without. */
export function pauseClock(pause: boolean): void {
  paused = pause;
}

// memcached.c: realtime
/** When something expires, by this clock; 0 for never. `exptime` is in seconds as a client gives it. */
export function realtime(exptime: number): number {
  if (exptime === 0) return 0;
  if (exptime < 0) return LONG_GONE;
  if (exptime <= REALTIME_MAXDELTA) return exptime + currentTime;
  return Math.max(exptime - processStarted(), LONG_GONE);
}

// memcached.c: process_started
/** When this clock said 0, by the wall clock as it is now: seconds since 1970. */
export function processStarted(): number {
  return time() - currentTime;
}
