// The gets of the text protocol (proto_text.c: process_get_command; proto_parser.c: process_get_cmd).
import type { Conn } from '../memcached.h';
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { hashOf } from './assoc';
import { realtime } from './clock';
import { itemBump, itemGet, itemTouch } from './items';
import { KEY_MAX_LENGTH, clsidOf, lruHits, lruIdOf, slabStats, threadStats } from './memcached.h';
import { settings } from './settings';
import { statsPrefixRecordGet } from './stats_prefix';
import { BAD_LINE, addItem, begin, outErrstring, outString, releaseItems, send } from './transmit';
import { ntokens, number, token32, tokenAt, tokenize } from './tokens';

export const BAD_EXPTIME = 'CLIENT_ERROR invalid exptime argument';

const SPACE = 0x20;

// proto_text.c: process_get_command
export function processGet(c: Conn, start: Ptr, end: Ptr, kind: number): void {
  begin(c);
  const keys = getKeys(c, start, end, kind, false, 0);
  if (keys > 0) send(c, kind);
  else if (keys === 0) outString(c, BAD_LINE);
}

// gat[s] <exptime> <key>*
export function processGetAndTouch(c: Conn, p: Ptr, end: Ptr, kind: number): void {
  tokenize(p, end);
  if (ntokens < 3) {
    outString(c, BAD_LINE);
    return;
  }
  if (!token32(1)) {
    outString(c, BAD_EXPTIME);
    return;
  }
  begin(c);
  if (getKeys(c, tokenAt[2], end, kind, true, realtime(number)) > 0) send(c, kind);
}

/** Adds the items of the keys from `start` to `end` to the answer. Returns the key count; -1 after an error reply. */
export function getKeys(c: Conn, start: Ptr, end: Ptr, kind: number, touch: boolean, exptime: number): number {
  const bytes = u8;
  let keys = 0;
  let p = start;
  for (;;) {
    while (p < end && bytes[p] === SPACE) p++;
    if (p >= end) return keys;
    const key = p;
    while (p < end && bytes[p] !== SPACE) p++;
    keys++;
    const error = getKey(c, key, p - key, kind, touch, exptime);
    if (error !== null) {
      releaseItems(c);
      outErrstring(c, error);
      return -1;
    }
  }
}

// proto_parser.c: process_get_cmd
/** Adds the item of the key, if there is one, to the answer. Returns null, or the error to answer instead. */
function getKey(c: Conn, key: Ptr, nkey: number, kind: number, touch: boolean, exptime: number): string | null {
  if (nkey > KEY_MAX_LENGTH) return BAD_LINE;
  const hv = hashOf(key, nkey);
  const it = touch ? itemTouch(key, nkey, exptime, hv) : itemGet(key, nkey, hv);
  if (touch) threadStats.touchCmds++;
  else threadStats.getCmds++;
  if (settings.detailEnabled !== 0) statsPrefixRecordGet(key, nkey, it !== NULL);
  if (it === NULL) {
    if (touch) threadStats.touchMisses++;
    else threadStats.getMisses++;
    return null;
  }
  if (touch) {
    slabStats.touchHits[clsidOf(it)]++;
  } else {
    lruHits[lruIdOf(it)]++;
    itemBump(it);
  }
  return addItem(c, it, kind) ? null : 'SERVER_ERROR out of memory writing get response';
}
