// items.c and slabs.c without a network: classes, chunks, the lists of items, and what is evicted.
import test from 'ava';
import fc from 'fast-check';

import {
  itemAlloc, itemCachedump, itemFree, itemInit, itemLink, itemRemove, itemReplace, itemStats, itemStatsSizes,
  itemUnlink, itemUpdate,
} from '../lib/items';
import { NULL, bss, free, malloc, mallinfo, memoryInit } from '../lib/libc/memory';
import { assocFind, assocInit } from '../lib/memcached';
import { ITEM_LINKED, Item, SIZEOF_ITEM, stats } from '../lib/memcached.h';
import { slabsAlloc, slabsClsid, slabsFree, slabsInit, slabsStats } from '../lib/slabs';
import { eventEconomy } from '../reactor/backends';
import { eventInit } from '../reactor/event';
import { bytes, put, putz, text } from './support/memory';
import { upTo } from './support/thorough';

const MIB = 1 << 20;
const name = bss(256);
const reply = bss(4096);

eventEconomy(false);
eventInit(); // the clock, and the array's random key

/** Everything as after a start with `-m` and these megabytes. */
function start(megabytes: number): void {
  memoryInit(8 * MIB, 8 * MIB, (megabytes + 8) * MIB);
  itemInit();
  assocInit();
  slabsInit(megabytes * MIB);
  stats.currItems = stats.currBytes = stats.totalItems = 0;
}

function tryAlloc(key: string, data: string): Item | null {
  const it = itemAlloc(putz(name, key), 7, 0, data.length + 2);
  if (it !== null) put(it.data, `${data}\r\n`);
  return it;
}

function alloc(key: string, data: string): Item {
  const it = tryAlloc(key, data);
  if (it === null) throw new Error(`no memory for ${key}`);
  return it;
}

function link(key: string, data: string): Item {
  const it = alloc(key, data);
  itemLink(it);
  return it;
}

function find(key: string): Item | null {
  return assocFind(putz(name, key));
}

