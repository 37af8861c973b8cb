// store.ts of 1.6 by itself: what a store does to an item that is there, what a cas number decides, which values are
// numbers, and how a number is written back.
import test from 'ava';

import { currentTime } from '../lib/1.6/clock';
import { itemRemove, setCas } from '../lib/1.6/items';
import {
  COLD_LRU, DELTA_ITEM_CAS_MISMATCH, DELTA_ITEM_NOT_FOUND, EOM, EXISTS, ITEM_KEY_BINARY, ITEM_STALE, ITEM_TOKEN_SENT,
  IT_EXPTIME, IT_NBYTES, NON_NUMERIC, NOT_FOUND, NOT_STORED, NREAD_ADD, NREAD_APPEND, NREAD_APPENDVIV, NREAD_CAS,
  NREAD_PREPEND, NREAD_PREPENDVIV, NREAD_REPLACE, NREAD_SET, OK, STORED, clientFlagsOf, clsidOf, dataOf, field, itFlags,
  setField, setItFlags, slabStats, threadStats,
} from '../lib/1.6/memcached.h';
import { addDelta, deltaResult, storeItem, stored } from '../lib/1.6/store';
import type { Ptr } from '../lib/libc/memory';
import { NULL, bss } from '../lib/libc/memory';
import { bytes, put } from './support/memory';
import {
  FLAT, HALF_PAGE, MIB, alloc, casOf, checkStorage, exptimeOf, get, held, item, keyNames, keysOf, pass, start, store,
  valueOf,
} from './support/storage';

const key = bss(256);
const digits = bss(24);

test.beforeEach(() => { start(); });
test.afterEach(() => checkStorage());

function delta(name: string, incr: boolean, by: number, cas: readonly [number, number] = [0, 0]): number {
  return addDelta(put(key, name), name.length, incr, 0, by, ...cas, digits);
}

/** What is stored then, or why it is not. */
function sum(name: string, incr: boolean, by: number, cas?: readonly [number, number]): string | number {
  const result = delta(name, incr, by, cas);
  return result === OK ? bytes(digits, deltaResult.length) : result;
}

test.serial('set always stores, add only a missing item, replace only an existing one', (t) => {
  t.is(store('k', '1', NREAD_REPLACE), NOT_STORED);
  t.is(store('k', '2', NREAD_ADD), STORED);
  t.is(store('k', '3', NREAD_ADD), NOT_STORED);
  t.is(get('k'), '2');
  t.is(store('k', '4', NREAD_REPLACE), STORED);
  t.is(store('k', '5', NREAD_SET), STORED);
  t.is(get('k'), '5');
});

test.serial('an add of an existing item makes it the most recently used', (t) => {
  start(FLAT);
  for (const key of keyNames(2)) store(key, 'v');
  pass(61);
  store('k0', 'v', NREAD_ADD);
  t.deepEqual(keysOf(1 | COLD_LRU), ['k0', 'k1']);
});

test.serial('append and prepend keep the flags and the expiry of the existing item', (t) => {
  t.is(store('k', 'v', NREAD_APPEND), NOT_STORED);
  t.is(store('k', 'v', NREAD_PREPEND), NOT_STORED);
  const old = alloc('k', 'bc', 77, 100);
  storeItem(old, NREAD_SET, 0, 0);
  itemRemove(old);
  const expires = exptimeOf(item('k'));
  t.is(store('k', 'd', NREAD_APPEND, 5000), STORED);
  t.is(stored.it, item('k'));
  t.is(store('k', 'a', NREAD_PREPEND), STORED);
  t.is(get('k'), 'abcd');
  t.is(clientFlagsOf(item('k')), 77);
  t.is(exptimeOf(item('k')), expires);
});

test.serial('append and prepend in the vivify mode store a missing item', (t) => {
  t.is(store('a', '1', NREAD_APPENDVIV), STORED);
  t.is(store('a', '2', NREAD_APPENDVIV), STORED);
  t.is(store('p', '1', NREAD_PREPENDVIV), STORED);
  t.is(store('p', '2', NREAD_PREPENDVIV), STORED);
  t.deepEqual([get('a'), get('p')], ['12', '21']);
});

test.serial('an append that finds no memory changes nothing', (t) => {
  start({ evictToFree: 0, maxbytes: MIB });
  for (const key of keyNames(2)) store(key, HALF_PAGE);
  t.is(store('k0', 'more', NREAD_APPEND), NOT_STORED);
  t.is(get('k0'), HALF_PAGE);
});

test.serial('an append may evict the very item that it appends to', (t) => {
  start({ ...FLAT, maxbytes: MIB });
  store('k', HALF_PAGE);
  t.is(store('k', 'more', NREAD_APPEND), STORED);
  store('other', HALF_PAGE);
  t.is(store('k', ' and more', NREAD_APPEND), STORED);
  t.is(get('k'), `${HALF_PAGE}more and more`);
});

