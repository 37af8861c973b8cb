// The storage of lib/1.6 against a model: random commands, after which everything must still hang together. Nothing is
// lost that was not evicted, and nothing comes back.
import test from 'ava';
import fc from 'fast-check';

import {
  assocBuckets, assocDelete, assocHashBytes, assocHashPower, assocInit, assocIsExpanding, hashOf,
} from '../lib/1.6/assoc';
import { currentTime } from '../lib/1.6/clock';
import { flushAll, hold, itemRemove, itemUpdate, lruMaintainerJuggle, lruModeSet } from '../lib/1.6/items';
import { NREAD_ADD, NREAD_APPEND, NREAD_PREPEND, NREAD_REPLACE, NREAD_SET, STORED } from '../lib/1.6/memcached.h';
import type { Settings } from '../lib/1.6/settings';
import type { Ptr } from '../lib/libc/memory';
import { NULL, bss } from '../lib/libc/memory';
import { evcalls } from '../reactor/event';
import { put } from './support/memory';
import { halfSipHash } from './support/halfsiphash';
import {
  MIB, alloc, checkStorage, get, has, hash, item, pass, remove, start, store, valueOf,
} from './support/storage';
import { upTo } from './support/thorough';

const KEYS = 24;
const scratch = bss(264);

/** What a client would know: by key, the value and when it expires (in seconds from the start; 0 for never). */
type Model = Map<string, { value: string; expires: number }>;

interface Held {
  it: Ptr;
  value: string;
}

/** A run of the storage beside the model. */
class Run {
  readonly model: Model = new Map();
  readonly held: Held[] = [];
  now = 0;
  flushAt = 0;

  constructor(private readonly evicts: boolean) {}

  wait(seconds: number): void {
    pass(seconds);
    this.now += seconds;
    if (this.flushAt !== 0 && this.flushAt <= this.now) {
      this.model.clear();
      this.flushAt = 0;
    }
    for (const [key, { expires }] of this.model) if (expires !== 0 && expires <= this.now) this.model.delete(key);
  }

  store(key: string, value: string, comm: number, ttl: number): void {
    const old = this.model.get(key);
    const result = store(key, value, comm, ttl);
    if (result !== STORED) return;
    if (comm === NREAD_APPEND && old) this.model.set(key, { ...old, value: old.value + value });
    else if (comm === NREAD_PREPEND && old) this.model.set(key, { ...old, value: value + old.value });
    else this.model.set(key, { value, expires: ttl === 0 ? 0 : this.now + ttl });
  }

  get(key: string): void {
    const should = this.model.get(key)?.value ?? null;
    const is = get(key);
    if (is === should || (is === null && this.evicts)) return;
    throw new Error(`${key} is ${String(is).slice(0, 50)}, and not ${String(should).slice(0, 50)}`);
  }

  delete(key: string): void {
    remove(key);
    this.model.delete(key);
  }

  hold(key: string): void {
    const it = item(key);
    if (it === NULL) return;
    hold(it);
    this.held.push({ it, value: valueOf(it) });
  }

  release(): void {
    const held = this.held.shift();
    if (held === undefined) return;
    if (valueOf(held.it) !== held.value) throw new Error('a held item has changed');
    itemRemove(held.it);
  }

  flush(): void {
    flushAll();
    this.model.clear();
    this.flushAt = 0;
  }

  flushLater(seconds: number): void {
    flushAll(currentTime + seconds);
    this.flushAt = this.now + seconds;
  }

  check(): void {
    for (let i = 0; i < KEYS; i++) this.get(`key-${i}`);
    const linked = new Set<Ptr>();
    for (let i = 0; i < KEYS; i++) linked.add(item(`key-${i}`));
    checkStorage([...new Set(this.held.map(({ it }) => it))].filter((it) => !linked.has(it)));
    while (this.held.length > 0) this.release();
    checkStorage();
  }
}

const size = fc.oneof(
  { arbitrary: fc.nat(100), weight: 4 },
  { arbitrary: fc.nat(20_000), weight: 2 },
  { arbitrary: fc.integer({ min: 200_000, max: 520_000 }), weight: 2 },
  { arbitrary: fc.integer({ min: MIB / 2, max: 2 * MIB }), weight: 1 },
);

interface Step {
  what: string;
  key: string;
  size: number;
  fill: string;
  n: number;
}

function storing(comm: number, sizeMax = Infinity): (run: Run, step: Step) => void {
  return (run, { key, size: length, fill, n }) => {
    run.store(key, fill.repeat(Math.min(length, sizeMax)), comm, n % 5 === 0 ? n : 0);
  };
}