/** The keys of a class, from the most to the least recently used. */
function keys(id: number, limit = 0): string[] {
  return [...dump(id, limit).matchAll(/^ITEM (\S+) \[/gm)].map(([, key]) => key);
}

function dump(id: number, limit = 0): string {
  const length = { value: 0 };
  const p = itemCachedump(id, limit, length);
  const lines = bytes(p, length.value);
  free(p);
  return lines;
}

function slabs(id: number): { total: number; free: number; end: number } {
  slabsStats(reply, 4096);
  const said = text(reply);
  const of = (what: string): number => Number(new RegExp(`^STAT ${id}:${what} (\\d+)\r$`, 'm').exec(said)?.[1] ?? NaN);
  return { total: of('total_chunks'), free: of('free_chunks'), end: of('free_chunks_end') };
}

const classes: [number, number][] = [
  [0, 0], [1, 6], [63, 6], [64, 6], [65, 7], [128, 7], [129, 8], [256, 8], [257, 9], [65_536, 16], [65_537, 17],
  [524_288, 19], [524_289, 20], [1_048_575, 20], [1_048_576, 20], [1_048_577, 0], [2 ** 31, 0], [2 ** 32 - 1, 0],
];
for (const [size, id] of classes) {
  test.serial(`slabs_clsid: ${size} bytes belong to class ${id}`, (t) => {
    t.is(slabsClsid(size), id);
  });
}

test.serial('slabs_clsid gives the smallest power of two that is large enough', (t) => {
  fc.assert(fc.property(fc.integer({ min: 1, max: MIB }), (size) => {
    const id = slabsClsid(size);
    t.true(size <= 2 ** id);
    t.true(id === 6 || size > 2 ** (id - 1));
  }));
});

test.serial('a page of a megabyte is allocated chunk by chunk, from its beginning to its end', (t) => {
  for (const id of [6, 13, 19]) {
    start(2);
    const perslab = MIB / 2 ** id;
    const page = slabsAlloc(id);
    for (let i = 1; i < perslab; i++) if (slabsAlloc(id) !== page + i * 2 ** id) t.fail(`chunk ${i} of class ${id}`);
    t.deepEqual(slabs(id), { total: perslab, free: 0, end: 0 });
    const next = slabsAlloc(id);
    t.true(next < page || next >= page + MIB);
    t.deepEqual(slabs(id), { total: 2 * perslab, free: 0, end: perslab - 1 });
  }
});

test.serial('the chunk that was freed last is allocated first, before the rest of a page', (t) => {
  start(2);
  const chunks = [slabsAlloc(10), slabsAlloc(10), slabsAlloc(10)];
  for (const p of chunks) slabsFree(p, 10);
  t.is(slabs(10).free, 3);
  t.deepEqual([slabsAlloc(10), slabsAlloc(10), slabsAlloc(10)], chunks.reverse());
  t.is(slabs(10).free, 0);
});

test.serial('at the limit no class gets another page, but each goes on using its own chunks', (t) => {
  start(2);
  t.not(slabsAlloc(20), 0);
  const half = slabsAlloc(19);
  t.is(slabsAlloc(20), 0);
  t.is(slabsAlloc(6), 0);
  t.is(slabsAlloc(19), half + MIB / 2);
  t.is(slabsAlloc(19), 0);
  slabsFree(half, 19);
  t.is(slabsAlloc(19), half);
});

test.serial('a limit of 0 means none: pages are allocated until the memory ends', (t) => {
  start(0);
  let pages = 0;
  while (slabsAlloc(20) !== 0) pages++;
  t.true(pages >= 8);
});

test.serial('a class that does not exist gets no chunk, and a free to it does nothing', (t) => {
  start(2);
  for (const id of [0, 5, 21, 32]) t.is(slabsAlloc(id), 0);
  t.notThrows(() => { slabsFree(1, 21); });
});

test.serial('thousands of chunks can be freed, and all are allocated again', (t) => {
  start(1);
  const chunks = new Set<number>();
  for (let p = slabsAlloc(7); p !== 0; p = slabsAlloc(7)) chunks.add(p);
  t.is(chunks.size, MIB / 128);
  for (const p of chunks) slabsFree(p, 7);
  const again = new Set<number>();
  for (let p = slabsAlloc(7); p !== 0; p = slabsAlloc(7)) again.add(p);
  t.deepEqual(again.size, chunks.size);
  t.true([...again].every((p) => chunks.has(p)));
});

test.serial('item_alloc puts the key behind the structure, padded to words with its NUL, and the data behind the key', (t) => {
  start(8);
  for (const [key, room] of [['abc', 4], ['abcd', 8], ['k'.repeat(250), 252]] as const) {
    const it = alloc(key, 'data');
    t.is(it.key, it.ptr + SIZEOF_ITEM);
    t.is(it.data, it.key + room);
    t.is(text(it.key), key);
    t.is(it.nbytes, 6);
    t.is(it.ntotal, SIZEOF_ITEM + room + 6);
    t.is(it.slabsClsid, slabsClsid(it.ntotal));
    t.deepEqual([it.flags, it.exptime, it.refcount, it.itFlags, it.next, it.prev], [7, 0, 0, 0, null, null]);
  }
});

test.serial('item_alloc: the largest item fills a page; one byte more is too large', (t) => {
  start(2);
  const most = MIB - SIZEOF_ITEM - 4 - 2;
  t.is(tryAlloc('key', 'x'.repeat(most + 1)), null);
  t.is(alloc('key', 'x'.repeat(most)).ntotal, MIB);
});

test.serial('item_link makes an item findable and counts it; item_unlink undoes that and frees the chunk', (t) => {
  start(1);
  const it = alloc('key', 'data');
  t.is(find('key'), null);
  itemLink(it);
  t.is(find('key')?.ptr, it.ptr);
  t.is(it.itFlags, ITEM_LINKED);
  t.deepEqual([stats.currItems, stats.totalItems, stats.currBytes], [1, 1, it.ntotal]);
  itemUnlink(it);
  t.is(find('key'), null);
  t.is(it.itFlags, 0);
  t.deepEqual([stats.currItems, stats.totalItems, stats.currBytes], [0, 1, 0]);
  t.is(alloc('other', 'data').ptr, it.ptr);
});

test.serial('an unlinked item with references keeps its memory until the last one is released', (t) => {
  start(1);
  const it = link('key', 'data');
  it.refcount = 2;
  itemUnlink(it);
  t.is(find('key'), null);
  t.is(slabs(6).free, 0);
  const other = link('key', 'news');
  t.not(other.ptr, it.ptr);
  t.is(bytes(it.data, 6), 'data\r\n');
  itemRemove(it);
  t.is(slabs(6).free, 0);
  itemRemove(it);
  t.is(slabs(6).free, 1);
  t.is(alloc('next', 'data').ptr, it.ptr);
});

test.serial('releasing the reference to a linked item leaves it linked', (t) => {
  start(1);
  const it = link('key', 'data');
  it.refcount = 1;
  itemRemove(it);
  t.is(it.refcount, 0);
  t.is(find('key')?.ptr, it.ptr);
  itemRemove(it);
  t.is(slabs(6).free, 0);
});

test.serial('releasing an item without references that is not linked frees it', (t) => {
  start(2);
  const it = alloc('a', '');
  it.refcount = 0;
  const before = slabs(6).free;
  itemRemove(it);
  t.is(slabs(6).free, before + 1);
});

test.serial('item_free gives back the chunk of an item that was never linked', (t) => {
  start(1);
  const it = alloc('key', 'data');
  itemFree(it);
  t.deepEqual([stats.currItems, slabs(6).free], [0, 1]);
});

test.serial('item_replace puts the new item in the place of the old one, at the head of its class', (t) => {
  start(8);
  const old = link('a', 'one');
  link('b', 'two');
  const other = alloc('a', 'x'.repeat(100));
  itemReplace(old, other);
  t.is(find('a')?.ptr, other.ptr);
  t.deepEqual([keys(6), keys(8)], [['b'], ['a']]);
  t.deepEqual([stats.currItems, stats.totalItems], [2, 3]);
});

test.serial('cachedump lists items from the most to the least recently linked or used', (t) => {
  start(1);
  const [a, , c] = ['a', 'b', 'c', 'd'].map((key) => link(key, '1'));
  t.deepEqual(keys(6), ['d', 'c', 'b', 'a']);
  itemUpdate(a);
  t.deepEqual(keys(6), ['a', 'd', 'c', 'b']);
  itemUpdate(c);
  t.deepEqual(keys(6), ['c', 'a', 'd', 'b']);
  itemUpdate(c);
  t.deepEqual(keys(6), ['c', 'a', 'd', 'b']);
  t.deepEqual(keys(6, 2), ['c', 'a']);
  itemUnlink(a);
  t.deepEqual(keys(6), ['c', 'd', 'b']);
});

type Step = { what: 'link' | 'unlink' | 'update'; key: string };
const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom('link', 'link', 'unlink', 'update'),
  key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
});
test.serial('the list of a class matches a model, whatever is linked, unlinked and used', (t) => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    start(1);
    let model: string[] = [];
    for (const { what, key } of steps) {
      const it = find(key);
      t.is(it !== null, model.includes(key));
      if (what === 'link' && it === null) link(key, '1');
      else if (it === null) continue;
      else if (what === 'link') itemReplace(it, alloc(key, '1'));
      else if (what === 'unlink') itemUnlink(it);
      else itemUpdate(it);
      model = model.filter((other) => other !== key);
      if (what !== 'unlink') model.unshift(key);
      t.deepEqual(keys(6), model);
      t.is(stats.currItems, model.length);
    }
  }), { numRuns: upTo(15, 100) });
});

