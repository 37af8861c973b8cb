// Several reads or writes in one system call, as the kernel has them: the rings against a kernel that a test decides,
// then against the real one, where it has io_uring(7); programs and servers with many connections there. (What becomes
// of it, rule by rule, is in readahead.spec.ts.)
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect as connectTo } from 'node:net';
import { join } from 'node:path';

import test from 'ava';
import type { ExecutionContext } from 'ava';

import { EAGAIN, EBADF, ECONNRESET, EINTR, EIO, ENOSYS, ENOTCONN, ENOTSOCK, EPIPE, errno } from '../reactor/errno.h';
import { EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_WRITE, Event } from '../reactor/event.h';
import type { Batch } from '../reactor/syscalls.h';
import { eventAdd, eventDel, eventDispatch, eventLoop, eventSet } from '../reactor/event';
import { epollops } from '../reactor/epoll';
import { loadSystem } from '../reactor/linux/ffi';
import { Random } from '../reactor/sim';
import { SHUT_WR, SOL_SOCKET, SO_LINGER } from '../reactor/socket.h';
import { accept, close, read, setsockopt, shutdown, write } from '../reactor/syscalls';
import { openUring } from '../reactor/linux/uring';
import type { UringCalls } from '../reactor/linux/uring';
import { Client, ask } from './support/client';
import { root, startServer } from './support/server';
import { connections, descriptors, init, listener, unblock, until } from './support/sockets';
import { where } from './support/where';
import { upTo } from './support/thorough';

// The rings, against a kernel of ours

const OP_SEND = 26, OP_RECV = 27;
const FEATURES = 0x3fff;

/** What the kernel is asked for. */
interface Asked {
  opcode: number;
  fd: number;
  address: bigint;
  length: number;
  /** MSG_ flags. */
  flags: number;
}

interface Completion {
  /** As it came. */
  user: [number, number];
  result: number;
}

/** io_uring as its man page has it, but for the work itself. */
class RingKernel implements UringCalls {
  features = FEATURES;
  setupFails = false;
  /** Which mapping fails: the offset. */
  mapFails = -1;
  /** Where the rings' indices begin. */
  first = 0;
  /** What enter takes at most of what it is given; -1: it fails with EAGAIN. */
  takes = Infinity;
  /** The errno value with which every enter fails, or 0. */
  fails = 0;
  /** Whether it fails only where it waits; so many results come nevertheless, one with each call. */
  failsLate = false;
  answers = 0;
  /** How many calls of enter that wait are in vain, as when a signal comes. */
  interrupted = 0;
  /** Whether what is taken is complete only when enter waits for it, and then the last first. */
  late = false;
  /** What comes of it, by default all of it. */
  result: (asked: Asked) => number = ({ length }) => length;
  /** Where buffers lie. */
  base = 0x7f00_0000_0000;

  readonly asked: Asked[] = [];
  readonly closed: number[] = [];
  readonly shut: number[] = [];
  enters = 0;
  waits = 0;

  private entries = 0;
  private readonly buffers = new Map<ArrayBufferLike, number>();
  private readonly rings = new Uint32Array(new ArrayBuffer(64 * 1024));
  private sqes = new Uint32Array(new ArrayBuffer(0));
  private pending: Completion[] = [];

  addressOf(buf: Uint8Array): number {
    const known = this.buffers.get(buf.buffer);
    if (known !== undefined) return known + buf.byteOffset;
    this.buffers.set(buf.buffer, this.base);
    this.base += buf.buffer.byteLength;
    return this.addressOf(buf);
  }

  setup(entries: number, params: number): number {
    if (this.setupFails) return -1;
    const [buffer] = [...this.buffers].find(([, at]) => at === params) ?? [new ArrayBuffer(120)];
    const words = new Uint32Array(buffer);
    this.entries = entries;
    words[0] = entries;
    words[1] = 2 * entries;
    words[5] = this.features;
    // sq: head, tail, ring_mask, ring_entries, flags, dropped, array; cq: head, tail, ring_mask, …, cqes
    words.set([0, 4, 8, 12, 16, 20, 256], 10);
    words.set([128, 132, 136, 140, 144, 8192], 20);
    const { rings } = this;
    rings[0] = rings[1] = rings[32] = rings[33] = this.first;
    rings[2] = entries - 1;
    rings[34] = 2 * entries - 1;
    return 77;
  }

