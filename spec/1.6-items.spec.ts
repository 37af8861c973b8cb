// items.ts, lru.ts and flush.ts of lib/1.6 without a network: which items are there, and which go first.
import test from 'ava';

import { currentTime } from '../lib/1.6/clock';
import { lock, unlock } from '../lib/1.6/item_locks';
import { itemCachedump, itemStats, itemStatsTotals } from '../lib/1.6/item_stats';
import { itemStatsSizes, itemStatsSizesInit } from '../lib/1.6/item_sizes';
import {
  casId, flushAll, itemAlloc, itemBump, itemLinkFixup, itemRemove, itemSize, itemSizeOk, itemTouch, lruMaintainerJuggle,
  lruModeSet, lruPullTail, setCas, setCasId,
} from '../lib/1.6/items';
import { lruSize } from '../lib/1.6/lru';
import {
  COLD_LRU, HOT_LRU, ITEM_FETCHED, ITEM_KEY_BINARY, IT_REFCOUNT, IT_TIME, NREAD_ADD, NREAD_APPEND, NREAD_PREPEND,
  NREAD_SET, STORED, TEMP_LRU, WARM_LRU, clientFlagsOf, clsidOf, field, itFlags, nkeyOf, resettable, setField,
  setItFlags, statsState, threadStats,
} from '../lib/1.6/memcached.h';
import { slabsClsid, slabsSize, slabsTotalMalloced } from '../lib/1.6/slabs';
import { NULL, bss } from '../lib/libc/memory';
import { put } from './support/memory';
import {
  FLAT, HALF_PAGE, MIB, alloc, casOf, checkStorage, exptimeOf, get, has, hash, held, item, keyNames, keyText, keysOf,
  pass, remove, slab, start, store, storeRoom, valueOf,
} from './support/storage';

const name = bss(256);

test.afterEach(() => checkStorage());

function itemStat(id: number, what: string): number | undefined {
  const figures = new Map<string, number>();
  itemStats(id, (key, value) => figures.set(key, value));
  return figures.get(what);
}

function total(what: string): number | undefined {
  const figures = new Map<string, number>();
  itemStatsTotals((key, value) => figures.set(key, value));
  return figures.get(what);
}

test.serial('an item has its key, flags, expiry and data, in a header of 40 bytes', (t) => {
  start();
  const it = alloc('some key', 'its value', 0xfffffffe, 100);
  t.is(keyText(it), 'some key');
  t.is(nkeyOf(it), 8);
  t.is(clientFlagsOf(it), 0xfffffffe);
  t.is(exptimeOf(it), currentTime + 100);
  t.is(valueOf(it), 'its value');
  t.is(field(it, IT_REFCOUNT), 1);
  t.deepEqual(casOf(it), [0, 0]);
  t.is(itemSize(8, 0xfffffffe, 11), 40 + 4 + 9 + 11);
  t.is(itemSize(8, 0, 11), 40 + 9 + 11);
  checkStorage([it]);
  itemRemove(it);
});

test.serial('an item of up to item_size_max is stored, a larger one is not', (t) => {
  start({ itemSizeMax: 2 * MIB });
  const room = 2 * MIB - 40 - 2 - 2;
  t.is(store('k', 'v'.repeat(room)), STORED);
  t.is(get('k')?.length, room);
  t.is(alloc('k', 'v'.repeat(room + 1)), NULL);
  t.true(itemSizeOk(1, 0, room + 2));
  t.false(itemSizeOk(1, 0, room + 3));
  t.is(itemAlloc(put(name, 'k'), 1, 0, 0, 1), NULL, 'there is always \\r\\n');
});

