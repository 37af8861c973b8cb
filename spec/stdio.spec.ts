// <stdio.h> and atoi of the flat memory: what glibc gives where a long has 32 bits.
import test from 'ava';
import fc from 'fast-check';

import type { Ptr } from '../lib/libc/memory';
import { u8 } from '../lib/libc/heap';
import { bss, memoryInit } from '../lib/libc/memory';
import type { Ref } from '../lib/libc/stdio';
import { atoi, sprintf, sscanf } from '../lib/libc/stdio';
import { bytes, put, putz, text } from './support/memory';

memoryInit(1 << 20, 0);

const line = bss(2048);
const word1 = bss(512);
const word2 = bss(512);
const out = bss(2048);
const UNTOUCHED = 77;

test.beforeEach(() => {
  u8.fill(0x7e, line, line + 2048);
  u8.fill(0x7e, out, out + 2048);
});

function scanned(s: string, format: '%u' | '%d' | '%lu'): { stored: number; value: number } {
  const ref: Ref = { value: UNTOUCHED };
  return { stored: sscanf(putz(line, s), format, ref), value: ref.value };
}

interface StoreLine {
  stored: number;
  words: [string, string];
  numbers: [number, number, number];
}

/** The line of set, add and replace. */
function storeLine(s: string): StoreLine {
  const flags: Ref = { value: UNTOUCHED }, expire: Ref = { value: UNTOUCHED }, len: Ref = { value: UNTOUCHED };
  putz(word1, '?');
  putz(word2, '?');
  const stored = sscanf(putz(line, s), '%9s %255s %u %lu %d\n', word1, word2, flags, expire, len);
  return { stored, words: [text(word1), text(word2)], numbers: [flags.value, expire.value, len.value] };
}

const storeLines: [string, number, [string, string], [number, number, number]][] = [
  ['set a 1 2 3', 5, ['set', 'a'], [1, 2, 3]],
  ['set\ta\v1\f2\r3', 5, ['set', 'a'], [1, 2, 3]],
  ['  set   a   1   2   3   ', 5, ['set', 'a'], [1, 2, 3]],
  ['set a 1 2 3 noreply', 5, ['set', 'a'], [1, 2, 3]],
  ['set a -1 -1 -1', 5, ['set', 'a'], [4294967295, 4294967295, -1]],
  ['set a 1 2 +3', 5, ['set', 'a'], [1, 2, 3]],
  ['set a 1 2', 4, ['set', 'a'], [1, 2, UNTOUCHED]],
  ['set a 1x 2 3', 3, ['set', 'a'], [1, UNTOUCHED, UNTOUCHED]],
  ['set a x 2 3', 2, ['set', 'a'], [UNTOUCHED, UNTOUCHED, UNTOUCHED]],
  ['verylongcommand a 1 2 3', 2, ['verylongc', 'ommand'], [UNTOUCHED, UNTOUCHED, UNTOUCHED]],
  ['set', 1, ['set', '?'], [UNTOUCHED, UNTOUCHED, UNTOUCHED]],
  ['', -1, ['?', '?'], [UNTOUCHED, UNTOUCHED, UNTOUCHED]],
  [' \t\r\n', -1, ['?', '?'], [UNTOUCHED, UNTOUCHED, UNTOUCHED]],
];
for (const [s, stored, words, numbers] of storeLines) {
  test.serial(`sscanf reads ${stored} values of a storage line: ${JSON.stringify(s)}`, (t) => {
    t.deepEqual(storeLine(s), { stored, words, numbers });
  });
}

test.serial('%255s reads a word of 255 bytes whole, and splits a longer one there', (t) => {
  t.deepEqual(storeLine(`set ${'k'.repeat(255)} 1 2 3`).words, ['set', 'k'.repeat(255)]);
  const { stored, words } = storeLine(`set ${'k'.repeat(255)}7 8 9`);
  t.is(stored, 5);
  t.deepEqual(words, ['set', 'k'.repeat(255)]);
});

test.serial('%s takes every byte but white space and NUL', (t) => {
  const key = String.fromCharCode(...Array.from({ length: 255 }, (_, i) => i + 1)).replace(/[ \t\n\v\f\r]/g, '');
  t.is(sscanf(putz(line, `${key} next`), '%255s', word1), 1);
  t.is(text(word1), key);
});