  map(fd: number, offset: number, length: number): ArrayBuffer | null {
    if (fd !== 77 || offset === this.mapFails) return null;
    if (offset === 0) return length <= this.rings.byteLength ? this.rings.buffer : null;
    const buffer = new ArrayBuffer(length);
    this.sqes = new Uint32Array(buffer);
    return buffer;
  }

  close(fd: number): number {
    this.closed.push(fd);
    return 0;
  }

  shutdown(fd: number): number {
    this.shut.push(fd);
    return 0;
  }

  enter(fd: number, toSubmit: number, minComplete: number, flags: number): number {
    const { rings, sqes, entries } = this;
    if (++this.enters > 100_000) throw new Error('it is called for ever');
    if (fd !== 77) return -EBADF;
    if (this.takes === -1) return -EAGAIN;
    if (this.fails !== 0 && (!this.failsLate || flags & 1)) {
      if (this.answers-- > 0) for (const done of this.pending.splice(0, 1)) this.complete(done);
      return -this.fails;
    }
    if (flags & 1) {
      this.waits++;
      if (minComplete > this.pending.length) throw new Error('it would wait for ever');
      if (this.interrupted-- > 0) return -EINTR;
      for (const done of this.pending.splice(0).reverse()) this.complete(done);
      return 0;
    }
    const given = (rings[1] - rings[0]) >>> 0;
    if (given > entries) throw new Error(`${given} entries in a ring of ${entries}`);
    const n = Math.min(given, toSubmit, this.takes);
    for (let i = 0; i < n; i++) {
      const at = 16 * rings[64 + (rings[0] & rings[2])];
      const [head, , , , , , length, msgFlags, ...user] = sqes.subarray(at, at + 10);
      const address = new BigUint64Array(sqes.buffer, 4 * at + 16, 1)[0];
      const asked = { opcode: head, fd: sqes[at + 1] | 0, address, length, flags: msgFlags };
      this.asked.push(asked);
      const done: Completion = { user: [user[0], user[1]], result: this.result(asked) };
      if (this.late) this.pending.push(done);
      else this.complete(done);
      rings[0]++;
    }
    return n;
  }

  private complete({ user, result }: Completion): void {
    const { rings } = this;
    if ((rings[33] - rings[32]) >>> 0 > 2 * this.entries) throw new Error('the ring of completions is full');
    const at = 2048 + 4 * (rings[33] & rings[34]);
    rings.set([user[0], user[1], result, 0], at);
    rings[33]++;
  }
}

function ringOf(kernel: RingKernel): Batch {
  const ring = openUring(kernel);
  if (ring === null) throw new Error('no ring');
  return ring;
}

function recvFrom(ring: Batch, fds: number[], length = 16, buf = new Uint8Array(fds.length * length)): number[] {
  const results = new Int32Array(fds.length).fill(-1000);
  ring.recv(Int32Array.from(fds), fds.length, buf, length, results);
  return [...results];
}

/** `starts`: of each, and where the last one ends. */
function sendTo(ring: Batch, fds: number[], buf: Uint8Array, starts: number[]): number[] {
  const results = new Int32Array(fds.length).fill(-1000);
  ring.send(Int32Array.from(fds), fds.length, buf, Uint32Array.from(starts), results);
  return [...results];
}

test('ring: there is none if the kernel lacks it or a feature of it, and nothing stays open', (t) => {
  const lacks: Partial<RingKernel>[] = [
    { setupFails: true }, { mapFails: 0 }, { mapFails: 0x10000000 },
    { features: FEATURES & ~1 }, // two mappings, before Linux 5.4
    { features: FEATURES & ~0x20 }, // no send and recv, before 5.7 at least
    { features: 1 },
  ];
  for (const set of lacks) {
    const kernel = Object.assign(new RingKernel(), set);
    const res = openUring(kernel);
    t.is(res, null);
    t.deepEqual(kernel.closed, set.setupFails === true ? [] : [77]);
  }
});

