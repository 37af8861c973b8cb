// The flat memory and its malloc: against a model, at its ends, and beyond 2^31.
import test from 'ava';
import fc from 'fast-check';

import type { Ptr } from '../lib/libc/memory';
import { i32, u32, u8 } from '../lib/libc/heap';
import {
  MEMORY_MAX_BYTES, NULL, SMALL_MAX_BYTES, bss, free, mallinfo, malloc, mallocForItems, memoryInit, realloc,
  reallocForItems,
} from '../lib/libc/memory';
import { item } from '../lib/memcached.h';
import { sprintf, sscanf } from '../lib/libc/stdio';
import { memchr, memcpy, memmove, strcmp } from '../lib/libc/string';
import { Errx } from '../reactor/err';
import { ENOMEM, errno, setErrno } from '../reactor/errno.h';
import { bytes, put, putz } from './support/memory';
import { upTo } from './support/thorough';

const MIB = 1 << 20;
const GIB = 2 ** 30;
const STATIC_SIZE_BYTES = 1 << 16;

// Taken before there is a memory, as the modules of lib do.
const early = bss(10);
const later = bss(1);

interface Block {
  p: Ptr;
  size: number;
  fill: number;
  forItems?: boolean;
}

function fillBlock({ p, size, fill }: Block): void {
  u8.fill(fill, p, p + size);
}

function keeps({ p, size, fill }: Block): boolean {
  return Buffer.from(u8.buffer, p, size).equals(Buffer.alloc(size, fill));
}

function liesRight(blocks: readonly Block[]): boolean {
  const inOrder = [...blocks].sort((a, b) => a.p - b.p);
  return inOrder.every(({ p, size }, i) => {
    const end = i + 1 < inOrder.length ? inOrder[i + 1].p : u8.length;
    return p >= STATIC_SIZE_BYTES && p % 4 === 0 && p + size <= end;
  });
}

const size = fc.oneof(
  { arbitrary: fc.nat(600), weight: 3 },
  { arbitrary: fc.nat(70_000), weight: 3 },
  { arbitrary: fc.integer({ min: MIB - 2, max: 3 * MIB }), weight: 1 },
);
const what = fc.constantFrom('malloc', 'malloc', 'realloc', 'free');
const step = fc.record({ what, at: fc.nat(), size, forItems: fc.boolean() });

test.serial('blocks never overlap, keep their contents when they grow or shrink, and leave nothing behind', (t) => {
  fc.assert(fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
    memoryInit(3 * MIB, 5 * MIB, 5 * MIB);
    const fresh = mallinfo();
    const blocks: Block[] = [];
    let fill = 0;

    for (const { what, at, size, forItems } of steps) {
      const i = at % Math.max(blocks.length, 1);
      const old = blocks.at(i);
      fill = (fill + 1) % 251;
      if (what === 'malloc') {
        const made = { p: forItems ? mallocForItems(size) : malloc(size), size, fill, forItems };
        if (made.p === NULL) continue;
        fillBlock(made);
        blocks.push(made);
      } else if (old === undefined) {
        continue;
      } else if (what === 'free') {
        t.true(keeps(old));
        free(old.p);
        blocks.splice(i, 1);
      } else {
        const p = old.forItems === true ? reallocForItems(old.p, size) : realloc(old.p, size);
        t.true(keeps(p === NULL ? old : { ...old, p, size: Math.min(size, old.size) }));
        if (p === NULL) continue;
        blocks[i] = { ...old, p, size, fill };
        fillBlock(blocks[i]);
      }
      t.true(liesRight(blocks));
      t.true(mallinfo().uordblks >= blocks.reduce((sum, block) => sum + block.size, 0));
    }

    t.true(blocks.every(keeps));
    for (const { p } of blocks) free(p);
    t.deepEqual(mallinfo(), fresh);
    for (const give of [malloc, mallocForItems]) {
      t.not(give(4 * MIB), NULL);
      t.not(give(MIB), NULL);
      t.is(give(MIB), NULL);
    }
  }), { numRuns: upTo(30, 100) });
});

test.serial('malloc and realloc give NULL when there is no block left, and the old block stays', (t) => {
  memoryInit(MIB, MIB);
  t.not(malloc(MIB), NULL);
  t.is(malloc(MIB), NULL);
  const blocks: Block[] = [];
  for (let p = malloc(1000); p !== NULL; p = malloc(1000)) blocks.push({ p, size: 1000, fill: blocks.length % 251 });
  t.is(blocks.length, (MIB - STATIC_SIZE_BYTES) / 1024);
  blocks.forEach(fillBlock);
  setErrno(0);
  t.is(realloc(blocks[0].p, 2000), NULL);
  t.is(errno, ENOMEM);
  t.is(malloc(0), NULL);
  t.true(blocks.every(keeps));
});

