// The associative array in Judy's place: against a Map, while it grows, and what its hash is.
import test from 'ava';
import fc from 'fast-check';

import { JSLD, JSLG, JSLI, Judy } from '../lib/assoc';
import type { Ptr } from '../lib/libc/memory';
import { malloc, memoryInit } from '../lib/libc/memory';
import { eventEconomy } from '../reactor/backends';
import { eventInit } from '../reactor/event';
import { halfSipHash } from './support/halfsiphash';
import { putz } from './support/memory';
import { upTo } from './support/thorough';

const MIB = 1 << 20;
memoryInit(64 * MIB, MIB);
eventEconomy(false);
eventInit(); // the array asks the backend for its random key

let room = malloc(32 * MIB);

/** A C string in memory. */
function cstring(text: string): Ptr {
  const p = putz(room, text);
  room += text.length + 1;
  return p;
}

function set(array: Judy, key: Ptr, value: Ptr): void {
  array.setValue(JSLI(array, key), value);
}

/** The value of `key`; undefined when it is not there. */
function get(array: Judy, key: Ptr): Ptr | undefined {
  const place = JSLG(array, key);
  return place === 0 ? undefined : array.value(place) >>> 0;
}

/** A key twice in memory: one is inserted, the other is looked up. */
interface Key {
  text: string;
  inserted: Ptr;
  asked: Ptr;
}

function keys(texts: readonly string[]): Key[] {
  return texts.map((text) => ({ text, inserted: cstring(text), asked: cstring(text) }));
}

const prefixes = Array.from({ length: 250 }, (_, i) => 'a'.repeat(i + 1));
const longest = Array.from({ length: 250 }, (_, i) => `${'a'.repeat(247)}${String(i).padStart(3, '0')}`);
const numbered = Array.from({ length: 2500 }, (_, i) => `key_${i}`);
const bytewise = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).flatMap((c) => [c, `${c}\xff`, `b${c}`]);
const pool = keys([...new Set([...prefixes, ...longest, ...numbered, ...bytewise])]);

const step = fc.record({
  what: fc.constantFrom('insert', 'insert', 'insert', 'delete', 'find'),
  at: fc.nat(pool.length - 1),
  value: fc.integer({ min: 1, max: 0xffffffff }),
});

test('the array behaves as a Map, with keys that are prefixes of others and keys of 250 bytes', (t) => {
  t.true(pool.length > 3000);
  fc.assert(fc.property(fc.array(step, { minLength: 3000, maxLength: 6000, size: 'max' }), (steps) => {
    const array = new Judy();
    const model = new Map<string, Ptr>();
    for (const { what, at, value } of steps) {
      const { text, inserted, asked } = pool[at];
      if (what === 'insert') {
        const place = JSLI(array, inserted);
        if (array.value(place) >>> 0 !== (model.get(text) ?? 0)) t.fail(`${text} is not what it was`);
        array.setValue(place, value);
        model.set(text, value);
      } else if (what === 'delete') {
        if (JSLD(array, asked) !== Number(model.delete(text))) t.fail(`deleting ${text}`);
      } else if (get(array, asked) !== model.get(text)) t.fail(`finding ${text}`);
    }
    t.deepEqual(pool.map(({ asked }) => get(array, asked)), pool.map(({ text }) => model.get(text)));
  }), { numRuns: upTo(5, 20) });
});

test('a new key has the value NULL, also in the place of a deleted one', (t) => {
  const array = new Judy();
  const [one, two] = keys(['one', 'two']);
  set(array, one.inserted, 4711);
  t.is(JSLD(array, one.asked), 1);
  t.is(JSLD(array, one.asked), 0);
  t.is(array.value(JSLI(array, two.inserted)), 0);
  t.is(JSLG(array, one.asked), 0);
});

test('inserting an existing key keeps its value and takes the new key, so that the old one may be freed', (t) => {
  const array = new Judy();
  const [first, second] = keys(['key', 'key']);
  set(array, first.inserted, 4711);
  JSLI(array, second.inserted);
  putz(first.inserted, 'xxx');
  t.is(get(array, first.asked), 4711);
  t.is(get(array, cstring('xxx')), undefined);
});

test('the empty key is a key', (t) => {
  const array = new Judy();
  const [empty] = keys(['']);
  t.is(get(array, empty.asked), undefined);
  set(array, empty.inserted, 1);
  t.is(get(array, empty.asked), 1);
  t.is(JSLD(array, empty.asked), 1);
});

const MANY = 300_000; // it begins with 65,536 buckets, and goes by one more bit of the hash at 131,072 and 262,144
const many = Array.from({ length: MANY }, (_, i) => cstring(`key${i}`));