test('ring: calls are queued in order, each with its part of the buffer, not waiting and without SIGPIPE', (t) => {
  const kernel = new RingKernel();
  const ring = ringOf(kernel);
  const buf = new Uint8Array(4096);
  const base = BigInt(kernel.addressOf(buf));
  kernel.result = ({ fd }) => fd;
  t.deepEqual(recvFrom(ring, [7, 5, 900, 6], 100, buf), [7, 5, 900, 6]);
  t.deepEqual(sendTo(ring, [9, 8, 7], buf, [10, 15, 15, 4096]), [9, 8, 7]);
  const flags = 0x4040;
  t.deepEqual(kernel.asked, [
    ...[7, 5, 900, 6].map((fd, i) => ({ opcode: OP_RECV, fd, address: base + BigInt(100 * i), length: 100, flags })),
    { opcode: OP_SEND, fd: 9, address: base + 10n, length: 5, flags },
    { opcode: OP_SEND, fd: 8, address: base + 15n, length: 0, flags },
    { opcode: OP_SEND, fd: 7, address: base + 15n, length: 4081, flags },
  ]);
  t.is(kernel.enters, 2);
});

test('ring: each result is that of its call, with errno values negated', (t) => {
  const kernel = new RingKernel();
  const ring = ringOf(kernel);
  kernel.result = ({ fd }) => fd < 0 ? -EBADF : fd === 5 ? -ECONNRESET : fd === 6 ? 0 : 16;
  t.deepEqual(recvFrom(ring, [5, 6, -1, 7]), [-ECONNRESET, 0, -EBADF, 16]);
});

test('ring: buffers may lie anywhere, and across a multiple of 2^32', (t) => {
  for (const base of [64, 0xffff_ff80, 0x7fff_ffff_ff00, 0x5555_ffff_fff0, 2 ** 47 - 8192]) {
    const kernel = new RingKernel();
    const ring = ringOf(kernel);
    kernel.base = base;
    const whole = new Uint8Array(1024);
    const buf = whole.subarray(16);
    t.is(kernel.addressOf(whole), base);
    recvFrom(ring, [1, 2, 3, 4, 5, 6], 128, buf);
    sendTo(ring, [1, 2, 3], buf, [0, 112, 240, 1000]);
    t.deepEqual(kernel.asked.map(({ address }) => address - BigInt(base)), [
      16n, 144n, 272n, 400n, 528n, 656n, 16n, 128n, 256n,
    ], base.toString(16));
  }
});

test('ring: indices wrap around, also at 2^32', (t) => {
  for (const first of [0, 1000, 2 ** 31 - 1500, 2 ** 32 - 1500]) {
    const kernel = Object.assign(new RingKernel(), { first });
    const ring = ringOf(kernel);
    const random = new Random(1);
    kernel.result = ({ fd, length }) => 1000 * length + fd;
    for (let n = 1; n <= 1024; n += 1 + random.int(40)) {
      const fds = Array.from({ length: n }, (_, i) => i);
      t.deepEqual(recvFrom(ring, fds, n), fds.map((fd) => 1000 * n + fd));
    }
    t.is(kernel.waits, 0);
    kernel.late = true;
    for (let n = 1; n <= 1024; n += 100) {
      const fds = Array.from({ length: n }, (_, i) => i);
      t.deepEqual(recvFrom(ring, fds, n), fds.map((fd) => 1000 * n + fd));
    }
  }
});

test('ring: incomplete calls are waited for, whatever their order and however often a signal interrupts', (t) => {
  const kernel = Object.assign(new RingKernel(), { late: true, interrupted: 3 });
  const ring = ringOf(kernel);
  kernel.result = ({ fd }) => fd;
  t.deepEqual(recvFrom(ring, [4, 5, 6, 7]), [4, 5, 6, 7]);
  t.is(kernel.waits, 4);
  kernel.late = false;
  t.deepEqual(recvFrom(ring, [8, 9, 10, 11]), [8, 9, 10, 11]);
});

test('ring: calls that the kernel does not take give EAGAIN, and are not left in the ring', (t) => {
  for (const first of [0, 2 ** 32 - 5]) {
    const kernel = Object.assign(new RingKernel(), { first });
    const ring = ringOf(kernel);
    kernel.result = ({ fd }) => fd;
    for (const [takes, results] of [
      [3, [4, 5, 6, -EAGAIN, -EAGAIN]], [0, times(5, -EAGAIN)], [-1, times(5, -EAGAIN)], [5, [4, 5, 6, 7, 8]],
    ] as const) {
      kernel.takes = takes;
      kernel.asked.splice(0);
      t.deepEqual(recvFrom(ring, [4, 5, 6, 7, 8]), results);
      t.deepEqual(kernel.asked.map(({ fd }) => fd), [4, 5, 6, 7, 8].slice(0, Math.max(takes, 0)));
    }
    kernel.takes = Infinity;
    t.deepEqual(recvFrom(ring, [9, 10, 11, 12]), [9, 10, 11, 12]);
  }
});

