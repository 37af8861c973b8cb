// store.ts of 1.6 by itself: what a cas number decides, which values are numbers, and how a number is written back.
import test from 'ava';

import {
  DELTA_ITEM_CAS_MISMATCH, DELTA_ITEM_NOT_FOUND, EXISTS, ITEM_KEY_BINARY, ITEM_STALE, ITEM_TOKEN_SENT, IT_EXPTIME,
  IT_NBYTES, NON_NUMERIC, NOT_FOUND, NREAD_APPEND, NREAD_CAS, NREAD_SET, OK, STORED, clsidOf, dataOf, field, itFlags,
  setField, setItFlags, slabStats,
} from '../lib/1.6/memcached.h';
import { itemRemove, setCas } from '../lib/1.6/items';
import { addDelta, deltaResult, storeItem } from '../lib/1.6/store';
import type { Ptr } from '../lib/libc/memory';
import { NULL, bss } from '../lib/libc/memory';
import { bytes, put } from './support/memory';
import { alloc, casOf, exptimeOf, held, item, start, store, valueOf } from './support/storage';

const key = bss(256);
const digits = bss(24);

test.beforeEach(() => { start(); });

function delta(name: string, incr: boolean, by: number, cas: readonly [number, number] = [0, 0]): number {
  return addDelta(put(key, name), name.length, incr, 0, by, ...cas, digits);
}

/** What a key has after 1 was added to `value`; null where that is no number. */
function plusOne(value: string): string | null {
  store('n', value);
  const result = delta('n', true, 1);
  if (result === NON_NUMERIC) return null;
  if (result !== OK) throw new Error(`addDelta gave ${result}`);
  return bytes(digits, deltaResult.length);
}

test.serial('a number may have white space and a sign before it, and white space or a NUL behind', (t) => {
  const numbers: Record<string, string | null> = {
    '0': '1', '99': '100', '007': '8', ' 5': '6', '\t\n\v\f\r5': '6', '  +5': '6', '+5': '6', '5 ': '6', '5 x': '6',
    '5\tx': '6', '5\0x': '6', '18446744073709551615': '0', '-18446744073709551615': '2', '-9223372036854775809':
    '9223372036854775808',
    '': null, ' ': null, '+': null, '-': null, 'x': null, '5x': null, 'x5': null, '+ 5': null, '++5': null, '-+5': null,
    '\x085': null, '\x0e5': null, '\0': null, '-1': null, '-9223372036854775808': null, '18446744073709551616': null,
  };
  for (const [value, result] of Object.entries(numbers)) t.is(plusOne(value), result, JSON.stringify(value));
});

test.serial('a number ends where the value ends, whatever lies behind the item', (t) => {
  store('n', '12');
  put(dataOf(item('n')) + 2, '34');
  t.is(delta('n', true, 1), OK);
  t.is(deltaResult.lo, 13);
});

test.serial('a shorter number is written in place, with spaces up to the \\r\\n, and nothing behind it', (t) => {
  store('n', '1000');
  const it = item('n');
  const behind = dataOf(it) + field(it, IT_NBYTES);
  put(behind, 'behind');
  t.is(delta('n', false, 991), OK);
  t.is(deltaResult.it, it);
  t.is(bytes(dataOf(it), 12), '9   \r\nbehind');
  t.is(delta('n', true, 91), OK);
  t.is(bytes(dataOf(it), 12), '100 \r\nbehind');
});

test.serial('a number that is being sent, or has become longer, is a new item, with the old one\'s expiry', (t) => {
  store('n', '5', NREAD_SET, 100);
  const sent = held('n');
  t.is(delta('n', true, 1), OK);
  t.not(deltaResult.it, sent);
  t.is(valueOf(sent), '5');
  t.is(valueOf(item('n')), '6');
  t.is(exptimeOf(item('n')), exptimeOf(sent));
  itemRemove(sent);
  t.is(delta('n', true, 94), OK);
  t.is(valueOf(item('n')), '100');
});

