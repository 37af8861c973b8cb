// logger.c, the part for `watch`: sends a line about each event to the connections that watch for such events.
//
// C's threads write entries to buffers, from which another thread makes lines for the buffer of each watcher. Here a
// line goes at once to the ring of each watcher. A timer has the rings sent, so that the connection that caused a line
// never waits. A ring that is full because its client does not read skips further lines. When it has room again, the
// watcher gets the number of skipped lines.
import { Event } from '../../reactor/event.h';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import { gettimeofday } from '../../reactor/syscalls';
import type { Timeval } from '../../reactor/time';
import type { Conn } from '../memcached.h';
import type { Ptr } from '../libc/memory';
import { NULL, bss, free, malloc } from '../libc/memory';
import { putNumber } from '../libc/number';
import { memcpy } from '../libc/string';
import { currentTime } from './clock';
import {
  IT_EXPTIME, IT_NBYTES, IT_TIME, ITEM_FETCHED, clsidOf, field, itFlags, keyOf, nkeyOf, resettable, statsState,
} from './memcached.h';
import { putText } from './pieces';
import { settings } from './settings';
import { putUriencoded } from './uriencode';

export const LOG_SYSEVENTS = 1 << 1;
export const LOG_FETCHERS = 1 << 2;
export const LOG_MUTATIONS = 1 << 3;
export const LOG_CONNEVENTS = 1 << 5;
export const LOG_EVICTIONS = 1 << 6;
/** RAWCMDS and PROXY* never happen here: 1.6.45 no longer logs raw commands, and the others are of its proxy. */
export const LOG_RAWCMDS = 1 << 9;
export const LOG_PROXYREQS = 1 << 10;
export const LOG_PROXYEVENTS = 1 << 11;
export const LOG_PROXYUSER = 1 << 12;
export const LOG_DELETIONS = 1 << 13;

/** Callers check the flag in `eflags` before they call a log function, so that unwatched events cost no more time. */
export const logger = {
  /** The flags of all watchers. */
  eflags: 0,
  /** The descriptor of the connection that is being served. */
  curSfd: -1,
};

const WATCHER_LIMIT = 20;
/** A key of 250 bytes, all URI-encoded, and the rest of a line. */
const LINE_MAX_BYTES = 1024;
/** As in C, a ring takes a line only if it has this much more room, for a line about skipped lines. */
const SKIPPED_MAX_BYTES = 128;
/** How long lines gather before they are sent. */
const FLUSH_DELAY = { tvSec: 0, tvUsec: 1000 };

/** A watching connection, and the ring of lines that are not sent to it yet. */
export class Watcher {
  /** Lines skipped since the last line in the ring. */
  skipped = 0;
  private tail = 0;
  private used = 0;
  /** How many bytes from `tail` on were given to driveMachine to send. */
  private sending = 0;

  constructor(readonly c: Conn, readonly eflags: number, readonly buf: Ptr, private readonly size: number) {}

  get idle(): boolean {
    return this.sending === 0;
  }

  get empty(): boolean {
    return this.used === 0;
  }

  /** Frees the room of the bytes that driveMachine has sent. */
  private settle(): void {
    if (this.sending === 0) return;
    const sent = this.sending - this.c.wbytes;
    this.tail = (this.tail + sent) % this.size;
    this.used -= sent;
    this.sending -= sent;
  }

  hasRoomFor(bytes: number): boolean {
    this.settle();
    return this.used + bytes <= this.size;
  }

  /** Adds bytes, which must fit. */
  put(text: Ptr, bytes: number): void {
    const at = (this.tail + this.used) % this.size;
    const first = Math.min(bytes, this.size - at);
    memcpy(this.buf + at, text, first);
    if (first < bytes) memcpy(this.buf, text + first, bytes - first);
    this.used += bytes;
  }

  /** Gives driveMachine the next contiguous bytes to write; false if there are none. */
  send(): boolean {
    this.settle();
    this.sending = Math.min(this.used, this.size - this.tail);
    this.c.wcurr = this.buf + this.tail;
    this.c.wbytes = this.sending;
    return this.sending > 0;
  }
}