test.serial('%n stores the position of the scan, and does not count as a value', (t) => {
  const next: Ref = { value: UNTOUCHED };
  t.is(sscanf(putz(line, ' one  two'), ' %255s%n', word1, next), 1);
  t.is(next.value, 4);
  t.is(sscanf(line + next.value, ' %255s%n', word1, next), 1);
  t.is(text(word1), 'two');
  t.is(next.value, 5);
  t.is(sscanf(line + 9, ' %255s%n', word1, next), -1);
  t.is(next.value, 5);
});

test.serial('a space in a format matches any white space or none; other characters must match', (t) => {
  const id: Ref = { value: UNTOUCHED }, limit: Ref = { value: UNTOUCHED };
  const scan = (s: string): [number, number, number] => {
    id.value = limit.value = UNTOUCHED;
    const stored = sscanf(putz(line, s), '%u %u\r\n', id, limit);
    return [stored, id.value, limit.value];
  };
  t.deepEqual(scan(' 6 10'), [2, 6, 10]);
  t.deepEqual(scan(' 6\r\n10\r\n'), [2, 6, 10]);
  t.deepEqual(scan('6+10'), [2, 6, 10]);
  t.deepEqual(scan('6'), [1, 6, UNTOUCHED]);
  t.deepEqual(scan('6,10'), [1, 6, UNTOUCHED]);
  t.deepEqual(scan('x'), [0, UNTOUCHED, UNTOUCHED]);
  t.deepEqual(scan('  '), [-1, UNTOUCHED, UNTOUCHED]);
  t.is(sscanf(putz(line, 'a=5'), 'a=%u', id), 1);
  t.is(id.value, 5);
  t.is(sscanf(putz(line, 'b=5'), 'a=%u', id), 0);
  t.is(sscanf(putz(line, 'a'), 'a=%u', id), -1);
});

// What is scanned, and what becomes of it as %u (and %lu) and as %d. null: nothing is stored.
const numbers: [string, number | null, number | null][] = [
  ['0', 0, 0],
  ['007', 7, 7],
  ['+1', 1, 1],
  ['-1', 4294967295, -1],
  ['\n 12abc', 12, 12],
  ['0x10', 0, 0],
  ['2147483647', 2147483647, 2147483647],
  ['2147483648', 2147483648, 2147483647],
  ['-2147483648', 2147483648, -2147483648],
  ['-2147483649', 2147483647, -2147483648],
  ['4294967295', 4294967295, 2147483647],
  ['4294967296', 4294967295, 2147483647],
  ['-4294967295', 1, -2147483648],
  ['-4294967296', 4294967295, -2147483648],
  ['99999999999999999999999999', 4294967295, 2147483647],
  ['-99999999999999999999999999', 4294967295, -2147483648],
  ['-', null, null],
  ['+', null, null],
  ['- 1', null, null],
  ['--1', null, null],
  ['abc', null, null],
];
for (const [s, unsigned, signed] of numbers) {
  test.serial(`${JSON.stringify(s)} is ${unsigned ?? 'nothing'} as %u and %lu, ${signed ?? 'nothing'} as %d`, (t) => {
    const as = (value: number | null): { stored: number; value: number } =>
      value === null ? { stored: 0, value: UNTOUCHED } : { stored: 1, value };
    t.deepEqual(scanned(s, '%u'), as(unsigned));
    t.deepEqual(scanned(s, '%lu'), as(unsigned));
    t.deepEqual(scanned(s, '%d'), as(signed));
    t.true(atoi(putz(line, s)) === (signed ?? 0)); // 0 may be -0 here, which C does not know
  });
}

test.serial('a number is read up to the NUL, whatever follows', (t) => {
  put(line, '12\x0034');
  t.is(atoi(line), 12);
});

function printed(format: string, ...args: (number | string)[]): string {
  const [a0 = 0, a1 = 0, a2 = 0, a3 = 0] = args;
  u8.fill(0x7e, out, out + 2048);
  const length = sprintf(out, format, a0, a1, a2, a3);
  const written = bytes(out, length + 2);
  if (!written.endsWith('\0~')) throw new Error(`no NUL after ${length} bytes: ${JSON.stringify(written)}`);
  return written.slice(0, -2);
}