test.serial("cachedump gives a line for each item, with the data's length without the line end, and an END", (t) => {
  start(8);
  t.is(dump(6), 'END\r\n');
  const it = link('key', 'data');
  t.is(dump(6), `ITEM key [4 b; ${it.time} s]\r\nEND\r\n`);
  t.is(itemCachedump(32, 0, { value: 0 }), 0);
  const longest = link('k'.repeat(250), '');
  t.is(dump(slabsClsid(longest.ntotal)), `ITEM ${'k'.repeat(250)} [0 b; ${it.time} s]\r\nEND\r\n`);
});

test.serial('cachedump stops at the end of its two megabytes', (t) => {
  start(8);
  const many = 15_000;
  for (let i = 0; i < many; i++) link('k'.repeat(200) + String(i), '');
  const lines = dump(9);
  t.true(lines.length <= 2 * MIB);
  t.true(lines.length > 2 * MIB - 300);
  t.true(lines.endsWith(' s]\r\nEND\r\n'));
});

test.serial('when memory is full, the least recently used item of the class is evicted, and no other', (t) => {
  start(1);
  const data = 'x'.repeat(250_000); // four to a page
  const [a] = ['a', 'b', 'c', 'd'].map((key) => link(key, data));
  itemUpdate(a);
  link('e', data);
  t.deepEqual(keys(18), ['e', 'a', 'd', 'c']);
  t.is(find('b'), null);
  t.is(tryAlloc('other', 'small'), null, 'a class without a page gets none');
  t.deepEqual(keys(18), ['e', 'a', 'd', 'c']);
});

test.serial('an item with a reference is skipped by eviction', (t) => {
  start(1);
  const data = 'x'.repeat(250_000);
  const [a, b] = ['a', 'b', 'c', 'd'].map((key) => link(key, data));
  a.refcount = b.refcount = 1;
  link('e', data);
  t.deepEqual(keys(18), ['e', 'd', 'b', 'a']);
});