test.serial('hits of incr and decr are counted by class, and only where the value was a number', (t) => {
  store('n', '5');
  store('x', 'x');
  const id = clsidOf(item('n'));
  const counts = (): number[] => [slabStats.incrHits[id], slabStats.decrHits[id]];
  const [incr, decr] = counts();
  delta('n', true, 1);
  t.deepEqual(counts(), [incr + 1, decr]);
  delta('n', false, 1);
  t.deepEqual(counts(), [incr + 1, decr + 1]);
  t.is(delta('x', true, 1), NON_NUMERIC);
  t.is(delta('none', true, 1), DELTA_ITEM_NOT_FOUND);
  t.deepEqual(counts(), [incr + 1, decr + 1]);
});

test.serial('a cas number must match in both words; 0 asks for none', (t) => {
  store('n', '5');
  setCas(item('n'), 7, -2);
  const now = casOf(item('n'));
  for (const wrong of [[7, -3], [6, -2], [0, -2], [7, 0]] as const) {
    t.is(delta('n', true, 1, wrong), DELTA_ITEM_CAS_MISMATCH);
    t.is(store('n', '6', NREAD_CAS, 0, ...wrong), EXISTS);
    t.is(store('n', '6', NREAD_APPEND, 0, ...wrong), EXISTS);
  }
  t.deepEqual([valueOf(item('n')), casOf(item('n'))], ['5', now]);
  t.is(delta('n', true, 1, [7, 0xfffffffe]), OK);
  setCas(item('n'), 7, -2);
  t.is(store('n', '1', NREAD_APPEND, 0, 7, 0xfffffffe), STORED);
  t.is(valueOf(item('n')), '61');
  setCas(item('n'), 7, -2);
  t.is(store('n', '8', NREAD_CAS, 0, 7, 0xfffffffe), STORED);
  t.is(store('n', '9', NREAD_CAS), EXISTS);
  t.is(store('none', '9', NREAD_CAS, 0, 7, 1), NOT_FOUND);
});

test.serial('without cas numbers, cas never matches, and the others do not ask', (t) => {
  start({ useCas: false });
  store('n', '5');
  t.is(store('n', '6', NREAD_CAS, 0, 0, 1), EXISTS);
  t.is(store('n', '6', NREAD_APPEND, 0, 0, 1), STORED);
});

test.serial('an older cas stores a stale value, where that is wished; a newer one does not', (t) => {
  const olderOrNewer: Record<string, readonly [hi: number, lo: number]> = {
    older: [6, 9], olderLow: [7, 0x80000000], newer: [8, 0], newerLow: [7, 0x80000002],
  };
  for (const [name, cas] of Object.entries(olderOrNewer)) {
    store('n', 'old', NREAD_SET, 100);
    const old = item('n');
    setCas(old, 7, 0x80000001 | 0);
    setItFlags(old, itFlags(old) | ITEM_TOKEN_SENT);
    const expires = field(old, IT_EXPTIME);
    const it = alloc('n', 'new');
    t.is(storeItem(it, NREAD_CAS, ...cas), EXISTS, name);
    const result = storeItem(it, NREAD_CAS, ...cas, true);
    t.is(result, name.startsWith('older') ? STORED : EXISTS, name);
    if (result === STORED) {
      t.is(itFlags(it) & (ITEM_STALE | ITEM_TOKEN_SENT), ITEM_STALE | ITEM_TOKEN_SENT);
      t.is(exptimeOf(it), expires);
    } else t.is(valueOf(item('n')), 'old');
    itemRemove(it);
  }
  store('n', 'old');
  setCas(item('n'), 7, 1);
  const same = alloc('n', 'same');
  t.is(storeItem(same, NREAD_CAS, 7, 1, true), STORED);
  t.is(itFlags(same) & ITEM_STALE, 0, 'the same is not stale');
  itemRemove(same);
});

test.serial('a key of any bytes stays one when a number grows, or data are appended', (t) => {
  store('n', '9');
  const binary = (): Ptr => {
    const it = item('n');
    t.not(it, NULL);
    return itFlags(it) & ITEM_KEY_BINARY;
  };
  setItFlags(item('n'), itFlags(item('n')) | ITEM_KEY_BINARY);
  delta('n', true, 1);
  t.is(binary(), ITEM_KEY_BINARY);
  store('n', '1', NREAD_APPEND);
  t.is(binary(), ITEM_KEY_BINARY);
  setField(item('n'), IT_EXPTIME, 0);
  store('n', '1');
  t.is(binary(), 0);
});