test.serial('flat: the least recently used item is evicted', (t) => {
  start({ ...FLAT, maxbytes: 2 * MIB });
  for (const key of keyNames(4)) t.is(store(key, HALF_PAGE), STORED);
  t.deepEqual(keysOf(39 | COLD_LRU), ['k3', 'k2', 'k1', 'k0']);
  pass(61);
  get('k0');
  t.is(store('k4', HALF_PAGE), STORED);
  t.deepEqual(keysOf(39 | COLD_LRU), ['k4', 'k0', 'k3', 'k2']);
  t.is(itemStat(39, 'evicted'), 1);
  t.is(itemStat(39, 'evicted_unfetched'), 1);
  t.is(itemStat(39, 'evicted_time'), 61);
  t.is(itemStat(39, 'evicted_nonzero'), 0);
  t.is(itemStat(39, 'direct_reclaims'), undefined, 'which is told by a server with a maintainer');
});

test.serial('flat: evicted_unfetched counts items never fetched, evicted_nonzero items with an expiry', (t) => {
  start({ ...FLAT, maxbytes: MIB });
  store('k0', HALF_PAGE, NREAD_SET, 100);
  get('k0');
  for (const key of ['k1', 'k2', 'k3']) store(key, HALF_PAGE);
  t.is(itemStat(39, 'evicted'), 2);
  t.is(itemStat(39, 'evicted_unfetched'), 1);
  t.is(itemStat(39, 'evicted_nonzero'), 1);
});

test.serial('flat: a hit moves an item at most once in 60 seconds', (t) => {
  start(FLAT);
  for (const key of keyNames(2)) store(key, '');
  pass(60);
  get('k0');
  t.deepEqual(keysOf(1 | COLD_LRU), ['k1', 'k0']);
  pass(1);
  get('k0');
  t.deepEqual(keysOf(1 | COLD_LRU), ['k0', 'k1']);
});

test.serial("segmented: a new item is linked in HOT; what exceeds HOT's share moves to COLD", (t) => {
  start({ hotLruPct: 20 });
  for (const key of keyNames(10)) store(key, 'v');
  t.is(lruSize(1 | HOT_LRU), 10);
  t.is(lruMaintainerJuggle(1), 8);
  t.deepEqual(keysOf(1 | HOT_LRU), ['k9', 'k8']);
  t.deepEqual(keysOf(1 | COLD_LRU), ['k7', 'k6', 'k5', 'k4', 'k3', 'k2', 'k1', 'k0']);
  t.is(lruMaintainerJuggle(1), 0);
});

test.serial('segmented: after two hits an item moves to WARM: at once from COLD, from HOT when it would leave for COLD', (t) => {
  start();
  for (const key of keyNames(10)) store(key, 'v');
  for (let i = 0; i < 2; i++) get('k1');
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | WARM_LRU), ['k1']);
  get('k0');
  t.deepEqual(keysOf(1 | WARM_LRU), ['k1'], 'once is not enough');
  get('k0');
  t.deepEqual(keysOf(1 | WARM_LRU), ['k0', 'k1']);
  t.false(keysOf(1 | COLD_LRU).includes('k0'));
});

test.serial('segmented: an active item of WARM moves to its head; when WARM exceeds its share, others move to COLD', (t) => {
  start({ warmLruPct: 40 });
  const keys = keyNames(10);
  for (const key of keys) store(key, 'v');
  for (const key of keys) for (let i = 0; i < 2; i++) get(key);
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | WARM_LRU), ['k9', 'k8', 'k7', 'k6']);
  get('k0'); // once is enough for an item that was active before
  t.deepEqual(keysOf(1 | WARM_LRU), ['k0', 'k9', 'k8', 'k7', 'k6']);
  get('k6');
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | WARM_LRU), ['k6', 'k0', 'k9', 'k8']);
  t.is(keysOf(1 | COLD_LRU)[0], 'k7');
});

test.serial("segmented: HOT items older than hot_max_factor times COLD's age move on, however few they are", (t) => {
  start({ hotMaxFactor: 0.2, hotLruPct: 80 });
  for (const key of keyNames(10)) store(key, 'v');
  lruMaintainerJuggle(1);
  t.is(lruSize(1 | HOT_LRU), 8);
  pass(100);
  store('young', 'v');
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | HOT_LRU), ['young']);
});

