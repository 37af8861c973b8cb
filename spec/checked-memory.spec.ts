// The checking mode of the flat memory: what it finds, with the stacks of whoever allocated, freed and touched a block;
// and that a server runs in it as it does without it.
import { closeSync, openSync, readSync } from 'node:fs';
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { SIZEOF_ITEM as SIZEOF_ITEM_OF_2003 } from '../lib/memcached.h';
import * as slabsOf2003 from '../lib/slabs';
import { SIZEOF_ITEM } from '../lib/1.6/memcached.h';
import * as slabs from '../lib/1.6/slabs';
import heap from '../lib/libc/heap';
import * as memory from '../lib/libc/memory';
import { NULL, bss, free, mallinfo, malloc, mallocForItems, memoryInit, realloc } from '../lib/libc/memory';
import { memchr, memcpy, memset, strcpy, strlen } from '../lib/libc/string';
import { checkedMemory } from '../scripts/checked/memory';
import type { Fault, MemoryViolation } from '../scripts/checked/memory';
import { bytes } from './support/memory';
import { replace } from './support/replace';
import { SimServer } from './support/sim-server';
import { Stderr } from './support/stderr';
import { checkStorage, item, storeRoom } from './support/storage';

const MIB = 1 << 20;
const MEMORY = [MIB, 4 * MIB, 4 * MIB] as const;
/** For a server. One of 1.0.4 gives each class a page. */
const memoryOf = (today: boolean) => [2 * MIB, 4 * MIB, (today ? 10 : 60) * MIB] as const;

const early = bss(100);
const checked = checkedMemory();

/** The violation that `work` runs into; the test fails if it is not that fault. */
function violation(t: ExecutionContext, fault: Fault, work: () => unknown): MemoryViolation {
  const before = checked.violations.length;
  t.throws(work, { name: 'MemoryViolation' });
  t.is(checked.violations.length, before + 1);
  const found = checked.violations[before];
  t.is(found.fault, fault, found.message);
  return found;
}

function allocatedHere(size: number): memory.Ptr {
  return malloc(size);
}

function freedHere(p: memory.Ptr): void {
  free(p);
}

test.beforeEach(() => {
  memoryInit(...MEMORY);
});

test.serial("an access outside of a block is found, of any kind, with the stack of the block's malloc", (t) => {
  const p = allocatedHere(100);
  const touches: Record<string, (at: memory.Ptr) => unknown> = {
    'read of a byte': (at) => heap.u8[at],
    'write of a byte': (at) => { heap.u8[at] = 1; },
    'read of a word': (at) => heap.u32[at >>> 2],
    'write of a word': (at) => { heap.i32[at >>> 2] = 1; },
    'write of a word at any address': (at) => { heap.dv.setInt32(at - 3, 1, true); },
    'read of a word at any address': (at) => heap.dv.getInt32(at, true),
    'memcpy from it': (at) => memcpy(p, at - 4, 5),
    'memcpy to it': (at) => memcpy(at - 4, p, 5),
    memset: (at) => memset(at - 4, 0, 5),
    memchr: (at) => memchr(at - 4, 0, 5),
    fill: (at) => heap.u8.fill(0, at - 1, at + 1),
    copyWithin: (at) => heap.u8.copyWithin(p, at - 1, at + 1),
    set: (at) => { heap.u8.set([1, 2], at - 1); },
    subarray: (at) => heap.u8.subarray(at - 1, at + 1),
  };
  for (const [name, touch] of Object.entries(touches)) {
    t.notThrows(() => { touch(p + 4); }, name);
    const found = violation(t, 'outside of a block', () => touch(p + 100));
    t.is(found.address, p + 100, name);
    t.regex(found.message, /, 0 behind a block of 100 bytes \(malloc\)$/);
    t.regex(found.touched, /checked-memory\.spec/);
    t.notRegex(found.touched, /scripts\/checked/);
    t.regex(found.allocated ?? '', /allocatedHere/);
    t.is(found.freed, null);
  }
  t.regex(violation(t, 'outside of a block', () => heap.u8[p - 1]).message, /, 1 before a block of 100 bytes/);
});

test.serial('NULL, an invalid index, and anything behind the memory count as outside of every block', (t) => {
  const nowhere = [NULL, 4, -1, NaN, undefined, heap.u8.length, 0.5] as number[];
  for (const at of nowhere) violation(t, 'outside of a block', () => heap.u8[at]);
  for (const at of nowhere) violation(t, 'outside of a block', () => { heap.u8[at] = 1; });
  violation(t, 'outside of a block', () => heap.u32[0]);
  violation(t, 'outside of a block', () => strlen(NULL));
});

test.serial('static storage is a block of its own, whether it was allocated early or late', (t) => {
  const later = bss(6);
  const last = bss(1);
  for (const [p, size] of [[early, 100], [later, 6], [last, 1]]) {
    memset(p, 1, size);
    violation(t, 'outside of a block', () => heap.u8[p + size]);
    violation(t, 'outside of a block', () => { heap.u8[p - 1] = 1; });
  }
  memoryInit(...MEMORY);
  t.is(heap.u8[later], 0);
});

