// <string.h> of the flat memory.
import test from 'ava';
import fc from 'fast-check';

import { u8 } from '../lib/libc/heap';
import { NULL, bss, memoryInit } from '../lib/libc/memory';
import {
  memchr, memcpy, memmove, memset, str, strcat, strcmp, strcpy, strlen, strncmp,
} from '../lib/libc/string';
import { bytes, put, putz, text } from './support/memory';

memoryInit(1 << 20, 0);

const a = bss(4096);
const b = bss(4096);

test.beforeEach(() => {
  u8.fill(0x7e, a, a + 4096);
  u8.fill(0x7e, b, b + 4096);
});

/** A C string has no NUL in it. */
const cstring = fc.string({ unit: fc.integer({ min: 1, max: 255 }).map((c) => String.fromCharCode(c)), maxLength: 40 });

test.serial('strlen counts the bytes before the NUL, of a pointer and of a literal', (t) => {
  t.is(strlen(putz(a, 'abc')), 3);
  t.is(strlen(putz(a, '')), 0);
  t.is(strlen(put(a, 'abc\0def\0')), 3);
  t.is(strlen('abc'), 3);
  t.is(strlen(''), 0);
});

test.serial('strcpy copies the bytes and the NUL, nothing behind it, and returns its destination', (t) => {
  putz(b, 'abc');
  t.is(strcpy(a, b), a);
  t.is(bytes(a, 5), 'abc\0~');
  t.is(strcpy(a, ''), a);
  t.is(bytes(a, 5), '\0bc\0~');
  strcpy(a, 'literal');
  t.is(bytes(a, 9), 'literal\0~');
});

test.serial('strcat appends, and ends what it made with one NUL', (t) => {
  putz(a, 'ab');
  t.is(strcat(a, putz(b, 'cd')), a);
  t.is(strcat(a, '\r\n'), a);
  t.is(bytes(a, 8), 'abcd\r\n\0~');
});

test.serial('strcmp orders as unsigned bytes do; a string comes before one that goes on', (t) => {
  t.is(strcmp(putz(a, 'stats'), 'stats'), 0);
  t.is(strcmp('stats', putz(a, 'stats')), 0);
  t.is(strcmp('', putz(a, '')), 0);
  t.true(strcmp(putz(a, 'stats'), 'stats ') < 0);
  t.true(strcmp(putz(a, 'stats slabs'), 'stats') > 0);
  t.true(strcmp(putz(a, '\xff'), 'a') > 0);
  t.is(strcmp(put(a, 'abc\0x'), put(b, 'abc\0y')), 0);
});

test.serial('strncmp looks at n bytes at most, and at none behind a NUL', (t) => {
  t.is(strncmp(putz(a, 'get key'), 'get ', 4), 0);
  t.true(strncmp(putz(a, 'gets key'), 'get ', 4) > 0);
  t.true(strncmp(putz(a, 'get'), 'get ', 4) < 0);
  t.is(strncmp(put(a, 'ge\0x'), put(b, 'ge\0y'), 4), 0);
  t.is(strncmp('a', 'b', 0), 0);
  t.is(strncmp(put(a, '\r\n'), '\r\n', 2), 0);
});

test.serial('strcmp and strncmp give the sign that comparing Buffers gives', (t) => {
  const close = fc.tuple(cstring, cstring, cstring).map(([head, s, u]): [string, string] => [head + s, head + u]);
  fc.assert(fc.property(close, fc.nat(50), ([s1, s2], n) => {
    const cut = (s: string): Buffer => Buffer.from(s.slice(0, n), 'latin1');
    putz(a, s1);
    putz(b, s2);
    t.is(Math.sign(strcmp(a, b)), Buffer.compare(Buffer.from(s1, 'latin1'), Buffer.from(s2, 'latin1')));
    t.is(Math.sign(strncmp(a, b, n)), Buffer.compare(cut(s1), cut(s2)));
    t.is(Math.sign(strcmp(a, s2)), Math.sign(strcmp(a, b)));
  }));
});

