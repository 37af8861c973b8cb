// slabs.ts and pages.ts of lib/1.6: the table of classes, which is C's, chunks, blocks of large items, and the limit.
import test from 'ava';

import { PAGE_BYTES, isBlock, pageAlloc, pagesFree, runAlloc, runFree } from '../lib/1.6/pages';
import {
  powerLargest, slabsAdjustMemLimit, slabsAlloc, slabsAvailableChunks, slabsClassCheck, slabsClsid, slabsFree,
  slabsHasBlocks, slabsLargeFits, slabsLimitReached, slabsPageCount, slabsPickAnyForReassign, slabsSize,
  slabsTotalMalloced,
} from '../lib/1.6/slabs';
import type { Settings } from '../lib/1.6/settings';
import { settings } from '../lib/1.6/settings';
import { IT_REFCOUNT, ITEM_SLABBED, field, itFlags } from '../lib/1.6/memcached.h';
import type { Ptr } from '../lib/libc/memory';
import { NULL, mallocForItems, memoryInit, takeItemsArena } from '../lib/libc/memory';
import { Errx } from '../reactor/err';
import { MIB, slab, start } from './support/storage';

// What memcached 1.6.45 says with -vv.
const tables: [string, Partial<Settings>, number[] | undefined, string][] = [
  ['the defaults', {}, undefined, '96 120 152 192 240 304 384 480 600 752 944 1184 1480 1856 2320 2904 3632 4544 5680 7104 ' +
    '8880 11104 13880 17352 21696 27120 33904 42384 52984 66232 82792 103496 129376 161720 202152 252696 315872 394840 ' +
    '524288'],
  ['-f 2', { factor: 2 }, undefined, '96 192 384 768 1536 3072 6144 12288 24576 49152 98304 196608 524288'],
  ['-f 1.08 -n 10', { factor: 1.08, chunkSize: 10 }, undefined, '64 72 80 88 96 104 112 120 136 152 168 184 200 216 240 264 ' +
    '288 312 336 368 400 432 472 512 552 600 648 704 760 824 896 968 1048 1136 1232 1336 1448 1568 1696 1832 1984 2144 ' +
    '2320 2512 2712 2928 3168 3424 3704 4000 4320 4672 5048 5456 5896 6368 6880 7432 8032 8680 9376 10128 524288'],
  ['-n 200', { chunkSize: 200 }, undefined, '248 312 392 496 624 784 984 1232 1544 1936 2424 3032 3792 4744 5936 7424 9280 ' +
    '11600 14504 18136 22672 28344 35432 44296 55376 69224 86536 108176 135224 169032 211296 264120 330152 412696 524288'],
  ['-f 1.5 -n 1 -I 512k', { factor: 1.5, chunkSize: 1, itemSizeMax: 512 << 10 }, undefined, '56 88 136 208 312 472 712 1072 ' +
    '1608 2416 3624 5440 8160 12240 18360 27544 41320 61984 92976 139464 209200 313800 524288'],
  ['-o slab_chunk_max=16', { slabChunkSizeMax: 16 << 10 }, undefined, '96 120 152 192 240 304 384 480 600 752 944 1184 1480 ' +
    '1856 2320 2904 3632 4544 5680 7104 8880 11104 16384'],
  ['-I 1024 -o slab_chunk_max=1', { itemSizeMax: 1024, slabChunkSizeMax: 1024 }, undefined, '96 120 152 192 240 304 384 480 ' +
    '600 752 1024'],
  ['-o slab_sizes=100-200-333-1000', {}, [100, 200, 333, 1000], '104 200 336 1000 524288'],
  ['-f 1.01, which does not grow', { factor: 1.01 }, undefined, `${'96 '.repeat(62)}524288`],
];

for (const [options, changed, slabSizes, table] of tables) {
  test.serial(`slab classes are those of C: ${options}`, (t) => {
    start(changed, 1, slabSizes ? { slabSizes } : {});
    const sizes = Array.from({ length: powerLargest }, (_, i) => slabsSize(i + 1));
    t.is(sizes.join(' '), table);
    for (let bytes = 1; bytes <= settings.itemSizeMax; bytes += bytes < 5000 ? 1 : 997) {
      const smallest = sizes.findIndex((size) => size >= bytes) + 1;
      if (slabsClsid(bytes) !== (smallest || powerLargest)) t.fail(`${bytes} bytes are of class ${slabsClsid(bytes)}`);
    }
    t.is(slabsClsid(0), 0);
    t.is(slabsClsid(settings.itemSizeMax), powerLargest);
    t.is(slabsClsid(settings.itemSizeMax + 1), 0, 'too large');
  });
}