for (const [held, evicts] of [[49, true], [50, false]] as const) {
  test.serial(`with references to the last ${held} items, ${evicts ? 'the next one is evicted' : 'there is no memory: the search ends'}`, (t) => {
    start(1);
    const data = 'x'.repeat(16_000); // 64 to a page
    const all = Array.from({ length: 64 }, (_, i) => link(`key${i}`, data));
    for (const it of all.slice(0, held)) it.refcount = 1;
    const it = tryAlloc('new', data);
    t.is(it !== null, evicts);
    t.is(find(`key${held}`) === null, evicts);
    t.is(keys(14).length, evicts ? 63 : 64);
  });
}

test.serial('stats items gives the number of items of each class, and the age of the last one', (t) => {
  start(2);
  itemStats(reply, 4096);
  t.is(text(reply), 'END');
  link('a', '');
  link('b', '');
  link('c', 'x'.repeat(1000)).time -= 60;
  itemStats(reply, 4096);
  t.regex(
    text(reply),
    /^STAT items:6:number 2\r\nSTAT items:6:age [01]\r\nSTAT items:11:number 1\r\nSTAT items:11:age 6[01]\r\nEND$/,
  );
  itemStats(reply, 4095);
  t.is(text(reply), 'SERVER_ERROR out of memory');
});

test.serial('stats items no longer counts an unlinked item, and gives the age of the last one left', (t) => {
  start(2);
  const [a, b] = ['a', 'b', 'c'].map((key) => link(key, ''));
  a.time -= 60;
  itemUnlink(b);
  itemStats(reply, 4096);
  t.regex(text(reply), /^STAT items:6:number 2\r\nSTAT items:6:age 6[01]\r\nEND$/);
  itemUnlink(a);
  itemStats(reply, 4096);
  t.regex(text(reply), /^STAT items:6:number 1\r\nSTAT items:6:age [01]\r\nEND$/);
});

test.serial('a dump without memory for its lines gives NULL, and leaks nothing', (t) => {
  start(2);
  link('a', '');
  let last = NULL;
  for (let p = malloc(2 * MIB); p !== NULL; p = malloc(2 * MIB)) last = p;
  free(last);
  malloc(MIB); // leaves room for the histogram alone
  const before = mallinfo();
  const atNull = bytes(NULL, 4096);
  const length = { value: 0 };
  t.is(itemCachedump(6, 0, length), NULL);
  t.is(itemStatsSizes(length), NULL);
  t.deepEqual(mallinfo(), before);
  t.is(bytes(NULL, 4096), atNull);
});

test.serial('stats sizes counts items by size, rounded up to 32 bytes, whatever its memory held before', (t) => {
  start(2);
  for (const size of [2 * MIB, 32768 * 4]) {
    const p = malloc(size);
    put(p, '\xff'.repeat(size));
    free(p);
  }
  link('a', ''); // 48 + 4 + 2
  link('b', 'x'.repeat(10)); // 64
  link('c', 'x'.repeat(11)); // 65
  const before = mallinfo();
  const length = { value: 0 };
  const p = itemStatsSizes(length);
  t.is(bytes(p, length.value), '64 2\r\n96 1\r\nEND\r\n');
  free(p);
  t.deepEqual(mallinfo(), before);
});

test.serial('stats slabs lists the classes with pages, and the total allocated', (t) => {
  start(3);
  slabsStats(reply, 4096);
  t.is(text(reply), 'STAT active_slabs 0\r\nSTAT total_malloced 0\r\nEND');
  slabsFree(slabsAlloc(19), 19);
  slabsAlloc(20);
  slabsStats(reply, 4096);
  t.deepEqual(text(reply).split('\r\n'), [
    'STAT 19:chunk_size 524288', 'STAT 19:chunks_per_page 2', 'STAT 19:total_pages 1', 'STAT 19:total_chunks 2',
    'STAT 19:used_chunks 1', 'STAT 19:free_chunks 1', 'STAT 19:free_chunks_end 1',
    'STAT 20:chunk_size 1048576', 'STAT 20:chunks_per_page 1', 'STAT 20:total_pages 1', 'STAT 20:total_chunks 1',
    'STAT 20:used_chunks 1', 'STAT 20:free_chunks 0', 'STAT 20:free_chunks_end 0',
    'STAT active_slabs 2', 'STAT total_malloced 2097152', 'END',
  ]);
  slabsStats(reply, 4095);
  t.is(text(reply), 'ERROR buffer too small');
});