const commands: Readonly<Record<string, (run: Run, step: Step) => void>> = {
  set: storing(NREAD_SET),
  add: storing(NREAD_ADD, 1000),
  replace: storing(NREAD_REPLACE),
  append: storing(NREAD_APPEND, 1000),
  prepend: storing(NREAD_PREPEND, 1000),
  get: (run, { key }) => run.get(key),
  delete: (run, { key }) => run.delete(key),
  update: (_, { key }) => {
    const it = item(key);
    if (it !== NULL) itemUpdate(it);
  },
  hold: (run, { key }) => run.hold(key),
  release: (run) => run.release(),
  wait: (run, { n }) => run.wait(n),
  flush: (run) => run.flush(),
  'flush later': (run, { n }) => run.flushLater(n + 1),
  juggle: () => {
    for (let id = 1; id < 40; id++) lruMaintainerJuggle(id, 5);
  },
  mode: (_, { n }) => lruModeSet(n % 2 === 0),
};

const step = fc.record<Step>({
  what: fc.constantFrom('set', 'set', 'get', 'get', 'get', ...Object.keys(commands)),
  key: fc.nat(KEYS - 1).map((n) => `key-${n}`),
  size,
  fill: fc.constantFrom('a', 'b', 'c', 'd'),
  n: fc.nat(70),
});

/** Where pointers are above 2^31. */
const HIGH = 2 ** 31 + 2 ** 28;

const runs: [string, Partial<Settings>, number, boolean, number?][] = [
  ['with memory for all items', { maxbytes: 0 }, 100, false],
  ['in 3 MB', { maxbytes: 3 * MIB }, 24, true],
  ['in 3 MB, with the TEMP LRU', { maxbytes: 3 * MIB, tempLru: true }, 24, true],
  ['in 3 MB, with -M', { maxbytes: 3 * MIB, evictToFree: 0 }, 24, false],
  ['in 4 MB without cas numbers', { maxbytes: 4 * MIB, useCas: false }, 24, true],
  ['in 3 MB beyond 2^31', { maxbytes: 3 * MIB }, 24, true, HIGH],
];

for (const [name, changed, arena, evicts, before = MIB] of runs) {
  test.serial(`random commands, ${name}: every result is right, and all lists are in order`, (t) => {
    const property = fc.property(fc.array(step, { maxLength: 150, size: 'max' }), (steps) => {
      start({ itemSizeMax: 2 * MIB, ...changed }, arena, { before });
      const run = new Run(evicts);
      for (const one of steps) commands[one.what](run, one);
      run.check();
    });
    t.notThrows(() => fc.assert(property, { numRuns: upTo(3, 8) }));
  });
}

test.serial('the hash is HalfSipHash-1-3 under a random key, with every length from 0 to 250', (t) => {
  const key = new Int32Array(2);
  const getrandom = evcalls.getrandom.bind(evcalls);
  t.teardown(() => Reflect.set(evcalls, 'getrandom', getrandom));
  Reflect.set(evcalls, 'getrandom', (buf: Uint8Array) => {
    const filled = getrandom(buf);
    new Uint8Array(key.buffer).set(buf);
    return filled;
  });
  const keys = new Set<number>();
  for (let length = 0; length <= 250; length++) {
    start({}, 1);
    keys.add(key[0]);
    const data = Buffer.from(Array.from({ length }, (_, i) => (i * 37 + length) & 0xff));
    const hv = hashOf(put(scratch, `${data.toString('latin1')}more`), length);
    t.is(hv >>> 0, halfSipHash(data, [key[0], key[1]], [1, 3]), `${length} bytes`);
  }
  t.true(keys.size > 240);
});

test.serial('the hash table grows by a bucket or two per insert, and loses nothing', (t) => {
  start({ maxbytes: 0, hashpowerInit: 6 }, 4);
  t.is(assocHashPower(), 6);
  t.is(assocHashBytes(), 256);
  for (let i = 0; i < 64; i++) store(`key-${i}`, '');
  t.is(assocBuckets(), 64);
  t.false(assocIsExpanding());
  store('one more', '');
  t.is(assocBuckets(), 65);
  t.true(assocIsExpanding());
  t.is(assocHashPower(), 6);
  for (let i = 64; i < 96; i++) store(`key-${i}`, '');
  t.is(assocHashPower(), 7);
  for (let i = 96; i < 5000; i++) store(`key-${i}`, '');
  t.is(assocBuckets(), 5001);
  t.is(assocHashPower(), 12);
  for (let i = 0; i < 5000; i++) if (!has(`key-${i}`)) t.fail(`key-${i} is lost`);
  checkStorage();
  const it = alloc('unlinked', '');
  t.throws(() => assocDelete(it, hash('unlinked')), { message: /is not in the hash table/ });
  assocInit(0);
  t.is(assocHashPower(), 16);
});