test.serial('a class takes a page at a time, and all its chunks are in it', (t) => {
  start();
  const first = slabsAlloc(96, 1);
  t.is(slabsPageCount(1), 1);
  t.is(slabsTotalMalloced(), MIB);
  t.is(slabsAvailableChunks(1), 10_921);
  t.is(field(first, IT_REFCOUNT), 1);
  const chunks = new Set([first]);
  for (let i = 1; i < 10_922; i++) chunks.add(slabsAlloc(90, 1));
  t.is(chunks.size, 10_922);
  t.is(slabsPageCount(1), 1);
  t.true([...chunks].every((p) => p % 8 === 0 && p >= 65536));
  slabsAlloc(90, 1);
  t.is(slabsPageCount(1), 2);
  t.like(slab(1), { chunk_size: 96, total_chunks: 21_844, used_chunks: 10_923, free_chunks: 10_921 });
});

test.serial('a freed chunk is marked, and is the next one allocated', (t) => {
  start();
  const a = slabsAlloc(100, 2), b = slabsAlloc(100, 2);
  slabsFree(a, 2);
  t.is(itFlags(a), ITEM_SLABBED);
  t.is(field(a, IT_REFCOUNT), 0);
  t.is(slabsAlloc(120, 2), a);
  t.is(itFlags(a), 0);
  t.not(slabsAlloc(100, 2), b);
});

test.serial('allocations keep to the limit, except for the first page of a class', (t) => {
  start({ maxbytes: 2 * MIB });
  for (let i = 0; i < 2 * 10_922; i++) slabsAlloc(96, 1);
  t.is(slabsAlloc(96, 1), NULL);
  t.is(slabsTotalMalloced(), 2 * MIB);
  t.not(slabsAlloc(500, 9), NULL);
  t.is(slabsTotalMalloced(), 3 * MIB);
  t.true(slabsAdjustMemLimit(4 * MIB));
  t.not(slabsAlloc(96, 1), NULL);
  t.is(slabsTotalMalloced(), 4 * MIB);
  t.is(settings.maxbytes, 4 * MIB);
});

test.serial('the limit cannot exceed the arena; when the arena is used up, no class gets a first page', (t) => {
  start({ maxbytes: MIB }, 2);
  t.false(slabsAdjustMemLimit(2 * MIB + 1));
  t.is(settings.maxbytes, MIB);
  t.true(slabsAdjustMemLimit(2 * MIB));
  slabsAlloc(96, 1);
  t.false(slabsLimitReached());
  slabsAlloc(100, 2);
  t.true(slabsLimitReached());
  t.is(slabsAlloc(500, 9), NULL);
  t.is(slabsTotalMalloced(), 2 * MIB);
});

test.serial('a class without a page and an empty pool have no stats', (t) => {
  start();
  slabsAlloc(96, 1);
  t.deepEqual(slab(2), {});
  t.deepEqual(slab(0), {});
});

test.serial('without a limit, the arena is the limit', (t) => {
  start({ maxbytes: 0 }, 3);
  let pages = 0;
  while (slabsAlloc(500_000, 39) !== NULL) pages += 0.5;
  t.is(pages, 3);
});

test.serial('preallocated memory gives each class a page, and its limit cannot be changed', (t) => {
  start({ maxbytes: 64 * MIB }, 64, { preallocate: true });
  t.is(slabsTotalMalloced(), 39 * MIB);
  t.is(slabsPageCount(39), 1);
  t.false(slabsAdjustMemLimit(100 * MIB));
  t.is(settings.maxbytes, 64 * MIB);
  const error = t.throws(() => start({ maxbytes: 38 * MIB }, 64, { preallocate: true }), { instanceOf: Errx });
  t.regex(error.message, /must be at least 39 megabytes/);
});

test.serial('a large item takes whole megabytes of its own, and gives them back for any use', (t) => {
  start({ maxbytes: 10 * MIB, itemSizeMax: 5 * MIB });
  const it = slabsAlloc(2 * MIB + 1, 39);
  t.is(it % MIB, 0);
  t.is(slabsTotalMalloced(), 3 * MIB);
  t.like(slab(39), { total_pages: 3, total_chunks: 6, used_chunks: 6, free_chunks: 0 });
  t.is(slabsAlloc(8 * MIB, 39), NULL);
  slabsFree(it, 39);
  t.is(slabsTotalMalloced(), 0);
  t.not(slabsAlloc(8 * MIB, 39), NULL);
  t.is(slabsAlloc(2 * MIB + 1, 39), NULL);
  for (let i = 0; i < 2; i++) t.not(slabsAlloc(500_000, 39), NULL);
});