test.serial("segmented: WARM items older than warm_max_factor times COLD's age move on, however few they are", (t) => {
  start({ warmMaxFactor: 2, warmLruPct: 80, hotMaxFactor: 0 });
  for (const key of keyNames(10)) store(key, 'v');
  for (const key of keyNames(2)) for (let i = 0; i < 2; i++) get(key);
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | WARM_LRU), ['k1', 'k0']);
  pass(10);
  get('k9'); // COLD is as old as the item at its end
  get('k9');
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | WARM_LRU), ['k9', 'k1', 'k0'], 'ten seconds are less than twice as many');
  while (lruSize(1 | COLD_LRU) > 0) remove(keysOf(1 | COLD_LRU)[0]);
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | WARM_LRU), ['k9'], 'COLD is empty: its age is 0');
});

test.serial('segmented: moves to COLD, moves to WARM and moves within an LRU are counted', (t) => {
  start({ lruMaintainerThread: true, hotLruPct: 50, warmLruPct: 20 });
  for (const key of keyNames(10)) store(key, 'v');
  for (const key of ['k0', 'k1', 'k2', 'k3']) for (let i = 0; i < 2; i++) get(key);
  const counts = (): unknown[] => ['cold', 'warm'].map((lru) => itemStat(1, `moves_to_${lru}`));
  lruMaintainerJuggle(1);
  t.deepEqual([HOT_LRU, WARM_LRU, COLD_LRU].map((lru) => lruSize(1 | lru)), [5, 2, 3]);
  t.deepEqual(counts(), [3, 4]);
  get('k2');
  lruMaintainerJuggle(1);
  t.is(itemStat(1, 'moves_within_lru'), 1);
  for (let i = 0; i < 2; i++) get('k4');
  lruMaintainerJuggle(1);
  t.deepEqual(counts(), [4, 5]);
});

test.serial('segmented: only the first two hits set the access time', (t) => {
  start({ lruMaintainerThread: true });
  store('k', 'v');
  for (let hits = 1; hits <= 3; hits++) {
    pass(10);
    get('k');
  }
  t.is(itemStat(1, 'age_hot'), 10);
});

test.serial('segmented: an add that fails leaves the existing items in their places', (t) => {
  start({ hotLruPct: 50 });
  for (const key of keyNames(10)) store(key, 'v');
  lruMaintainerJuggle(1);
  for (let i = 0; i < 2; i++) get('k9');
  const before = [HOT_LRU, WARM_LRU, COLD_LRU].map((lru) => keysOf(1 | lru));
  for (const key of keyNames(10)) store(key, 'v', NREAD_ADD);
  t.deepEqual([HOT_LRU, WARM_LRU, COLD_LRU].map((lru) => keysOf(1 | lru)), before);
});

test.serial('one look at the tail of an LRU unlinks at most five expired items, and counts those never fetched', (t) => {
  start(FLAT);
  for (const key of keyNames(12)) store(key, 'v', NREAD_SET, 10);
  get('k0');
  pass(10);
  t.is(lruPullTail(1, COLD_LRU, 0, false, 0), 0, 'they are in their last second');
  pass(1);
  t.is(lruPullTail(1, COLD_LRU, 0, false, 0), 5);
  t.is(itemStat(1, 'reclaimed'), 5);
  t.is(itemStat(1, 'expired_unfetched'), 4);
});

test.serial('an item with a reference is evicted like any other, and counted in lrutail_reflocked', (t) => {
  start({ ...FLAT, lruMaintainerThread: true, maxbytes: MIB });
  for (const key of keyNames(2)) store(key, HALF_PAGE);
  const it = held('k0');
  t.is(store('k2', HALF_PAGE), STORED);
  t.deepEqual(keysOf(39 | COLD_LRU), ['k2']);
  t.is(itemStat(39, 'lrutail_reflocked'), 2, 'twice, for such an LRU is looked at for expired items first');
  t.is(itemStat(39, 'direct_reclaims'), 2);
  itemRemove(it);
});

test.serial('a locked item stays, and the item before it is evicted', (t) => {
  start({ ...FLAT, maxbytes: MIB });
  for (const key of keyNames(2)) store(key, HALF_PAGE);
  lock(hash('k0'));
  t.is(store('k2', HALF_PAGE), STORED);
  t.deepEqual(keysOf(39 | COLD_LRU), ['k2', 'k0']);
  unlock(hash('k0'));
});

