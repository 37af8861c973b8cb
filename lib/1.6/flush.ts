// flush_all: tells which items are gone because they were stored before a flush. The flush touches no item: other code
// unlinks them when it finds them.
//
// A time in seconds does not tell whether an item was stored before or after a flush of the same second. C keeps some
// items stored before it (1.6.45), or compares cas numbers, which items lack with -C (1.6.18). Here, an item remembers
// how many flushes of its second came before it. So everything older than a flush is gone, and nothing else.
import type { Ptr } from '../libc/memory';
import { currentTime } from './clock';
import { IT_TIME, ITEM_FLUSHES_MAX, ITEM_FLUSHES_SHIFT, field, itFlags, setField, setItFlags } from './memcached.h';
import { settings } from './settings';

const FLAGS_MASK = (1 << ITEM_FLUSHES_SHIFT) - 1;

/** The second of the last flush; 0 for none. */
let flushTime = 0;
/** How many flushes of that second there were. */
let flushes = 0;

export function flushInit(): void {
  flushTime = flushes = 0;
}

/** If the time of a delayed flush has come, makes it the last flush. */
function due(): void {
  const at = settings.oldestLive;
  if (at > flushTime && at <= currentTime) {
    flushTime = at;
    flushes = 0;
  }
}

/**
 * Flushes all items that are there now, and cancels a flush that is pending. False if there were too many flushes in
 * this second for an item to remember: then the caller must unlink all items.
 */
export function flushNow(): boolean {
  due();
  if (flushTime !== currentTime) flushes = 0;
  flushTime = settings.oldestLive = currentTime;
  if (flushes === ITEM_FLUSHES_MAX) return false;
  flushes++;
  return true;
}

/** Schedules a flush of all items stored before the second `time` of the server's clock, for that second. */
export function flushAt(time: number): void {
  due();
  settings.oldestLive = time;
}

/** Notes that an item was stored or bumped now. */
export function setItTime(it: Ptr): void {
  setField(it, IT_TIME, currentTime);
  const before = flushTime === currentTime ? flushes : 0;
  const flags = itFlags(it);
  if (flags >>> ITEM_FLUSHES_SHIFT !== before) setItFlags(it, (flags & FLAGS_MASK) | (before << ITEM_FLUSHES_SHIFT));
}

// items.c: item_is_flushed
export function itemIsFlushed(it: Ptr): boolean {
  due();
  const time = field(it, IT_TIME);
  return time < flushTime || (time === flushTime && itFlags(it) >>> ITEM_FLUSHES_SHIFT < flushes);
}