test.serial('a size that can never be allocated gives NULL, too', (t) => {
  memoryInit(MIB, 0);
  for (const much of [MIB, MEMORY_MAX_BYTES - 1, MEMORY_MAX_BYTES, MEMORY_MAX_BYTES + 1, 2 ** 53, Infinity]) {
    t.is(malloc(much), NULL);
    t.is(mallocForItems(much), NULL);
  }
});

test.serial('free(NULL) does nothing, realloc(NULL, n) is malloc(n), malloc(0) is a block to be freed', (t) => {
  memoryInit(MIB, 0);
  const fresh = mallinfo();
  free(NULL);
  t.deepEqual(mallinfo(), fresh);
  const p = realloc(NULL, 100);
  const q = malloc(0);
  t.true(p !== NULL && q !== NULL && p !== q);
  free(p);
  free(q);
  t.deepEqual(mallinfo(), fresh);
});

test.serial('a pointer that malloc did not give, or that was freed, is refused', (t) => {
  memoryInit(MIB, MIB);
  const refused = { message: /free\(\) or realloc\(\) of \d+, which is not allocated/ };
  const p = malloc(1000);
  const large = malloc(MIB);
  const beside = malloc(1000);
  for (const wrong of [p + 1, p + 256, p - 256, large + 4096, early, u8.length, MEMORY_MAX_BYTES - 256]) {
    t.throws(() => { free(wrong); }, refused);
    t.throws(() => realloc(wrong, 2000), refused);
  }
  free(p);
  t.throws(() => { free(p); }, refused);
  t.throws(() => realloc(p, 10), refused);
  free(beside);
  t.throws(() => { free(p); }, refused);
  t.throws(() => { free(beside); }, refused);
  free(large);
  t.throws(() => { free(large); }, refused);
});

test.serial('small blocks, large blocks and item blocks have separate memory, and none borrows from another', (t) => {
  memoryInit(MIB, MIB, MIB);
  const arenas = [
    { give: () => malloc(SMALL_MAX_BYTES), from: STATIC_SIZE_BYTES, to: MIB },
    { give: () => malloc(SMALL_MAX_BYTES + 1), from: MIB, to: 2 * MIB },
    { give: () => mallocForItems(1000), from: 2 * MIB, to: 3 * MIB },
  ];
  const taken = arenas.map(({ give, from, to }) => {
    const blocks: Ptr[] = [];
    for (let p = give(); p !== NULL; p = give()) {
      t.true(p >= from && p < to);
      blocks.push(p);
    }
    return blocks;
  });
  t.deepEqual(taken.map((blocks) => blocks.length), [30, 16, 1024]);
  for (const [i, { give }] of arenas.entries()) {
    free(taken[i][5]);
    t.deepEqual(arenas.map((arena) => arena.give === give || arena.give() === NULL), [true, true, true]);
    t.is(give(), taken[i][5]);
  }
});

test.serial('the small block freed last is allocated first, and merges with its other half when needed', (t) => {
  memoryInit(MIB);
  const blocks = Array.from({ length: 8 }, () => malloc(2048));
  for (const p of blocks) free(p);
  t.is(malloc(2048), blocks[7]);
  t.is(malloc(2000), blocks[6]);
  t.throws(() => { free(blocks[0]); }, { message: /not allocated/ });
  free(blocks[7]);
  free(blocks[6]);
  const all: Ptr[] = [];
  for (let p = malloc(SMALL_MAX_BYTES); p !== NULL; p = malloc(SMALL_MAX_BYTES)) all.push(p);
  t.is(all.length, 30);
});

test.serial('on a big-endian machine the memory is refused, in one line, with status 1', (t) => {
  const error = t.throws(() => { memoryInit(MIB, 0, 0, 'BE'); }, { instanceOf: Errx });
  t.is(error.status, 1);
  t.regex(error.message, /^failed to allocate memory: [^\n]*little-endian[^\n]*$/);
});

test.serial('realloc moves a block between small and large memory as its size requires, with its contents', (t) => {
  memoryInit(4 * MIB, 8 * MIB);
  const block: Block = { p: malloc(1000), size: 1000, fill: 7 };
  fillBlock(block);
  for (const size of [2000, SMALL_MAX_BYTES, 600_000, 3 * MIB, 1000]) {
    const p = realloc(block.p, size);
    t.is(p >= 4 * MIB, size > SMALL_MAX_BYTES);
    t.true(keeps({ ...block, p, size: Math.min(size, block.size) }));
    block.p = p;
    block.size = size;
    fillBlock(block);
  }
});