test.serial('hits on an unlinked item move nothing', (t) => {
  start({ hotLruPct: 0 });
  for (const key of keyNames(2)) store(key, 'v');
  lruMaintainerJuggle(1);
  t.deepEqual(keysOf(1 | COLD_LRU), ['k1', 'k0']);
  const it = held('k0');
  remove('k0');
  for (let i = 0; i < 3; i++) itemBump(it);
  t.deepEqual([HOT_LRU, WARM_LRU, COLD_LRU].map((lru) => keysOf(1 | lru)), [[], [], ['k1']]);
  checkStorage([it]);
  itemRemove(it);
});

test.serial('cas numbers have 64 bits, and count on from the number that is set', (t) => {
  start();
  setCasId(0x1_ffff_fffen);
  const next = (): readonly number[] => {
    store('k', 'v');
    return casOf(item('k')).map((word) => word >>> 0);
  };
  t.deepEqual(next(), [1, 0xffffffff]);
  t.deepEqual(next(), [2, 0]);
  t.deepEqual(next(), [2, 1]);
  t.is(casId(), 0x2_0000_0001n);
});

test.serial('an item from before a restart is linked with its old cas number and time', (t) => {
  start();
  const it = alloc('k', 'v');
  setCas(it, 3, 4);
  const time = currentTime;
  setField(it, IT_TIME, time);
  pass(5);
  itemLinkFixup(it, hash('k'));
  t.is(field(it, IT_TIME), time);
  t.is(get('k'), 'v');
  t.deepEqual(casOf(it), [3, 4]);
  t.is(field(it, IT_REFCOUNT), 1);
  t.is(statsState.currItems, 1);
  t.is(statsState.currBytes, itemSize(1, 0, 3));
  t.is(resettable.totalItems, 1);
  store('l', 'v');
  t.is(resettable.totalItems, 2);
});

test.serial('segmented: allocations alone keep HOT within its share', (t) => {
  start({ hotLruPct: 20 });
  for (let i = 0; i < 1000; i++) store(`k${i}`, 'v');
  t.true(lruSize(1 | HOT_LRU) < 250, `${lruSize(1 | HOT_LRU)}`);
  t.is(lruSize(1 | HOT_LRU) + lruSize(1 | COLD_LRU), 1000);
});

test.serial('segmented: an active item survives a flood of others', (t) => {
  start({ maxbytes: 2 * MIB });
  store('canary', 'v'.repeat(66_560));
  for (let i = 0; i < 2; i++) get('canary');
  for (let i = 0; i < 20; i++) t.is(store(`k${i}`, 'v'.repeat(66_560)), STORED);
  for (let i = 0; i < 2; i++) get('canary');
  for (let i = 0; i < 100; i++) t.is(store(`k${i}`, 'v'.repeat(66_560)), STORED);
  t.true(has('canary'));
  t.true((total('evictions') ?? 0) > 50);
});

test.serial('segmented: when all items are active, the oldest is evicted', (t) => {
  start({ maxbytes: MIB });
  for (const key of keyNames(2)) {
    store(key, HALF_PAGE);
    for (let i = 0; i < 2; i++) get(key);
  }
  lruMaintainerJuggle(39);
  lruMaintainerJuggle(39);
  t.is(store('k2', HALF_PAGE), STORED);
  t.deepEqual(keyNames(3).filter(has), ['k1', 'k2']);
});

test.serial('segmented: when all items are in WARM and WARM is within its share, the oldest is evicted', (t) => {
  start({ maxbytes: MIB, warmLruPct: 100 });
  for (const key of keyNames(2)) {
    store(key, HALF_PAGE);
    for (let i = 0; i < 2; i++) get(key);
  }
  lruMaintainerJuggle(39);
  t.is(lruSize(39 | WARM_LRU), 2);
  t.is(store('k2', HALF_PAGE), STORED);
  t.deepEqual(keyNames(3).filter(has), ['k1', 'k2']);
});