test.serial('%u prints 32 bits without a sign, %d with one', (t) => {
  t.is(printed('%u', 0), '0');
  t.is(printed('%u', 4294967295), '4294967295');
  t.is(printed('%u', -1), '4294967295');
  t.is(printed('%u', -2147483648), '2147483648');
  t.is(printed('%u', 2 ** 32 + 5), '5');
  t.is(printed('%lu', -1), '4294967295');
  t.is(printed('%lu', 2 ** 32 + 5), '5');
  t.is(printed('%d', -1), '-1');
  t.is(printed('%d', 2147483647), '2147483647');
  t.is(printed('%d', -2147483648), '-2147483648');
  t.is(printed('%d', 2 ** 31), '-2147483648');
});

test.serial('%llu prints numbers above 2^32, up to the largest safe integer', (t) => {
  t.is(printed('%llu', 0), '0');
  t.is(printed('%llu', 2 ** 32), '4294967296');
  t.is(printed('%llu', Number.MAX_SAFE_INTEGER), '9007199254740991');
});

test.serial('%s takes a pointer or a literal, of any length', (t) => {
  putz(word1, 'key');
  t.is(printed('VALUE %s %u %u\r\n', word1, 7, 3), 'VALUE key 7 3\r\n');
  t.is(printed('[%s][%s]', 'literal', ''), '[literal][]');
  putz(word1, 'k'.repeat(400));
  t.is(printed('%s!', word1), `${'k'.repeat(400)}!`);
});

test.serial('other characters of a format are printed as they are, and %% as a percent sign', (t) => {
  t.is(printed('END'), 'END');
  t.is(printed(''), '');
  t.is(printed('STAT %d:chunk_size %u\r\nSTAT  x\r\n', 6, 64), 'STAT 6:chunk_size 64\r\nSTAT  x\r\n');
  t.is(printed('%d%%', 7), '7%');
});

test.serial('up to ten arguments are printed in order', (t) => {
  const length = sprintf(out, '%d %d %d %d %d %d %d %d %d %d', 1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  t.is(bytes(out, length), '1 2 3 4 5 6 7 8 9 10');
});

test.serial('an unknown format, or an argument that does not fit, is a program error', (t) => {
  t.throws(() => sprintf(out, '%f', 1), { message: /not understood: %f/ });
  t.throws(() => sprintf(out, '%x', 1), { message: /not understood: %x/ });
  t.throws(() => sprintf(out, '%u', 'text'), { instanceOf: TypeError });
  t.throws(() => sprintf(out, '%u %u', 1), { instanceOf: TypeError });
  t.throws(() => sprintf(out, '%s %s', 'text'), { instanceOf: TypeError });
  t.throws(() => sscanf(putz(line, '1 2'), '%u %u', { value: 0 }), { instanceOf: TypeError });
  const pointer: Ptr = word1;
  t.throws(() => sscanf(putz(line, '1'), '%u', pointer), { instanceOf: TypeError });
  t.throws(() => sscanf(putz(line, '1'), '%s', { value: 0 }), { instanceOf: TypeError });
});

test.serial('sscanf reads the numbers that sprintf prints', (t) => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 0, max: 0xffffffff }), (signed, unsigned) => {
    const d: Ref = { value: UNTOUCHED }, u: Ref = { value: UNTOUCHED }, n: Ref = { value: UNTOUCHED };
    const length = sprintf(out, '%d %u', signed, unsigned);
    t.is(bytes(out, length + 1), `${signed} ${unsigned}\0`);
    t.is(sscanf(out, '%d %lu%n', d, u, n), 2);
    t.deepEqual([d.value, u.value, n.value], [signed, unsigned, length]);
  }));
});

test.serial('%llu prints every whole number up to 2^53 as JavaScript does', (t) => {
  const edge = fc.integer({ min: 1, max: 15 }).chain((e) => fc.integer({ min: -2, max: 2 }).map((d) => 10 ** e + d));
  fc.assert(fc.property(fc.oneof(fc.maxSafeNat(), edge), (n) => {
    t.is(printed('%llu', n), String(n));
  }));
});