test.serial('an item of more than half a page is a block if items may exceed a page, and never otherwise', (t) => {
  start({ itemSizeMax: 2 * MIB });
  t.false(isBlock(slabsAlloc(MIB / 2, 39)));
  t.false(slabsHasBlocks(39));
  const block = slabsAlloc(MIB / 2 + 1, 39);
  t.true(isBlock(block));
  t.deepEqual([39, 38, 1].map(slabsHasBlocks), [true, false, false]);
  slabsFree(block, 39);
  t.false(slabsHasBlocks(39));
  start({ itemSizeMax: MIB });
  t.false(isBlock(slabsAlloc(MIB, 39)));
});

test.serial('a large item fits if the limit has room for it beside the pages; other large items can be evicted', (t) => {
  start({ maxbytes: 4 * MIB, itemSizeMax: 4 * MIB }, 8);
  slabsAlloc(96, 1);
  const fitting = (): number[] => [1, 2, 3, 4].filter((megabytes) => slabsLargeFits(megabytes * MIB));
  t.deepEqual(fitting(), [1, 2, 3]);
  slabsAlloc(3 * MIB, 39);
  t.deepEqual(fitting(), [1, 2, 3]);
  start({ maxbytes: MIB, itemSizeMax: 4 * MIB }, 8);
  slabsAlloc(96, 1);
  t.deepEqual(fitting(), [1], 'the first of its class');
  t.true(slabsLargeFits(500_000), 'it has chunks');
});

test.serial('a large item of one megabyte does not go above the limit when its class has a page already', (t) => {
  start({ maxbytes: 2 * MIB, itemSizeMax: 2 * MIB });
  slabsAlloc(500_000, 39);
  slabsAlloc(96, 1);
  t.is(slabsAlloc(MIB, 39), NULL);
});

test.serial('a class can give a page away if it has more than one; the classes take turns', (t) => {
  start();
  t.is(slabsPickAnyForReassign(9), -1);
  start();
  for (const id of [1, 3, 9, 38]) {
    while (slabsPageCount(id) < 2) slabsAlloc(slabsSize(id), id);
  }
  slabsAlloc(slabsSize(5), 5);
  t.deepEqual([9, 9, 9, 9].map(slabsPickAnyForReassign), [1, 3, 38, 1]);
  t.deepEqual([-1, 0, 39, 40].map(slabsClassCheck), [false, true, true, false]);
});

test.serial('when other classes use up the limit, a large item of one megabyte still fits, but no larger one', (t) => {
  start({ maxbytes: 2 * MIB, itemSizeMax: 2 * MIB });
  for (let i = 0; i < 2 * 10_922; i++) slabsAlloc(96, 1);
  t.is(slabsAlloc(MIB + 1, 39), NULL);
  const it = slabsAlloc(MIB, 39);
  t.not(it, NULL);
  t.is(slabsAlloc(MIB, 39), NULL);
  slabsFree(it, 39);
  t.is(slabsAlloc(MIB, 39), it);
  t.not(slabsAlloc(500_000, 39), NULL, 'nor does the first page depend on large items');
});

test.serial('a run takes the first fit from the high end, a page comes from the low end', (t) => {
  start({ maxbytes: 0 }, 8);
  const page = pageAlloc();
  const [a, b, c] = [runAlloc(2), runAlloc(1), runAlloc(3)];
  t.deepEqual([a, b, c].map((p) => (p - page) / PAGE_BYTES), [6, 5, 2]);
  t.is(pagesFree(), 1);
  t.is(runAlloc(2), NULL);
  t.is(runFree(a), 2);
  t.is(runAlloc(3), NULL, 'three are free, but not side by side');
  t.is(runFree(b), 1);
  t.is(runAlloc(3), b);
  t.is(pageAlloc(), page + PAGE_BYTES);
  t.is(pageAlloc(), NULL);
  t.is(runFree(page), 1);
  t.is(pageAlloc(), page);
  t.throws(() => runFree(c + PAGE_BYTES), { message: /is not the start of a run/ });
  t.throws(() => runFree(c + 8), { message: /is not the start of a run/ });
});

test.serial('the arena of items is taken as a whole or not at all', (t) => {
  memoryInit(MIB, MIB, 5 * MIB);
  const { start: first, end } = takeItemsArena();
  t.is(end - first, 5 * MIB);
  t.is(first % MIB, 0);
  t.is(mallocForItems(100), NULL);
  memoryInit(MIB, MIB, 5 * MIB);
  const p: Ptr = mallocForItems(100);
  t.not(p, NULL);
  t.throws(takeItemsArena, { message: 'the arena of items is in use' });
});