test.serial('lru mode: from segmented to flat, all items move to COLD', (t) => {
  start();
  for (const key of keyNames(10)) store(key, 'v');
  for (let i = 0; i < 2; i++) get('k3');
  lruMaintainerJuggle(1);
  lruModeSet(false);
  lruMaintainerJuggle(1);
  t.is(lruSize(1 | COLD_LRU), 10);
  t.is(store('flat', 'v'), STORED);
  t.is(keysOf(1 | COLD_LRU)[0], 'flat');
});

test.serial('an item that expires soon is linked in TEMP, and never evicted', (t) => {
  start({ tempLru: true, temporaryTtl: 61, maxbytes: MIB });
  store('soon', 'v'.repeat(66_560), NREAD_SET, 61);
  store('later', 'v'.repeat(66_560), NREAD_SET, 62);
  for (let i = 0; i < 100; i++) store(`k${i}`, 'v'.repeat(66_560));
  t.deepEqual(keysOf(31 | TEMP_LRU), ['soon']);
  t.false(has('later'));
  pass(62);
  lruMaintainerJuggle(31);
  t.is(lruSize(31 | TEMP_LRU), 0);
  t.is(itemStat(31, 'reclaimed'), 1);
});

test.serial('the maintainer unlinks expired items of TEMP and COLD up to the limit that it is given', (t) => {
  for (const [tempLru, lru] of [[true, TEMP_LRU], [false, COLD_LRU]] as const) {
    start({ tempLru, temporaryTtl: 61, hotLruPct: 0 });
    for (const key of keyNames(12)) store(key, 'v', NREAD_SET, 10);
    lruMaintainerJuggle(1);
    t.is(lruSize(1 | lru), 12);
    pass(11);
    t.is(lruMaintainerJuggle(1, 5), 5);
    t.is(lruMaintainerJuggle(1), 7);
  }
});

test.serial('-M: nothing is evicted, and a store without memory fails', (t) => {
  for (const lruSegmented of [true, false]) {
    start({ lruSegmented, evictToFree: 0, maxbytes: MIB });
    for (const key of keyNames(2)) t.is(store(key, HALF_PAGE), STORED);
    t.is(store('k2', HALF_PAGE), null);
    t.is(store('large', 'v'.repeat(MIB - 100)), null);
    t.deepEqual(keyNames(2).filter(has).length, 2);
    t.is(itemStat(39, 'outofmemory'), 2);
    t.is(total('evictions'), 0);
  }
});

test.serial('a get of an expired item unlinks it, misses, and is counted in get_expired', (t) => {
  start();
  threadStats.getExpired = 0;
  store('k', 'v', NREAD_SET, 10);
  pass(9);
  t.true(has('k'));
  pass(1);
  t.false(has('k'));
  t.is(threadStats.getExpired, 1);
  t.is(statsState.currItems, 0);
});

test.serial('an expired item at the tail makes room before a live item is evicted', (t) => {
  start({ ...FLAT, maxbytes: MIB });
  store('dies', HALF_PAGE, NREAD_SET, 10);
  store('lives', HALF_PAGE);
  pass(11);
  store('new', HALF_PAGE);
  t.true(has('lives'));
  t.is(itemStat(39, 'reclaimed'), 1);
  t.is(itemStat(39, 'expired_unfetched'), 1);
  t.is(itemStat(39, 'evicted'), 0);
});

test.serial('touch sets a new expiry, and counts as a hit; a missing item gives NULL', (t) => {
  start();
  store('k', 'v', NREAD_SET, 10);
  t.is(itFlags(item('k')) & ITEM_FETCHED, 0);
  t.is(itemTouch(put(name, 'k'), 1, currentTime + 100, hash('k')), item('k'));
  t.not(itFlags(item('k')) & ITEM_FETCHED, 0);
  pass(50);
  t.true(has('k'));
  t.is(itemTouch(put(name, 'x'), 1, currentTime + 1, hash('x')), NULL);
  t.is(exptimeOf(NULL), 0);
});