test.serial('memcpy takes n bytes, NULs as well, of a pointer and of a literal, short and long', (t) => {
  put(b, 'a\0b\0c');
  t.is(memcpy(a, b, 5), a);
  t.is(bytes(a, 6), 'a\0b\0c~');
  memcpy(a, 'END\r\n', 5);
  t.is(bytes(a, 6), 'END\r\n~');
  memcpy(a, '\r\n', 0);
  t.is(bytes(a, 6), 'END\r\n~');
  const long = 'x'.repeat(500) + 'y'.repeat(500);
  put(b, long);
  memcpy(a, b, 1000);
  t.is(bytes(a, 1001), `${long}~`);
});

test.serial("a literal's NUL counts as one of its bytes", (t) => {
  memcpy(a, 'ab', 3);
  t.is(bytes(a, 4), 'ab\0~');
});

test.serial('memmove and memcpy copy as Buffer.copy does, however source and destination overlap', (t) => {
  // Around the length from which the engine copies, and on both sides of the source.
  const length = fc.oneof(fc.nat(20), fc.integer({ min: 95, max: 105 }), fc.nat(1000));
  fc.assert(fc.property(length, fc.nat(1200), fc.nat(1200), (n, from, to) => {
    for (let i = 0; i < 4096; i++) u8[a + i] = (i * 7 + (i >> 8)) & 0xff;
    const model = Buffer.from(u8.slice(a, a + 4096));
    model.copy(model, to, from, from + n);
    t.is(memmove(a + to, a + from, n), a + to);
    t.deepEqual(Buffer.from(u8.slice(a, a + 4096)), model);
    const apart = Math.abs(to - from) >= n;
    if (apart) {
      model.copy(model, from, to, to + n);
      memcpy(a + from, a + to, n);
      t.deepEqual(Buffer.from(u8.slice(a, a + 4096)), model);
    }
  }));
});

for (const n of [8, 99, 100, 101, 1000]) {
  test.serial(`memmove by one, down and up, of ${n} bytes`, (t) => {
    const line = Array.from({ length: n }, (_, i) => String.fromCharCode(0x30 + (i % 64))).join('');
    put(a + 1, line);
    memmove(a, a + 1, n);
    t.is(bytes(a, n), line);
    memmove(a + 1, a, n);
    t.is(bytes(a + 1, n), line);
    t.is(bytes(a + 1 + n, 1), '~');
  });
}

test.serial('memset fills n bytes with the low eight bits of c', (t) => {
  t.is(memset(a, 0x20, 3), a);
  t.is(bytes(a, 4), '   ~');
  memset(a, 0x141, 2);
  t.is(bytes(a, 4), 'AA ~');
  memset(a, 0, 0);
  t.is(bytes(a, 4), 'AA ~');
});

test.serial('memchr finds the first of its bytes, near and far, and NULL when the n bytes have none', (t) => {
  for (const at of [0, 1, 63, 64, 65, 1000]) {
    u8.fill(0x7e, a, a + 4096);
    u8[a + at] = 0x0a;
    u8[a + at + 1] = 0x0a;
    t.is(memchr(a, 0x0a, 4096), a + at, `at ${at}`);
    t.is(memchr(a, 0x0a, at + 1), a + at, `at the last of ${at + 1}`);
    t.is(memchr(a, 0x0a, at), NULL, `just behind ${at}`);
  }
  t.is(memchr(a, 0x0b, 4096), NULL);
});

test.serial('memchr finds a NUL, and does not stop at one', (t) => {
  put(a, 'ab\0c\n');
  t.is(memchr(a, 0, 5), a + 2);
  t.is(memchr(a, 0x0a, 5), a + 4);
});

test.serial('str gives the C string to JavaScript, byte for byte', (t) => {
  fc.assert(fc.property(cstring, (s) => {
    t.is(str(putz(a, s)), s);
    t.is(text(a), s);
    t.is(str(s), s);
  }));
});