test('ring: when its calls fail for good, all give EAGAIN, and the ring is not used again', (t) => {
  for (const fails of [EBADF, ENOSYS]) {
    const kernel = new RingKernel();
    const ring = ringOf(kernel);
    t.deepEqual(recvFrom(ring, [4, 5, 6, 7]), times(4, 16));
    t.is(ring.size, 1024);
    kernel.fails = fails;
    t.deepEqual(recvFrom(ring, [4, 5, 6, 7]), times(4, -EAGAIN));
    t.is(ring.size, 0);
    t.is(kernel.asked.length, 4);
    t.deepEqual(kernel.shut, []);
  }
});

test('ring: when it fails after taking calls, those without a result give EIO, and it is not used again', (t) => {
  for (const fails of [EBADF, EINTR]) {
    const kernel = Object.assign(new RingKernel(), { late: true, fails, failsLate: true, answers: 5, takes: 4 });
    const ring = ringOf(kernel);
    kernel.result = ({ fd }) => fd;
    const send = (): number[] => sendTo(ring, [4, 5, 6, 7, 8], new Uint8Array(20), [0, 4, 8, 12, 16, 20]);
    t.deepEqual(send(), [4, 5, 6, 7, -EAGAIN]);
    t.is(ring.size, 1024);
    t.deepEqual(send(), [4, ...times(3, -EIO), -EAGAIN]);
    t.is(ring.size, 0);
    t.deepEqual(kernel.shut, [5, 6, 7]);
  }
});

function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

// The kernel's own

const hasUring = loadSystem()?.syscalls.batch != null;
const maybe = where(hasUring, 'io_uring', test.serial);

/** That of the backend. */
function uring(): Batch {
  const { batch } = epollops.syscalls;
  if (batch === null) throw new Error('no ring');
  return batch;
}

/** `count` connections, which are closed after the test. */
function open(t: ExecutionContext, count: number): [number, number][] {
  const pairs = connections(count);
  t.teardown(() => {
    for (const [fd, far] of pairs) {
      close(fd);
      close(far);
    }
  });
  return pairs;
}

/** Closed with a reset. */
function reset(fd: number): void {
  setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 });
  close(fd);
}

/** What a call gave, or its errno value negated. */
function result(res: number): number {
  return res === -1 ? -errno : res;
}

const HELLO = Buffer.from('hello, world');

/** The states that a connection may be in when its near end is read; each function waits, by events, until it is. */
const ENDS: Record<string, (fd: number, far: number) => Promise<void> | void> = {
  'nothing is there': () => {},
  'less than asked for': async (fd, far) => {
    write(far, HELLO, 0, 5);
    await until(fd);
  },
  'as much as asked for': async (fd, far) => {
    write(far, HELLO, 0, 8);
    await until(fd);
  },
  'more than asked for': async (fd, far) => {
    write(far, HELLO, 0, 12);
    await until(fd);
  },
  'the end': async (fd, far) => {
    shutdown(far, SHUT_WR);
    await until(fd);
  },
  'bytes and the end': async (fd, far) => {
    write(far, HELLO, 0, 5);
    shutdown(far, SHUT_WR);
    await until(fd);
  },
  'a reset': async (fd, far) => {
    reset(far);
    await until(fd);
  },
  'a reset with bytes on their way': async (fd, far) => {
    write(far, HELLO, 0, 5);
    reset(far);
    await until(fd);
  },
  'a descriptor that is closed': (fd) => void close(fd),
};

maybe('io_uring: reads give what read(2) gives, and touch nothing else', async (t) => {
  init('epoll');
  const names = Object.keys(ENDS);
  const [together, single] = [open(t, names.length), open(t, names.length)];
  for (const [i, name] of names.entries()) {
    await ENDS[name](...together[i]);
    await ENDS[name](...single[i]);
  }
  const fds = together.map(([fd]) => fd);
  const seen: Record<string, number[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < 4; round++) {
    const [one, other] = [Buffer.alloc(10 * names.length, '.'), Buffer.alloc(10 * names.length, '.')];
    const results = recvFrom(uring(), fds, 8, one);
    t.deepEqual(results, single.map(([fd], i) => result(read(fd, other, 8 * i, 8))));
    t.is(one.toString(), other.toString());
    for (const [i, name] of names.entries()) seen[name].push(results[i]);
  }
  t.deepEqual(seen, {
    'nothing is there': times(4, -EAGAIN),
    'less than asked for': [5, ...times(3, -EAGAIN)],
    'as much as asked for': [8, ...times(3, -EAGAIN)],
    'more than asked for': [8, 4, -EAGAIN, -EAGAIN],
    'the end': times(4, 0),
    'bytes and the end': [5, 0, 0, 0],
    'a reset': [-ECONNRESET, 0, 0, 0],
    'a reset with bytes on their way': seen['a reset with bytes on their way'], // the system's to decide
    'a descriptor that is closed': times(4, -EBADF),
  });
});