for (const useCas of [true, false]) {
  const without = useCas ? '' : ', with -C';

  test.serial(`flush_all: items stored before it in the same second are flushed, items stored after it stay${without}`, (t) => {
    start({ useCas });
    threadStats.getFlushed = 0;
    store('before', 'v');
    flushAll();
    store('after', 'v');
    t.false(has('before'));
    t.is(threadStats.getFlushed, 1);
    t.is(get('after'), 'v');
    pass(1);
    t.is(get('after'), 'v');
    flushAll();
    t.false(has('after'));
  });

  test.serial(`flush_all: twenty flushes in one second each flush only what was stored before them${without}`, (t) => {
    start({ useCas });
    for (let i = 0; i < 20; i++) {
      flushAll();
      if (i > 0) t.false(has(`k${i - 1}`));
      store(`k${i}`, 'v');
      for (let hits = 0; hits < 3; hits++) t.true(has(`k${i}`));
    }
    t.true(has('k19'));
    pass(1);
    flushAll();
    t.is(keyNames(20).filter(has).length, 0);
  });
}

test.serial('flush_all: an item with a client-given cas number is flushed or kept like any other', (t) => {
  start();
  store('high', 'v');
  setCas(item('high'), 0xffff, 0);
  flushAll();
  store('low', 'v');
  setCas(item('low'), 0, 1);
  t.false(has('high'));
  t.true(has('low'));
});

test.serial('flush_all with a delay flushes, when the delay is over, the items stored before that second', (t) => {
  start();
  store('before', 'v');
  flushAll(currentTime + 10);
  store('between', 'v');
  pass(9);
  t.true(has('before'));
  store('late', 'v');
  pass(1);
  store('after', 'v');
  t.deepEqual(['before', 'between', 'late', 'after'].filter(has), ['after']);
});

test.serial('flush_all with the current time acts as one without a delay', (t) => {
  start();
  store('before', 'v');
  flushAll(currentTime);
  store('after', 'v');
  t.deepEqual(['before', 'after'].filter(has), ['after']);
});

test.serial('flush_all with a delay replaces an earlier delayed one; flushed items stay flushed', (t) => {
  start();
  store('k', 'v');
  flushAll(currentTime + 5);
  flushAll(currentTime + 20);
  pass(10);
  t.true(has('k'));
  flushAll();
  store('new', 'v');
  flushAll(currentTime + 5);
  t.false(has('k'));
  t.true(has('new'));
  pass(5);
  t.false(has('new'));
});

test.serial('flush_all: a bump does not move an item to the other side of the flush', (t) => {
  start(FLAT);
  store('k', 'v');
  pass(61);
  flushAll();
  store('new', 'v');
  t.is(get('k'), null);
  pass(61);
  flushAll();
  t.is(get('new'), null);
  store('newer', 'v');
  pass(61);
  get('newer');
  t.is(get('newer'), 'v', 'bumped in a second without a flush');
});

test.serial('flushed items at the tail make room without an eviction', (t) => {
  start({ ...FLAT, maxbytes: MIB });
  for (const key of keyNames(2)) store(key, HALF_PAGE);
  flushAll();
  store('new', HALF_PAGE);
  t.deepEqual(keysOf(39 | COLD_LRU), ['new']);
  t.is(itemStat(39, 'evicted'), 0);
  t.is(itemStat(39, 'reclaimed'), 2);
});

test.serial('an item with a reference keeps its value when it is unlinked, evicted or replaced', (t) => {
  start({ ...FLAT, maxbytes: MIB });
  store('k', HALF_PAGE);
  const it = held('k');
  t.true(remove('k'));
  t.is(valueOf(it), HALF_PAGE);
  checkStorage([it]);
  store('a', HALF_PAGE);
  t.is(store('b', HALF_PAGE), STORED, 'a goes, for k cannot');
  t.false(has('a'));
  const b = held('b');
  t.is(store('b', 'small'), STORED);
  t.is(valueOf(b), HALF_PAGE);
  t.is(store('c', HALF_PAGE), null, 'both chunks are held');
  itemRemove(it);
  itemRemove(b);
  t.throws(() => itemRemove(b), { message: /no reference to give up/ });
  t.is(store('c', HALF_PAGE), STORED);
});