const watchers: Watcher[] = [];
/** The number of the last event. */
let gid = 0;
const flushEvent = new Event();
/** Whether the timer runs. */
let flushing = false;
/** Wakes a watcher that has lines but sends none. */
let wake: (w: Watcher) => void = () => {};

// logger.c: logger_init
/** Starts without watchers. `wakeWatcher` has driveMachine called for a connection. Call it after memoryInit. */
export function loggerInit(wakeWatcher: (w: Watcher) => void): void {
  watchers.length = 0;
  gid = 0;
  flushing = false;
  wake = wakeWatcher;
  evtimerSet(flushEvent, flushWatchers, null);
  setFlags();
}

// logger.c: logger_set_flags
function setFlags(): void {
  logger.eflags = watchers.reduce((flags, w) => flags | w.eflags, 0);
  statsState.logWatchers = watchers.length;
}

// logger.c: logger_get_gid
export function loggerGetGid(): number {
  return ++gid;
}

// logger.c: logger_set_gid
export function loggerSetGid(value: number): void {
  gid = value;
}

// logger.c: logger_add_watcher
/** Makes `c` a watcher of the events `eflags`; `greeting` is its first line. Returns it, or why not. */
export function loggerAddWatcher(c: Conn, eflags: number, greeting: string): Watcher | 'too many' | 'failed' {
  if (watchers.length >= WATCHER_LIMIT) return 'too many';
  const size = Math.max(settings.loggerWatcherBufSize, greeting.length);
  const buf = malloc(size);
  if (buf === NULL) return 'failed';
  const w = new Watcher(c, eflags, buf, size);
  loggerGetGid();
  watchers.push(w);
  setFlags();
  memcpy(line, greeting, greeting.length);
  w.put(line, greeting.length);
  return w;
}

// logger.c: logger_thread_close_watcher
export function loggerCloseWatcher(w: Watcher): void {
  const at = watchers.indexOf(w);
  if (at === -1) return;
  watchers.splice(at, 1);
  free(w.buf);
  setFlags();
}

// logger.c: logger_thread_poll_watchers
function flushWatchers(): void {
  flushing = false;
  for (const w of watchers) if (w.idle && !w.empty) wake(w);
}

// Lines.

const line = bss(LINE_MAX_BYTES);
const skippedLine = bss(SKIPPED_MAX_BYTES);
const now: Timeval = { tvSec: 0, tvUsec: 0 };

/** Writes the beginning of a line, and returns its end. As in C, microseconds have no leading zeros. */
function beginLine(type: string): Ptr {
  gettimeofday(now);
  let p = putNumber(putText(line, 'ts='), now.tvSec);
  p = putNumber(putText(p, '.'), now.tvUsec);
  return putText(putNumber(putText(p, ' gid='), loggerGetGid()), type);
}

// logger.c: logger_thread_write_entry
/** Ends the line at `p`. It goes to all watchers of one of `eflags`. */
function endLine(p: Ptr, eflags: number): void {
  const bytes = putText(p, '\n') - line;
  resettable.logWorkerWritten++;
  for (const w of watchers) {
    if ((w.eflags & eflags) === 0) continue;
    if (!w.hasRoomFor(bytes + SKIPPED_MAX_BYTES)) {
      w.skipped++;
      resettable.logWatcherSkipped++;
      continue;
    }
    if (w.skipped > 0) {
      const end = putText(putNumber(putText(skippedLine, 'skipped='), w.skipped), '\n');
      w.put(skippedLine, end - skippedLine);
      w.skipped = 0;
    }
    w.put(line, bytes);
    resettable.logWatcherSent++;
  }
  if (flushing) return;
  flushing = true;
  evtimerAdd(flushEvent, FLUSH_DELAY);
}

/** ` clsid=<n> cfd=<n> size=<n>`; `nbytes` includes the \r\n. */
function putPlace(dst: Ptr, clsid: number, sfd: number | null, nbytes: number): Ptr {
  let p = putNumber(putText(dst, ' clsid='), clsid);
  if (sfd !== null) p = putNumber(putText(p, ' cfd='), sfd);
  return putNumber(putText(p, ' size='), nbytes > 0 ? nbytes - 2 : 0);
}

