// flush_all: which items are gone because they were stored before a flush. The flush itself touches none: they are
// unlinked when they are found.
//
// A time in seconds does not tell whether an item was stored before or after a flush of the same second. C keeps some
// of the former (1.6.45), or compares cas numbers, which items do not have with -C (1.6.18). Here, an item remembers
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

/** A delayed flush whose time has come is the last one. */
function due(): void {
  const at = settings.oldestLive;
  if (at > flushTime && at <= currentTime) {
    flushTime = at;
    flushes = 0;
  }
}

/**
 * All items that are there now are gone, and a flush that was still to come is called off. False if there were too many
 * flushes in this second for an item to remember: then the caller must unlink all items.
 */
export function flushNow(): boolean {
  due();
  if (flushTime !== currentTime) flushes = 0;
  flushTime = settings.oldestLive = currentTime;
  if (flushes === ITEM_FLUSHES_MAX) return false;
  flushes++;
  return true;
}

/** At that time of the server's clock, all items that were stored before that second are gone. */
export function flushAt(time: number): void {
  due();
  settings.oldestLive = time;
}

/** An item was stored or moved just now. */
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