test.serial('64 of 101 items of a megabyte stay in 64 MB, with one LRU and with several', (t) => {
  for (const lruSegmented of [false, true]) {
    start({ lruSegmented }, 80);
    for (let i = 0; i < 101; i++) t.is(storeRoom(`item_${i}`, MIB - 250), STORED);
    t.is(statsState.currItems, 64);
    t.is(total('evictions'), 37);
    t.is(slabsTotalMalloced(), 64 * MIB);
    if (!lruSegmented) {
      t.false(has('item_36'));
      t.true(has('item_37'));
    }
  }
});

test.serial('a large item evicts as many items as it needs, and none when it cannot fit', (t) => {
  start({ maxbytes: 16 * MIB, itemSizeMax: 16 * MIB }, 16);
  for (let i = 0; i < 16; i++) storeRoom(`k${i}`, MIB - 100);
  t.is(storeRoom('large', 10 * MIB - 100), STORED);
  t.is(statsState.currItems, 7);
  t.is(slabsTotalMalloced(), 16 * MIB);
  const others = [...keysOf(39 | HOT_LRU), ...keysOf(39 | COLD_LRU)].filter((key) => key !== 'large');
  for (const key of others) t.true(remove(key));
  t.is(store('small', 'v'), STORED, 'of another class, which takes a page');
  t.is(storeRoom('too large', 16 * MIB - 100), null);
  t.true(has('large'));
});

test.serial('a large item evicts items of WARM, too', (t) => {
  start({ maxbytes: 16 * MIB, itemSizeMax: 16 * MIB, warmLruPct: 100 }, 16);
  for (const key of keyNames(16)) {
    storeRoom(key, MIB - 100);
    for (let i = 0; i < 2; i++) itemBump(item(key));
  }
  lruMaintainerJuggle(39);
  t.is(lruSize(39 | WARM_LRU), 16);
  t.is(storeRoom('large', 14 * MIB - 100), STORED);
  t.is(statsState.currItems, 3);
});

test.serial('when memory is smaller than the limit, a large item is evicted only if the new one will fit', (t) => {
  start({ maxbytes: 32 * MIB, itemSizeMax: 16 * MIB }, 16);
  t.is(storeRoom('large', 10 * MIB - 100), STORED);
  t.is(store('small', 'v'), STORED);
  t.is(storeRoom('too large', 16 * MIB - 100), null);
  t.true(has('large'));
  t.is(storeRoom('fits', 15 * MIB - 100), STORED);
  t.false(has('large'));
});

test.serial('an item above the largest chunk size takes adjacent chunks, and evicts items of its class', (t) => {
  start({ ...FLAT, maxbytes: 4 * MIB, slabChunkSizeMax: 16 << 10 });
  for (const key of keyNames(128)) t.is(storeRoom(key, 30_000), STORED);
  const id = slabsClsid(30_000);
  t.like(slab(id), { total_pages: 4, used_chunks: 256, free_chunks: 0 });
  t.is(storeRoom('one chunk', 15_500), STORED);
  t.is(storeRoom('ten chunks', 160_000), STORED);
  t.is(storeRoom('a page', MIB - 100), STORED);
  t.false(has('k0'));
  t.true(has('k127') && has('one chunk') && has('ten chunks') && has('a page'));
  t.is(slabsTotalMalloced(), 4 * MIB);
});

test.serial('a large item that finds no hole evicts others until there is one', (t) => {
  start({ ...FLAT, maxbytes: 8 * MIB, itemSizeMax: 8 * MIB }, 8);
  for (const key of keyNames(8)) storeRoom(key, MIB - 100);
  for (const key of ['k1', 'k3', 'k5', 'k7']) remove(key);
  t.is(storeRoom('large', 3 * MIB - 100), STORED);
  t.true(has('k6'));
});