maybe('io_uring: a descriptor that is no connection or no socket gives its errno', (t) => {
  init('epoll');
  const server = listener();
  const file = openSync(__filename, 'r');
  t.deepEqual(recvFrom(uring(), [server.fd, file, -1, 99999]), [-ENOTCONN, -ENOTSOCK, -EBADF, -EBADF]);
  t.deepEqual(sendTo(uring(), [server.fd, file, -1], HELLO, [0, 4, 8, 12]), [-EPIPE, -ENOTSOCK, -EBADF]);
  closeSync(file);
  close(server.fd);
});

maybe('io_uring: writes give what write(2) gives', async (t) => {
  init('epoll');
  const [sound, shut, gone, closed, empty] = open(t, 5);
  shutdown(shut[0], SHUT_WR);
  reset(gone[1]);
  await until(gone[0]);
  close(closed[0]);
  const fds = [sound, shut, gone, closed, empty].map(([fd]) => fd);
  const starts = [0, 5, 7, 9, 12, 12];
  t.deepEqual(sendTo(uring(), fds, HELLO, starts), [5, -EPIPE, -ECONNRESET, -EBADF, 0]);
  t.deepEqual(sendTo(uring(), fds, HELLO, starts), [5, -EPIPE, -EPIPE, -EBADF, 0]);
  await until(sound[1]);
  const buf = Buffer.alloc(20);
  t.is(read(sound[1], buf, 0, 20), 10);
  t.is(buf.toString('latin1', 0, 10), 'hellohello');
  t.is(result(read(empty[1], buf, 0, 20)), -EAGAIN);
});

maybe('io_uring: a peer that does not read gets a part, then EAGAIN; the other writes are complete', async (t) => {
  init('epoll');
  const [stuck, ...others] = open(t, 4);
  const random = new Random(1);
  const bytes = Buffer.from(Array.from({ length: 1 << 20 }, () => random.int(256)));
  const small = 1000;
  const sent: Buffer[] = [];
  let [partial, blocked] = [0, 0];
  const send = (): void => {
    const starts = [0, bytes.length - 3 * small, bytes.length - 2 * small, bytes.length - small, bytes.length];
    const [res, ...rest] = sendTo(uring(), [stuck, ...others].map(([fd]) => fd), bytes, starts);
    t.deepEqual(rest, times(3, small));
    if (res > 0) sent.push(bytes.subarray(0, res));
    if (res > 0 && res < starts[1]) partial++;
    if (res === -EAGAIN) blocked++;
    else t.true(res > 0);
  };
  const heard: Buffer[] = [];
  const buf = Buffer.alloc(1 << 16);
  const hear = async (far: number, length: number): Promise<Buffer> => {
    const list: Buffer[] = [];
    for (let left = length; left > 0;) {
      await until(far);
      const n = read(far, buf, 0, Math.min(left, buf.length));
      if (n > 0) list.push(Buffer.from(buf.subarray(0, n)));
      left -= n;
    }
    return Buffer.concat(list);
  };
  for (let round = 0; round < 2; round++) {
    blocked = 0;
    while (blocked < 3) {
      send();
      for (const [i, [, far]] of others.entries()) {
        const at = bytes.length - (3 - i) * small;
        t.is(Buffer.compare(await hear(far, small), bytes.subarray(at, at + small)), 0);
      }
    }
    const size = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);
    const total = size(sent) - size(heard);
    heard.push(await hear(stuck[1], total));
    await until(stuck[0], EV_WRITE);
  }
  t.true(partial > 0);
  t.is(Buffer.compare(Buffer.concat(heard), Buffer.concat(sent)), 0);
});