test.serial('a search for the end of a string may read the rest of its last word, and no further word', (t) => {
  const p = malloc(7);
  strcpy(p, 'abcdef');
  t.is(strlen(p), 6);
  memset(p, 0x61, 7);
  violation(t, 'outside of a block', () => strlen(p));
});

test.serial('use after free is found, with the stacks of malloc and of free, and the block is not reused', (t) => {
  const p = allocatedHere(100);
  freedHere(p);
  const found = violation(t, 'use after free', () => heap.u8[p + 10]);
  t.regex(found.message, /^use after free: read of 1 byte at \d+, 10 into a block of 100 bytes \(malloc\)$/);
  t.regex(found.allocated ?? '', /allocatedHere/);
  t.regex(found.freed ?? '', /freedHere/);
  t.regex(found.stack ?? '', /checked-memory\.spec[^]*allocated[^]*allocatedHere[^]*freed[^]*freedHere/);
  t.not(malloc(100), p);
});

test.serial('use of the old pointer after realloc is found, even if the block could have stayed in place', (t) => {
  const p = malloc(100);
  memset(p, 7, 100);
  const grown = realloc(p, 120);
  t.is(bytes(grown, 100), '\x07'.repeat(100));
  violation(t, 'use after free', () => heap.u8[p]);
  violation(t, 'outside of a block', () => heap.u8[grown + 120]);
});

test.serial('a double free, and a free of a pointer that is no block, are found', (t) => {
  const p = allocatedHere(100);
  freedHere(p);
  const found = violation(t, 'double free', () => { free(p); });
  t.regex(found.allocated ?? '', /allocatedHere/);
  t.regex(found.freed ?? '', /freedHere/);
  violation(t, 'double free', () => realloc(p, 10));
  const q = malloc(100);
  violation(t, 'free of what is no block', () => { free(q + 4); });
  violation(t, 'free of what is no block', () => { free(early + 4); });
  t.notThrows(() => { free(NULL); });
});

test.serial('a write that bypasses the checks is found by verify, or when the block is freed', (t) => {
  const p = allocatedHere(100);
  const unguarded = Buffer.from(heap.u8.buffer);
  t.notThrows(() => { checked.verify(); });
  unguarded[p + 100] = 0;
  t.regex(violation(t, 'a red zone was written to', () => { checked.verify(); }).allocated ?? '', /allocatedHere/);
  violation(t, 'a red zone was written to', () => { free(p); });
  unguarded[p + 100] = 0xfa;
  const q = malloc(100);
  freedHere(q);
  unguarded[q + 50] = 0;
  t.regex(violation(t, 'a freed block was written to', () => { checked.verify(); }).freed ?? '', /freedHere/);
});

test.serial('new blocks and freed blocks are filled with junk', (t) => {
  const p = malloc(100);
  const unguarded = Buffer.from(heap.u8.buffer);
  t.deepEqual(new Set(unguarded.subarray(p, p + 100)), new Set([0xa5]));
  memset(p, 1, 100);
  free(p);
  t.deepEqual(new Set(unguarded.subarray(p, p + 100)), new Set([0xdd]));
});

test.serial('a read from a file must fit in its block', (t) => {
  const p = malloc(10);
  const fd = openSync(__filename, 'r');
  t.is(readSync(fd, heap.u8, p, 10, 3), 10);
  t.is(bytes(p, 10), 'The checki');
  violation(t, 'outside of a block', () => readSync(fd, heap.u8, p, 11, 0));
  t.is(bytes(p, 10), 'The checki');
  closeSync(fd);
});

test.serial('mallinfo gives the same figures as without checks, and a leak is listed with its stack', (t) => {
  const fresh = mallinfo();
  const sizes = [0, 1, 256, 2048, 32_768, 32_769, MIB];
  const blocks = sizes.map(allocatedHere);
  t.is(mallinfo().uordblks - fresh.uordblks, 256 + 256 + 256 + 2048 + 32_768 + 65_536 + MIB);
  t.is(mallinfo().fordblks + mallinfo().uordblks, fresh.fordblks);
  for (const p of blocks.slice(1)) free(p);
  const leaked = checked.live().filter(({ by }) => by === 'malloc');
  t.deepEqual(leaked.map(({ start, size }) => [start, size]), [[blocks[0], 0]]);
  t.regex(leaked[0].allocated, /allocatedHere/);
  free(blocks[0]);
  t.deepEqual({ ...mallinfo(), ordblks: 0 }, { ...fresh, ordblks: 0 });
});

test.serial('nearly full memory is allocated as without checks, to the last block', (t) => {
  for (const [give, size, count] of [[malloc, 4096, 240], [mallocForItems, MIB, 4]] as const) {
    const blocks: memory.Ptr[] = [];
    for (let p = give(size); p !== NULL; p = give(size)) blocks.push(p);
    t.true(blocks.length >= count / 2, `${blocks.length}`);
    free(blocks[0]);
    t.not(give(size), NULL);
  }
});

