// debugtime and debugitem, which only C's debug build for its tests has: here, MEMCACHED_DEBUG=1 in the environment
// enables them (proto_text.c: process_debugtime_command, process_debugitem_command).
import type { Conn } from '../memcached.h';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { hashOf } from './assoc';
import { addTime, pauseClock } from './clock';
import { lock, unlock } from './item_locks';
import { hold, itemGet, itemRemove } from './items';
import { abbreviates, ntokens, number, token, token32, tokenAt, tokenLength } from './tokens';
import { outString } from './transmit';

/** The item to which `debugitem ref` on a connection has taken a reference. */
const reffed = new WeakMap<Conn, Ptr>();

function isDebugBuild(): boolean {
  return process.env.MEMCACHED_DEBUG === '1';
}

// proto_text.c: process_debugtime_command
export function processDebugtime(c: Conn): void {
  if (!isDebugBuild() || ntokens < 2) {
    outString(c, 'ERROR');
    return;
  }
  if (abbreviates(1, 'p')) {
    pauseClock(true);
  } else if (abbreviates(1, 'r')) {
    pauseClock(false);
  } else if (token32(1)) {
    addTime(number);
  } else {
    outString(c, 'ERROR');
    return;
  }
  outString(c, 'OK');
}

// proto_text.c: process_debugitem_command
export function processDebugitem(c: Conn): void {
  outString(c, isDebugBuild() && ntokens >= 3 ? debugitem(c) : 'ERROR');
}

/** Returns the reply. */
function debugitem(c: Conn): string {
  const key = tokenAt[2], nkey = tokenLength[2];
  const hv = hashOf(key, nkey);
  if (abbreviates(1, 'lock')) {
    lock(hv);
    return 'OK';
  }
  if (abbreviates(1, 'unlock')) {
    unlock(hv);
    return 'OK';
  }
  if (abbreviates(1, 'ref')) {
    const it = itemGet(key, nkey, hv);
    if (it === NULL) return 'MISS';
    hold(it);
    reffed.set(c, it);
    return 'OK';
  }
  if (!abbreviates(1, 'unref')) return 'ERROR';
  if (token(2) === 'reffed') {
    const it = reffed.get(c);
    if (it === undefined) return 'MISS';
    reffed.delete(c);
    itemRemove(it);
    return 'OK';
  }
  const it = itemGet(key, nkey, hv);
  if (it === NULL) return 'MISS';
  itemRemove(it); // gives up the reference of a `ref`
  return 'OK';
}
