// The structures of memcached.h lie in memory as a C compiler for i386 lays them out.
import test from 'ava';
import fc from 'fast-check';

import type { Ptr } from '../lib/libc/memory';
import { u8 } from '../lib/libc/heap';
import { NULL, malloc, memoryInit } from '../lib/libc/memory';
import { Conn, ConnState, Item, SIZEOF_CONN, SIZEOF_ITEM, item, itemAt } from '../lib/memcached.h';
import { bytes } from './support/memory';

memoryInit(1 << 20, 0);

const INT = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const UNSIGNED = { min: 0, max: 2 ** 32 - 1 };

// typedef struct _stritem: each field with its offset and the values that it holds; a time_t is an int.
const fields = [
  ['refcount', 8, INT],
  ['itFlags', 12, INT],
  ['key', 16, UNSIGNED],
  ['data', 20, UNSIGNED],
  ['slabsClsid', 24, UNSIGNED],
  ['nbytes', 28, INT],
  ['ntotal', 32, INT],
  ['flags', 36, INT],
  ['time', 40, INT],
  ['exptime', 44, INT],
] as const;
const links = [['next', 0], ['prev', 4]] as const;

function word(p: Ptr): { signed: number; unsigned: number } {
  const view = new DataView(u8.buffer, p, 4);
  return { signed: view.getInt32(0, true), unsigned: view.getUint32(0, true) };
}

function newItem(fill: number): Item {
  const p = malloc(SIZEOF_ITEM);
  u8.fill(fill, p, p + SIZEOF_ITEM);
  return new Item(p);
}

/** The bytes of an item that are not `fill`. */
function changed({ ptr }: Item, fill: number): number[] {
  const offsets = Array.from({ length: SIZEOF_ITEM }, (_, i) => i);
  return offsets.filter((i) => u8[ptr + i] !== fill);
}

test('sizeof(item) is 48, and its key begins there', (t) => {
  t.is(SIZEOF_ITEM, 48);
  const it = newItem(0);
  t.is(it.end, it.ptr + 48);
});

test('the fields of an item fill it, one word each', (t) => {
  const offsets = [...fields, ...links].map(([, offset]) => offset);
  t.deepEqual(offsets.sort((a, b) => a - b), Array.from({ length: 12 }, (_, i) => 4 * i));
});

for (const [name, offset, { min, max }] of fields) {
  test(`item.${name} is the word at ${offset}, and holds ${min} to ${max}`, (t) => {
    const it = newItem(0x55);
    it[name] = -1;
    t.deepEqual(changed(it, 0x55), [offset, offset + 1, offset + 2, offset + 3]);
    t.is(it[name], min === 0 ? max : -1);

    fc.assert(fc.property(fc.integer({ min, max }), (value) => {
      it[name] = value;
      t.is(it[name], value);
      t.is(min === 0 ? word(it.ptr + offset).unsigned : word(it.ptr + offset).signed, value);
      it[name] = value + 2 ** 32;
      t.is(it[name], value);
    }));

    it[name] = max;
    it[name]++;
    t.is(it[name], min);
    it[name]--;
    t.is(it[name], max);
  });
}

for (const [name, offset] of links) {
  test(`item.${name} is the pointer at ${offset}; NULL is null`, (t) => {
    const it = newItem(0x55);
    const other = newItem(0);
    it[name] = other;
    t.is(word(it.ptr + offset).unsigned, other.ptr);
    t.is(it[name].ptr, other.ptr);
    it[name] = null;
    t.is(word(it.ptr + offset).unsigned, NULL);
    t.is(it[name], null);
    t.deepEqual(changed(it, 0x55), [offset, offset + 1, offset + 2, offset + 3]);
  });
}

test('two views of one item show the same fields', (t) => {
  const it = newItem(0);
  const again = item(it.ptr);
  it.nbytes = 5;
  t.is(again?.nbytes, 5);
  t.is(item(NULL), null);
});

test('itemAt follows an item ** to its item', (t) => {
  const it = newItem(0);
  const list = malloc(8);
  new DataView(u8.buffer).setUint32(list + 4, it.ptr, true);
  t.is(itemAt(list + 4).ptr, it.ptr);
});

// C's ibuf has 256 bytes, and its conn 428.
test('sizeof(conn) is 492, with the 320 bytes of ibuf at 164, and iptr and ibytes behind them', (t) => {
  t.is(SIZEOF_CONN, 428 - 256 + 320);
  const c = new Conn(malloc(SIZEOF_CONN));
  t.is(c.ibuf, c.ptr + 164);
  t.is(c.ptr + SIZEOF_CONN - c.ibuf, 320 + 4 + 4);
});

test('ibuf has room for the longest VALUE line', (t) => {
  const longest = `VALUE ${'k'.repeat(250)} 4294967295 2147483645\r\n\0`;
  t.true(longest.length <= 300);
});

test('a conn is found by its pointer, and any other pointer throws', (t) => {
  const c = new Conn(malloc(SIZEOF_CONN));
  t.is(Conn.at(c.ptr), c);
  t.throws(() => Conn.at(c.ptr + 4));
});

test("a conn's fields do not use its memory", (t) => {
  const c = new Conn(malloc(SIZEOF_CONN));
  const before = bytes(c.ptr, SIZEOF_CONN);
  c.rbuf = c.wbuf = c.ilist = 1;
  c.sfd = 2;
  t.is(bytes(c.ptr, SIZEOF_CONN), before);
});

test("the states have C's numbers, and their names without conn_", (t) => {
  const names = ['listening', 'read', 'write', 'nread', 'swallow', 'closing', 'mwrite'];
  t.deepEqual(names.map((_, i) => ConnState[i]), names);
});