for (const today of [false, true]) {
  const version = today ? '1.6' : '1.0';

  test.serial(`${version}: a freed item may not be touched or freed again, nor may a byte beyond an item's data`, async (t) => {
    const server = await SimServer.start(['-m', '4'], { today, memory: memoryOf(today) });
    const peer = await server.connect();
    const found: memory.Ptr[] = [];
    t.teardown(replace(today ? slabs : slabsOf2003, 'slabsFree', (original) => (it, id) => {
      found.push(it + (today ? SIZEOF_ITEM : SIZEOF_ITEM_OF_2003));
      original(it, id);
    }));
    t.is(await peer.ask('set a 0 0 5\r\nwrong\r\n'), 'STORED\r\n');
    if (today) t.is(await peer.ask('delete a\r\n'), 'DELETED\r\n');
    else t.is(await peer.ask('set b 0 0 5\r\nno end!'), 'CLIENT_ERROR bad data chunk\r\n');
    const [key] = found;
    const after = violation(t, 'use after free', () => heap.u8[key]);
    t.regex(after.allocated ?? '', /itemAlloc/);
    t.regex(after.freed ?? '', today ? /itemUnlink/ : /completeNread/);
    const [start] = found.map((p) => p - (today ? SIZEOF_ITEM : SIZEOF_ITEM_OF_2003));
    violation(t, 'double free', () => { (today ? slabs : slabsOf2003).slabsFree(start, today ? 1 : 6); });

    const begins = checked.live().filter(({ by }) => by === 'slabs_alloc');
    if (today) t.is(await peer.ask('set c 0 0 5\r\nright\r\n'), 'STORED\r\n');
    const [last] = checked.live().filter(({ by }) => by === 'slabs_alloc').reverse();
    t.is(begins.length, today ? 0 : 1);
    t.notThrows(() => heap.u8[last.start + last.size - 1]);
    t.is(bytes(last.start + last.size - 7, 7), today ? 'right\r\n' : 'wrong\r\n');
    violation(t, 'outside of a block', () => heap.u8[last.start + last.size]);
    await server.stop();
  });

  test.serial(`${version}: a conversation has no violation, and is the same as without checks`, async (t) => {
    const before = checked.violations.length;
    const server = await SimServer.start(['-m', '4'], { today, memory: memoryOf(today), shortIo: true });
    const peer = await server.connect();
    const large = 'L'.repeat(100_000);
    t.is(await peer.ask(`set large 1 0 ${large.length}\r\n${large}\r\n`), 'STORED\r\n');
    for (let i = 0; i < 50; i++) t.is(await peer.ask(`set k${i} 0 0 ${i}\r\n${'v'.repeat(i)}\r\n`), 'STORED\r\n');
    t.is(await peer.ask('get k3 large k4\r\n', 'END\r\n'),
      `VALUE k3 0 3\r\nvvv\r\nVALUE large 1 100000\r\n${large}\r\nVALUE k4 0 4\r\nvvvv\r\nEND\r\n`);
    t.is(await peer.ask('set n 0 0 2\r\n99\r\n'), 'STORED\r\n');
    t.is(await peer.ask('incr n 1\r\n'), '100\r\n');
    t.regex(await peer.ask('stats\r\n', 'END\r\n'), /STAT curr_items 52\r\n/);
    t.regex(await peer.ask('stats cachedump 6 0\r\n', 'END\r\n'), /END\r\n$/);
    t.regex(await peer.ask('stats sizes\r\n', 'END\r\n'), today ? /disabled/ : /^64 \d+\r\n/);
    if (today) t.notThrows(() => { checked.unchecked(checkStorage); });
    peer.destroy();
    await server.sim.idle();
    t.notThrows(() => { checked.verify(); });
    t.is(checked.violations.length, before);
    await server.stop();
  });
}

test.serial('bytes that were never written may be stored and copied, but not sent', async (t) => {
  const stderr = new Stderr();
  t.teardown(() => { stderr.restore(); });
  const server = await SimServer.start(['-m', '4'], { today: true, memory: memoryOf(true) });
  const peer = await server.connect();
  storeRoom('a', 10);
  t.true(item('a') !== NULL);
  t.is(await peer.ask('mg a s\r\n'), 'HD s10\r\n');
  const before = checked.violations.length;
  peer.send('get a\r\n');
  await server.sim.idle();
  t.is(checked.violations[before].fault, 'bytes were sent that were never written');
  t.regex(checked.violations[before].touched, /driveMachine/);
  t.regex(stderr.messages().join('\n'), /bytes were sent that were never written/);
  await server.stop();
});

test.serial("after restore the functions are the modules' own", (t) => {
  checked.restore();
  memoryInit(...MEMORY);
  const p = memory.malloc(256);
  t.is(p % 256, 0);
  heap.u8[p + 256] = 1;
  t.is(heap.u8[NULL], 0);
  t.is(Object.getPrototypeOf(heap.dv), DataView.prototype);
});