maybe('io_uring: thousands of calls each move their own bytes', async (t) => {
  init('epoll');
  const pairs = open(t, 40);
  const random = new Random(1);
  const buf = Buffer.alloc(40 * 64);
  const results = new Int32Array(40);
  let lost = 0;
  for (let call = 0; call < 3000; call++) {
    const from = random.int(37);
    const some = pairs.slice(from, from + 4 + random.int(37 - from));
    const texts = some.map(([fd]) => `${call}: ${fd}${'.'.repeat(random.int(40))}`);
    const starts = texts.reduce((list, text) => [...list, (list.at(-1) ?? 0) + text.length], [0]);
    buf.write(texts.join(''), 'latin1');
    const sent = sendTo(uring(), some.map(([fd]) => fd), buf, starts);
    if (sent.some((res, i) => res !== texts[i].length)) t.deepEqual(sent, texts.map(({ length }) => length));
    const fars = Int32Array.from(some, ([, far]) => far);
    uring().recv(fars, fars.length, buf.fill(0), 64, results);
    for (const [i, far] of fars.entries()) {
      // Bytes usually arrive at once, but there is no guarantee.
      for (; results[i] === -EAGAIN; lost++) {
        await until(far);
        results[i] = read(far, buf, 64 * i, 64);
      }
      const got = buf.toString('latin1', 64 * i, 64 * i + results[i]);
      if (got !== texts[i]) t.is(got, texts[i]);
    }
  }
  t.true(lost < 1000);
});

maybe('io_uring: one batch can have as many calls as the ring holds', async (t) => {
  init('epoll');
  const { size } = uring();
  const pairs = open(t, size);
  const bytes = Buffer.from(pairs.map(([fd]) => String(fd).padStart(8, '0')).join(''));
  for (let round = 0; round < 3; round++) {
    const starts = Array.from({ length: size + 1 }, (_, i) => 8 * i);
    t.deepEqual(sendTo(uring(), pairs.map(([fd]) => fd), bytes, starts), times(size, 8));
    for (const [, far] of pairs.slice(-3)) await until(far);
    const buf = Buffer.alloc(bytes.length);
    t.deepEqual(recvFrom(uring(), pairs.map(([, far]) => far), 8, buf), times(size, 8));
    t.is(Buffer.compare(buf, bytes), 0);
  }
});

maybe('io_uring: a descriptor that was in a call is not kept open', async (t) => {
  init('epoll');
  const pairs = open(t, 4);
  sendTo(uring(), pairs.map(([fd]) => fd), HELLO, [0, 1, 2, 3, 4]);
  recvFrom(uring(), pairs.map(([fd]) => fd));
  for (const [fd, far] of pairs) {
    close(fd);
    const buf = Buffer.alloc(10);
    await until(far);
    t.is(read(far, buf, 0, 10), 1);
    await until(far);
    t.is(read(far, buf, 0, 10), 0);
  }
});

/** A ring of our own, whose descriptor somebody else has closed. */
function closedRing(): Batch {
  const before = descriptors();
  const batch = loadSystem()?.syscalls.batch ?? null;
  if (batch === null) throw new Error('no ring');
  for (const [fd, what] of descriptors()) if (what.includes('io_uring') && before.get(fd) !== what) closeSync(fd);
  return batch;
}

maybe('io_uring: a closed ring gives EAGAIN for all calls once, and has no room from then on', (t) => {
  init('epoll');
  const pairs = open(t, 4);
  const ring = closedRing();
  t.is(ring.size, 1024);
  t.deepEqual(sendTo(ring, pairs.map(([fd]) => fd), HELLO, [0, 1, 2, 3, 4]), times(4, -EAGAIN));
  t.is(ring.size, 0);
  for (const [, far] of pairs) t.is(result(read(far, Buffer.alloc(10), 0, 10)), -EAGAIN);
});

maybe('io_uring: EVENT_NOIOURING in the environment forbids it', (t) => {
  process.env['EVENT_NOIOURING'] = '';
  t.teardown(() => Reflect.deleteProperty(process.env, 'EVENT_NOIOURING'));
  t.is(loadSystem()?.syscalls.batch, null);
});

// Programs on it, with economy

/** How often it is called, during a test. */
function counted(t: ExecutionContext): { recv: number; send: number } {
  const batch = uring();
  const counts = { recv: 0, send: 0 };
  for (const name of ['recv', 'send'] as const) {
    const call: (...args: unknown[]) => void = batch[name].bind(batch) as never;
    Object.assign(batch, {
      [name]: (...args: unknown[]) => {
        counts[name]++;
        call(...args);
      },
    });
    t.teardown(() => Reflect.deleteProperty(batch, name));
  }
  return counts;
}