test.serial('realloc frees what a block that shrinks by half no longer needs, and keeps its contents', (t) => {
  memoryInit(MIB, 4 * MIB, 4 * MIB);
  const grow = { small: 20_000, large: 2 * MIB, items: 2 * MIB };
  for (const [arena, size] of Object.entries(grow)) {
    const [give, resize] = arena === 'items' ? [mallocForItems, reallocForItems] : [malloc, realloc];
    const block: Block = { p: give(size), size, fill: 9 };
    fillBlock(block);
    for (let less = size / 2; less >= 256; less /= 2) {
      block.p = resize(block.p, Math.floor(less));
      block.size = Math.floor(less);
      t.true(keeps(block));
      t.is(mallinfo().uordblks, 2 ** Math.ceil(Math.log2(block.size)));
    }
    free(block.p);
    t.is(mallinfo().uordblks, 0);
  }
});

test.serial('static storage is separate, aligned for words, and valid in every memory', (t) => {
  memoryInit(MIB, 0);
  t.true(early > NULL && early % 4 === 0);
  t.true(later >= early + 10 && later % 4 === 0);
  putz(early, 'abc');
  memoryInit(MIB, 0);
  t.is(bytes(early, 10), '\0'.repeat(10));
  const p = malloc(100);
  putz(early, 'abcdefghi');
  t.is(bytes(p, 100), '\0'.repeat(100));
  t.true(p >= later + 1);
});

test.serial('a new memory is all zero, and NULL lies in it', (t) => {
  memoryInit(MIB, 0);
  u8.fill(1);
  memoryInit(2 * MIB, 0);
  t.is(u8.length, 2 * MIB);
  t.is(bytes(NULL, 256), '\0'.repeat(256));
});

test.serial('bytes and words show the same memory, little endian', (t) => {
  memoryInit(MIB, 0);
  const p = malloc(8);
  u32[p >>> 2] = 0x80000001;
  t.is(bytes(p, 4), '\x01\0\0\x80');
  t.is(i32[p >>> 2], -0x7fffffff);
});

test.serial('mallinfo counts whole blocks, in powers of two', (t) => {
  memoryInit(MIB, MIB);
  const fresh = mallinfo();
  t.is(fresh.arena, 2 * MIB);
  t.is(fresh.uordblks, 0);
  t.is(fresh.fordblks, 2 * MIB);
  malloc(300);
  t.is(mallinfo().uordblks, 512);
  t.is(mallinfo().fordblks, 2 * MIB - 512);
});

test.serial('more than 4 GiB is refused with a message and status 1, and the memory stays what it was', (t) => {
  memoryInit(MIB, 0);
  const p = putz(malloc(10), 'here');
  for (const [small, large] of [[MEMORY_MAX_BYTES, 1], [MIB, MEMORY_MAX_BYTES], [Infinity, 0], [NaN, MIB]]) {
    const error = t.throws(() => { memoryInit(small, large); }, { instanceOf: Errx });
    t.is(error.status, 1);
    t.regex(error.message, /^failed to allocate memory: [^\n]+$/);
  }
  t.is(bytes(p, 5), 'here\0');
});

test.serial('a memory of 3.5 GiB is usable up to its end, and costs only the pages that are touched', (t) => {
  memoryInit(MIB, 0, 3.5 * GIB - MIB);
  const far = mallocForItems(GIB);
  const near = mallocForItems(GIB);
  t.true(far >= 2 ** 31, 'the first block of a GiB lies above 2^31');
  t.true(near < 2 ** 31);
  const end = far + GIB - 4096;

  putz(end, 'key 4294967295');
  const value = { value: 0 };
  t.is(sscanf(end, '%9s %u', end + 100, value), 2);
  t.is(value.value, 4294967295);
  t.is(strcmp(end + 100, 'key'), 0);
  t.is(sprintf(end + 200, '%s %u', end + 100, value.value), 14);
  t.is(bytes(end + 200, 15), bytes(end, 15));
  t.is(memchr(end, 0x20, 4096), end + 3);

  put(near, 'x'.repeat(1000));
  memcpy(end, near, 1000);
  memmove(end + 1, end, 1000);
  t.is(bytes(end, 1001), 'x'.repeat(1001));

  const it = item(far);
  const next = item(end);
  if (it === null) throw new Error('NULL');
  it.next = next;
  it.nbytes = -2;
  it.key = end;
  t.is(it.next?.ptr, end);
  t.is(it.nbytes, -2);
  t.is(it.key, end);

  const grown = reallocForItems(near, GIB + 1);
  t.is(grown, NULL);
  free(far);
  free(near);
  t.throws(() => { free(far); });
  t.is(mallinfo().uordblks, 0);
  t.true(process.memoryUsage().rss < GIB);
});

test.serial('a program that exceeds the static storage gets an exception', (t) => {
  t.throws(() => bss(STATIC_SIZE_BYTES), { message: /static storage/ });
});