/** The result of the lookup of a key. */
export const ITEM_NOT_FOUND = 0;
export const ITEM_FOUND = 1;
export const ITEM_FLUSHED = 2;
export const ITEM_EXPIRED = 3;
const wasFound = [' status=not_found', ' status=found', ' status=flushed', ' status=expired'];

// logger.c: _logger_log_item_get, _logger_parse_ige
/** `it` is the item, or NULL. */
export function logItemGet(found: number, key: Ptr, nkey: number, it: Ptr): void {
  let p = putUriencoded(beginLine(' type=item_get key='), key, nkey);
  p = putText(p, wasFound[found]);
  endLine(putPlace(p, it === NULL ? 0 : clsidOf(it), logger.curSfd, it === NULL ? 0 : field(it, IT_NBYTES)),
    LOG_FETCHERS);
}

/** Indexed by the result of a store: STORED etc. */
const statuses = [
  ' status=not_stored', ' status=stored', ' status=exists', ' status=not_found', ' status=too_large',
  ' status=no_memory',
];
/** Indexed by NREAD_*. */
const comms = [
  ' cmd=null', ' cmd=add', ' cmd=set', ' cmd=replace', ' cmd=append', ' cmd=prepend', ' cmd=cas', ' cmd=append',
  ' cmd=prepend',
];

// logger.c: _logger_log_item_store, _logger_parse_ise
/** Logs the result of storing `it` with one of NREAD_*. */
export function logItemStore(status: number, comm: number, it: Ptr): void {
  const exptime = field(it, IT_EXPTIME);
  const ttl = exptime === 0 ? 0 : (exptime - currentTime) >>> 0;
  endItemStore(status, comm, keyOf(it), nkeyOf(it), ttl, clsidOf(it), field(it, IT_NBYTES));
}

/** Logs that no item could be allocated. (C's class and connection are arbitrary in this line.) */
export function logNoItem(status: number, comm: number, key: Ptr, nkey: number): void {
  endItemStore(status, comm, key, nkey, 0, 0, 0);
}

function endItemStore(
  status: number, comm: number, key: Ptr, nkey: number, ttl: number, clsid: number, nbytes: number,
): void {
  let p = putUriencoded(beginLine(' type=item_store key='), key, nkey);
  p = putText(putText(p, statuses[status]), comms[comm]);
  p = putNumber(putText(p, ' ttl='), ttl);
  endLine(putPlace(p, clsid, logger.curSfd, nbytes), LOG_MUTATIONS);
}

// logger.c: _logger_log_evictions, _logger_parse_ee
/** Logs the eviction of `it` for lack of memory. */
export function logEviction(it: Ptr): void {
  const exptime = field(it, IT_EXPTIME);
  let p = putUriencoded(beginLine(' type=eviction key='), keyOf(it), nkeyOf(it));
  p = putText(p, (itFlags(it) & ITEM_FETCHED) === 0 ? ' fetch=no' : ' fetch=yes');
  p = putNumber(putText(p, ' ttl='), exptime > 0 ? exptime - currentTime : -1);
  p = putNumber(putText(p, ' la='), currentTime - field(it, IT_TIME));
  endLine(putPlace(p, clsidOf(it), null, field(it, IT_NBYTES)), LOG_EVICTIONS);
}

// logger.c: _logger_log_item_deleted, _logger_parse_ide
/** Logs that a client deletes `it` by `command`. */
export function logDeletion(it: Ptr, command: 'delete' | 'md'): void {
  const p = putUriencoded(beginLine(' type=deleted key='), keyOf(it), nkeyOf(it));
  endLine(putPlace(putText(putText(p, ' cmd='), command), clsidOf(it), null, field(it, IT_NBYTES)), LOG_DELETIONS);
}

// logger.c: _logger_log_text, _logger_parse_text
/** Logs any other, rare event: ` type=…` and its fields. */
export function logText(eflags: number, text: string): void {
  endLine(beginLine(text), eflags);
}