function watch(fd: number, callback: (fd: number) => void): Event {
  const ev = new Event();
  eventSet(ev, fd, EV_READ | EV_PERSIST, callback, null);
  eventAdd(ev, null);
  return ev;
}

maybe('epoll: more connections at once than a ring holds each get back what they send', async (t) => {
  init('epoll', true);
  const pairs = open(t, uring().size + 100);
  const counts = counted(t);
  const buf = Buffer.alloc(100);
  const events = pairs.map(([fd]) => watch(fd, () => {
    const n = read(fd, buf, 0, 100);
    if (n > 0) write(fd, buf, 0, n);
  }));
  for (let round = 0; round < 4; round++) {
    for (const [, far] of pairs) write(far, Buffer.from(`${round}: ${far}`), 0, `${round}: ${far}`.length);
    for (const [, far] of pairs) {
      let n = read(far, buf, 0, 100);
      for (; n === -1; n = read(far, buf, 0, 100)) await eventLoop(EVLOOP_ONCE);
      t.is(buf.toString('latin1', 0, n), `${round}: ${far}`);
    }
  }
  t.true(counts.recv >= 3 && counts.send >= 4, JSON.stringify(counts));
  for (const ev of events) eventDel(ev);
});

maybe('epoll: when the ring fails, connections go on without it, and lose nothing', async (t) => {
  init('epoll', true);
  const batch = uring();
  const { size } = batch;
  const pairs = open(t, 20);
  const buf = Buffer.alloc(100);
  const events = pairs.map(([fd]) => watch(fd, () => {
    const n = read(fd, buf, 0, 100);
    if (n > 0) write(fd, buf, 0, n);
  }));
  const dead = closedRing();
  let calls = 0;
  for (let round = 0; round < 6; round++) {
    if (round === 2) {
      Object.assign(batch, {
        recv: (...args: Parameters<Batch['recv']>) => {
          calls++;
          dead.recv(...args);
          Object.assign(batch, { size: dead.size });
        },
        send: (...args: Parameters<Batch['send']>) => {
          calls++;
          dead.send(...args);
          Object.assign(batch, { size: dead.size });
        },
      });
      t.teardown(() => {
        for (const name of ['recv', 'send']) Reflect.deleteProperty(batch, name);
        Object.assign(batch, { size });
      });
    }
    for (const [, far] of pairs) write(far, Buffer.from(`${round}: ${far}`), 0, `${round}: ${far}`.length);
    for (const [, far] of pairs) {
      let n = read(far, buf, 0, 100);
      for (; n === -1; n = read(far, buf, 0, 100)) await eventLoop(EVLOOP_ONCE);
      t.is(buf.toString('latin1', 0, n), `${round}: ${far}`);
    }
  }
  t.is(calls, 1);
  for (const ev of events) eventDel(ev);
});