test.serial('a small item that needs a page evicts large items of its class until the limit is kept', (t) => {
  start({ ...FLAT, maxbytes: 16 * MIB, itemSizeMax: 2 * MIB }, 64);
  for (let i = 0; i < 16; i++) storeRoom(`large${i}`, MIB - 100);
  for (let id = 1; id <= 12; id++) storeRoom(`class${id}`, slabsSize(id) - 60); // each has its first page above the limit
  for (const key of keyNames(2)) t.is(store(key, HALF_PAGE), STORED, 'the first page');
  t.is(slabsTotalMalloced(), 29 * MIB);
  for (let i = 0; i < 3; i++) get('k0');
  t.is(store('k2', HALF_PAGE), STORED);
  t.true(slabsTotalMalloced() <= 16 * MIB);
  t.true(has('k0') && has('k1'));
});

test.serial('the first allocation in a second unlinks expired items at the tails of the class', (t) => {
  start();
  for (const key of keyNames(10)) store(key, 'v', NREAD_SET, 2);
  pass(4);
  store('new', 'v');
  t.is(statsState.currItems, 1);
  t.is(itemStat(1, 'reclaimed'), 10);
});

test.serial('append and prepend to a large item keep its data', (t) => {
  start({ itemSizeMax: 4 * MIB });
  const half = 'abcdefg'.repeat(100_000);
  store('k', half);
  t.is(store('k', half, NREAD_APPEND), STORED);
  t.is(store('k', half, NREAD_PREPEND), STORED);
  t.is(get('k'), half + half + half);
  t.like(slab(39), { total_pages: 3 });
});

test.serial("stats items has C's names in C's order", (t) => {
  start({ lruMaintainerThread: true, tempLru: true });
  store('k', 'v');
  const names: string[] = [];
  itemStats(1, (what) => names.push(what));
  t.deepEqual(names, [
    'number', 'number_hot', 'number_warm', 'number_cold', 'number_temp', 'age_hot', 'age_warm', 'age', 'mem_requested',
    'evicted', 'evicted_nonzero', 'evicted_time', 'outofmemory', 'tailrepairs', 'reclaimed', 'expired_unfetched',
    'evicted_unfetched', 'evicted_active', 'crawler_reclaimed', 'crawler_items_checked', 'lrutail_reflocked',
    'moves_to_cold', 'moves_to_warm', 'moves_within_lru', 'direct_reclaims', 'hits_to_hot', 'hits_to_warm',
    'hits_to_cold', 'hits_to_temp',
  ]);
  t.is(itemStat(1, 'mem_requested'), itemSize(1, 0, 3));
  itemStats(2, () => t.fail('a class without items tells nothing'));
});

test.serial('stats cachedump lists items of COLD from its head, without binary keys, up to the limit', (t) => {
  start(FLAT);
  for (const key of keyNames(4)) store(key, 'v');
  const dump = (limit: number, most = Infinity): string[] => {
    const keys: string[] = [];
    itemCachedump(1, limit, (it) => keys.push(keyText(it)) < most);
    return keys;
  };
  t.deepEqual(dump(0), ['k3', 'k2', 'k1', 'k0']);
  t.deepEqual(dump(2), ['k3', 'k2']);
  t.deepEqual(dump(0, 3), ['k3', 'k2', 'k1']);
  setItFlags(item('k2'), itFlags(item('k2')) | ITEM_KEY_BINARY);
  t.deepEqual(dump(2), ['k3', 'k1']);
  itemCachedump(200, 0, () => t.fail('there is no such class'));
});

test.serial('stats sizes counts items by size, in steps of 32 bytes', (t) => {
  start();
  itemStatsSizesInit();
  const sizes = (): [number, number][] => {
    const all: [number, number][] = [];
    itemStatsSizes((size, count) => all.push([size, count]));
    return all;
  };
  store('k', 'v'.repeat(20)); // 64 bytes
  store('l', 'v'.repeat(21)); // 65 bytes
  store('m', 'v'.repeat(21));
  t.deepEqual(sizes(), [[64, 1], [96, 2]]);
  remove('m');
  t.deepEqual(sizes(), [[64, 1], [96, 1]]);
  t.is(clsidOf(item('k')), 1);
});