test.serial('cas stores only with the number that the item has', (t) => {
  threadStats.casMisses = 0;
  slabStats.casHits.fill(0);
  slabStats.casBadval.fill(0);
  t.is(store('k', 'v', NREAD_CAS, 0, 0, 5), NOT_FOUND);
  store('k', 'v');
  const [hi, lo] = casOf(item('k'));
  t.is(store('k', 'w', NREAD_CAS, 0, hi, lo + 1), EXISTS);
  t.is(store('k', 'w', NREAD_CAS, 0, 0, 0), EXISTS);
  t.is(store('k', 'w', NREAD_CAS, 0, hi, lo), STORED);
  t.is(store('k', 'w', NREAD_CAS, 0, hi, lo), EXISTS, 'it has a new one');
  t.deepEqual([threadStats.casMisses, slabStats.casHits[1], slabStats.casBadval[1]], [1, 1, 3]);
});

test.serial('incr and decr write in place while the digits fit, and pad with spaces', (t) => {
  store('n', '10');
  const it = item('n');
  const [, before] = casOf(it);
  t.is(sum('n', true, 5), '15');
  t.is(item('n'), it);
  t.true(casOf(it)[1] > before);
  t.is(sum('n', false, 6), '9');
  t.is(get('n'), '9 ');
  t.is(sum('n', true, 90), '99');
  t.is(sum('n', true, 1), '100');
  t.is(get('n'), '100');
  t.is(sum('n', false, 1000), '0');
  t.is(get('n'), '0  ');
});

test.serial('incr wraps around at 64 bits', (t) => {
  store('n', '18446744073709551614');
  t.is(sum('n', true, 1), '18446744073709551615');
  t.deepEqual([deltaResult.hi, deltaResult.lo], [0xffffffff, 0xffffffff]);
  t.is(sum('n', true, 3), '2');
});

test.serial('incr to a longer number makes a new item with the flags and the expiry of the old one', (t) => {
  const old = alloc('n', '9', 5, 100);
  storeItem(old, NREAD_SET, 0, 0);
  itemRemove(old);
  t.is(sum('n', true, 1), '10');
  t.is(deltaResult.it, item('n'));
  t.is(clientFlagsOf(item('n')), 5);
  t.is(exptimeOf(item('n')), currentTime + 100);
});

test.serial('incr reports a missing item, a wrong cas number, and lack of memory', (t) => {
  start({ evictToFree: 0, maxbytes: MIB });
  t.is(sum('n', true, 1), DELTA_ITEM_NOT_FOUND);
  store('n', '9');
  const [hi, lo] = casOf(item('n'));
  t.is(sum('n', true, 0, [hi, lo + 1]), DELTA_ITEM_CAS_MISMATCH);
  t.is(sum('n', true, 0, [hi, lo]), '9');
  for (let i = 0; store(`k${i}`, 'v') === STORED; i++);
  t.is(sum('n', true, 1), EOM);
  t.is(get('n'), '9');
});

test.serial('a number may have white space and a sign before it, and white space or a NUL behind', (t) => {
  const numbers: Record<string, string | null> = {
    '0': '1', '99': '100', '007': '8', ' 5': '6', '\t\n\v\f\r5': '6', '  +5': '6', '+5': '6', '5 ': '6', '5 x': '6',
    '5\tx': '6', '5\0x': '6', '18446744073709551615': '0', '-18446744073709551615': '2', '-9223372036854775809':
    '9223372036854775808',
    '': null, ' ': null, '+': null, '-': null, 'x': null, '5x': null, 'x5': null, '+ 5': null, '++5': null, '-+5': null,
    '1.5': null,
    '\x085': null, '\x0e5': null, '\0': null, '-1': null, '-9223372036854775808': null, '18446744073709551616': null,
  };
  for (const [value, result] of Object.entries(numbers)) {
    store('n', value);
    t.is(sum('n', true, 1), result ?? NON_NUMERIC, JSON.stringify(value));
    t.is(valueOf(item('n')).trimEnd(), (result ?? value).trimEnd());
  }
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

test.serial('a number that is being sent, or becomes longer, becomes a new item with the same expiry', (t) => {
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

test.serial('incr and decr hits are counted by class, and only for numeric values', (t) => {
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

test.serial('a cas number must match in both words, for incr, append and cas alike', (t) => {
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
  store('empty', '');
  t.is(delta('empty', true, 1, [7, 1]), NON_NUMERIC, 'whatever its cas');
});

test.serial('without cas numbers, cas never matches, and append does not check it', (t) => {
  start({ useCas: false });
  store('n', '5');
  setCas(item('n'), 1, 1);
  t.deepEqual(casOf(item('n')), [0, 0]);
  t.is(store('n', '6', NREAD_CAS, 0, 0, 1), EXISTS);
  t.is(store('n', '6', NREAD_APPEND, 0, 0, 1), STORED);
});

test.serial('where stale values are allowed, an older cas number stores one; a newer number stores nothing', (t) => {
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

test.serial('a binary key stays marked as binary when its number grows or data are appended', (t) => {
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