maybe('epoll: fifty clients that send and read at random get back what they sent, to the end', async (t) => {
  init('epoll', true);
  const counts = counted(t);
  const server = listener(64);
  unblock(server.fd);
  const buf = Buffer.alloc(1000);
  const open = new Set<number>();
  const acceptor = watch(server.fd, () => {
    for (let fd = accept(server.fd, null); fd !== -1; fd = accept(server.fd, null)) serve(unblock(fd));
  });
  const serve = (fd: number): void => {
    let pending = Buffer.alloc(0);
    open.add(fd);
    const reader = watch(fd, () => {
      for (;;) {
        if (pending.length > 20_000) {
          eventDel(reader);
          eventAdd(writer, null);
          return;
        }
        const n = read(fd, buf, 0, buf.length);
        if (n > 0) {
          pending = Buffer.concat([pending, buf.subarray(0, n)]);
          send();
        } else if (n === 0 || errno !== EAGAIN) {
          eventDel(reader);
          ended = true;
          send();
          if (open.has(fd)) eventAdd(writer, null);
          return;
        } else return;
      }
    });
    let ended = false;
    const writer = new Event();
    eventSet(writer, fd, EV_WRITE, () => {
      send();
      if (open.has(fd)) eventAdd(ended || pending.length > 20_000 ? writer : reader, null);
    }, null);
    const send = (): void => {
      while (pending.length > 0) {
        const n = write(fd, pending, 0, pending.length);
        if (n === -1) break;
        pending = pending.subarray(n);
      }
      if (!ended || pending.length > 0) return;
      open.delete(fd);
      close(fd);
      clients--;
      if (clients === 0) eventDel(acceptor);
    };
  };
  let clients = 50;
  const talked = Promise.all(Array.from({ length: clients }, async (_, i) => {
    const random = new Random(i + 1);
    const socket = connectTo({ port: server.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const [sent, heard]: [Buffer[], Buffer[]] = [[], []];
    socket.on('data', (chunk: Buffer) => heard.push(chunk));
    const ended = once(socket, 'end');
    for (let step = 0; step < upTo(50, 200); step++) {
      const length = 1 + random.int(random.pick([10, 10, 300, 3000]));
      const chunk = Buffer.from(Array.from({ length }, () => random.int(256)));
      sent.push(chunk);
      if (random.chance(0.02)) socket.pause();
      if (random.chance(0.1)) socket.resume();
      await new Promise((resolve) => socket.write(chunk, resolve));
      if (random.chance(0.5)) await new Promise(setImmediate); // in which the loop has its turn
    }
    socket.resume();
    socket.end();
    await ended;
    socket.destroy();
    return Buffer.compare(Buffer.concat(sent), Buffer.concat(heard));
  }));
  t.is(await eventDispatch(), 1);
  t.deepEqual(await talked, times(50, 0));
  t.true(counts.recv > upTo(10, 50) && counts.send > upTo(10, 50), JSON.stringify(counts));
  close(server.fd);
});

maybe("epoll: an event added by Node's own callback for fetched input fires before the loop's timer", (t) => {
  const program = join(root, 'dist', 'spec', 'support', 'late-reader.js');
  const { stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  t.is(stderr, '');
  t.is(stdout, 'called');
});

// The server

const usual = where(process.platform === 'linux', 'Linux');

const servers = [['as it is', {}], ['with EVENT_NOIOURING', { EVENT_NOIOURING: '1' }]] as const;

for (const [name, env] of servers.slice(0, upTo(1, 2))) {
  usual(`server, ${name}: forty clients at once get their own replies, whatever becomes of others`, async (t) => {
    const server = await startServer({ backend: 'epoll', env });
    t.teardown(() => server.stop());
    const clients = await Promise.all(Array.from({ length: 40 }, () => Client.connect(server.port)));
    const leaving = await Promise.all(Array.from({ length: 20 }, () => Client.connect(server.port)));
    for (const [i, client] of leaving.entries()) client.send(`set leaving${i} 0 0 50000\r\n${'x'.repeat(50_000)}\r\n`);
    for (const client of leaving) t.is(await client.take(8), 'STORED\r\n');

    await Promise.all(clients.map(async (client, i) => {
      const random = new Random(i + 1);
      for (let step = 0; step < upTo(15, 60); step++) {
        const size = random.int(random.pick([20, 300, 3000, 20_000]));
        const value = String(step).padEnd(size, String.fromCharCode(97 + i % 26)).slice(0, size);
        const stored = `VALUE key${i} ${i} ${size}\r\n${value}\r\nEND\r\n`;
        const gets = random.pick([1, 1, 2, 10]);
        const [request, reply] = random.chance(0.3)
          ? [`set key${i} ${i} 0 ${size}\r\n${value}\r\n${`get key${i}\r\n`.repeat(gets)}`, `STORED\r\n${stored.repeat(gets)}`]
          : [`set key${i} ${i} 0 ${size}\r\n${value}\r\n`, 'STORED\r\n'];
        const cut = random.chance(0.2) ? random.int(request.length) : 0;
        if (cut > 0) await client.sent(request.slice(0, cut));
        client.send(request.slice(cut));
        const got = await client.take(reply.length);
        if (got !== reply) t.is(got, reply);
        // Some that others wait beside go, with much that was not read, or in the middle of a command.
        const other = random.chance(0.02) ? leaving.pop() : undefined;
        if (other === undefined) continue;
        other.pauseReading();
        await other.sent(random.pick(['get leaving1\r\n'.repeat(100), 'get leav', 'quit\r\n', 'set half 0 0 100\r\nabc']));
        if (random.chance(0.5)) other.reset();
        else other.destroy();
      }
    }));
    for (const client of leaving) client.destroy();
    const count = /STAT curr_connections (\d+)\r\n/;
    while (Number(count.exec(await ask(server.port, 'stats\r\n', 'END\r\n'))?.[1]) > 42);
    t.is(server.stderr(), '');
    for (const client of clients) {
      client.send('quit\r\n');
      t.is(await client.closed(), '');
    }
  });
}