/** Whether `key` has `value` in the array; faster than an assertion for each. */
function agrees(array: Judy, i: number, value: Ptr | undefined): boolean {
  return get(array, many[i]) === value;
}

test('every key is found at every size, while the array grows in steps', (t) => {
  const array = new Judy();
  let wrong = 0;
  for (let i = 0; i < MANY; i++) {
    set(array, many[i], i + 1);
    const older = (i * 7919) % (i + 1);
    if (!agrees(array, i, i + 1) || !agrees(array, older, older + 1)) wrong++;
    if (i + 1 < MANY && !agrees(array, i + 1, undefined)) wrong++;
  }
  for (let i = 0; i < MANY; i++) if (!agrees(array, i, i + 1)) wrong++;
  t.is(wrong, 0);
});

for (const grown of [65_600, 131_073, 65_537, 70_000].slice(0, upTo(2, 4))) {
  test(`keys can be deleted and inserted again while the array grows, at ${grown} keys`, (t) => {
    const array = new Judy();
    for (let i = 0; i < grown; i++) set(array, many[i], i + 1);
    let wrong = 0;
    for (let i = 0; i < grown; i += 2) if (JSLD(array, many[i]) !== 1 || JSLD(array, many[i]) !== 0) wrong++;
    for (let i = 0; i < grown; i++) if (!agrees(array, i, i % 2 === 0 ? undefined : i + 1)) wrong++;
    for (let i = 0; i < grown; i += 2) set(array, many[i], i + 2);
    for (let i = 0; i < grown; i++) if (!agrees(array, i, i % 2 === 0 ? i + 2 : i + 1)) wrong++;
    for (let i = 0; i < grown; i++) if (JSLD(array, many[i]) !== 1) wrong++;
    for (let i = 0; i < grown; i++) if (!agrees(array, i, undefined)) wrong++;
    t.is(wrong, 0);
  });
}

// The hash cannot be seen from outside, and must not be: these look inside.
function inside(array: Judy, member: 'k0' | 'k1'): number {
  return Reflect.get(array, member) as number;
}

/** What the bits of a hash tell that an array with few keys uses: the bucket, and the topmost six. */
const HASH_BITS = 0xfc00ffff;

function hashOf(array: Judy, key: Ptr): number {
  const node = JSLI(array, key);
  const link = (Reflect.get(array, 'nodes') as Uint32Array)[node * 3 + 2];
  // The one that was inserted last is the first of its bucket.
  const bucket = (Reflect.get(array, 'buckets') as Uint32Array).subarray(0, 65_536).indexOf(node);
  return ((link & 0xfc000000) | bucket) >>> 0;
}

test('two arrays hash one key differently: each has its own random key', (t) => {
  const arrays = Array.from({ length: 8 }, () => new Judy());
  t.is(new Set(arrays.map((array) => `${inside(array, 'k0')} ${inside(array, 'k1')}`)).size, 8);
  const hashes = (array: Judy): string => pool.slice(0, 8).map(({ inserted }) => hashOf(array, inserted)).join(' ');
  t.is(new Set(arrays.map(hashes)).size, 8);
});

test('the reference implementation gives the published vectors of HalfSipHash-2-4', (t) => {
  const published = ['a9359f5b', '27475ab8', 'fa62a603', '8afee704', '2a6e4689', 'c5fab669', '5863fc23'];
  const little = (hash: number): string => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(hash);
    return bytes.toString('hex');
  };
  const key: [number, number] = [0x03020100, 0x07060504];
  const hashes = published.map((_, n) => little(halfSipHash(Buffer.from([0, 1, 2, 3, 4, 5].slice(0, n)), key, [2, 4])));
  t.deepEqual(hashes, published);
});

test('when no room is left, an insert fails; other keys stay, and freed room is used again', (t) => {
  const array = new Judy();
  // As if all nodes but one had been used.
  Reflect.set(array, 'used', (Reflect.get(array, 'nodes') as Uint32Array).length / 3 - 1);
  const [one, two] = keys(['one', 'two']);
  set(array, one.inserted, 4711);
  t.is(JSLI(array, two.inserted), 0);
  t.is(get(array, two.asked), undefined);
  t.is(get(array, one.asked), 4711);
  t.is(JSLD(array, one.asked), 1);
  t.not(JSLI(array, two.inserted), 0);
});

test('the hash is HalfSipHash-1-3 of the key, with every length from 0 to 250', (t) => {
  const array = new Judy();
  const key: [number, number] = [inside(array, 'k0'), inside(array, 'k1')];
  const others = [...keys(['']), ...pool].filter(({ text, inserted }) => {
    return hashOf(array, inserted) !== (halfSipHash(Buffer.from(text, 'latin1'), key, [1, 3]) & HASH_BITS) >>> 0;
  });
  t.deepEqual(others, []);
});
