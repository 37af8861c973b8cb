// Several reads or writes in one system call, by io_uring(7). The kernel makes them in order and without waiting, and
// all are over when the call returns.
//
// If the kernel stops serving the ring, we give it up: `size` becomes 0, and each socket gets calls of its own again.
// Entries that the kernel had not taken count as EAGAIN, so nothing is lost. Entries that it had taken without
// reporting a result may or may not have been done, so they must not be repeated: we shut that socket down, and the
// result is EIO.
import type { Batch } from '../syscalls.h';
import { EAGAIN, EBUSY, EINTR, EIO } from '../errno.h';

/** The functions of the C library that this file needs. */
export interface UringCalls {
  /** `params`: the address of a struct io_uring_params. A descriptor, or -1. */
  setup(entries: number, params: number): number;
  /** How many entries the kernel has taken, or a negated errno value. */
  enter(fd: number, toSubmit: number, minComplete: number, flags: number): number;
  /** Maps the memory of a ring, which we share with the kernel; null on failure. */
  map(fd: number, offset: number, length: number): ArrayBuffer | null;
  close(fd: number): number;
  /** Shuts down both directions. */
  shutdown(fd: number): number;
  addressOf(buf: Uint8Array): number;
}

const ENTRIES = 1024;
/** We give up the ring after this many waits in a row without a result. A signal ends a wait, too. */
const WAITS_MAX = 1000;
/** Stands for a result that has not come yet. No call returns it. */
const PENDING = -0x80000000;

const IORING_OFF_SQ_RING = 0;
const IORING_OFF_SQES = 0x10000000;
const IORING_ENTER_GETEVENTS = 1;
/** Linux 5.4: one mapping has both rings. */
const IORING_FEAT_SINGLE_MMAP = 1;
/** Linux 5.7. It implies send and recv, which came with 5.6 and have no flag of their own. */
const IORING_FEAT_FAST_POLL = 1 << 5;
const NEEDED = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_FAST_POLL;
const IORING_OP_SEND = 26;
const IORING_OP_RECV = 27;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;

// struct io_uring_params, in 32-bit words; in it struct io_sqring_offsets and io_cqring_offsets.
const PARAMS_WORDS = 30;
const FEATURES = 5;
const SQ_OFF = { head: 10, tail: 11, mask: 12, array: 16 };
const CQ_OFF = { head: 20, tail: 21, mask: 22, cqes: 25 };
const SQ_ENTRIES = 0;
const CQ_ENTRIES = 1;

// struct io_uring_sqe, in 32-bit words.
const SQE_WORDS = 16;
const OPCODE = 0;
const FD = 1;
const ADDR = 4;
const LEN = 6;
const MSG_FLAGS = 7;
const USER_DATA = 8;

// struct io_uring_cqe.
const CQE_WORDS = 4;
const RES = 2;

/** A ring, or null if the kernel refuses one. */
export function openUring(calls: UringCalls): Batch | null {
  const params = new Uint32Array(PARAMS_WORDS);
  const fd = calls.setup(ENTRIES, calls.addressOf(new Uint8Array(params.buffer)));
  if (fd === -1) return null;
  const ringsSize = Math.max(
    params[SQ_OFF.array] + params[SQ_ENTRIES] * 4,
    params[CQ_OFF.cqes] + params[CQ_ENTRIES] * CQE_WORDS * 4,
  );
  const rings = (params[FEATURES] & NEEDED) === NEEDED ? calls.map(fd, IORING_OFF_SQ_RING, ringsSize) : null;
  const sqes = rings && calls.map(fd, IORING_OFF_SQES, params[SQ_ENTRIES] * SQE_WORDS * 4);
  if (rings === null || sqes === null) {
    calls.close(fd);
    return null;
  }
  return new Uring(calls, fd, params, new Uint32Array(rings), new Uint32Array(sqes));
}

class Uring implements Batch {
  size: number;
  private readonly sqMask: number;
  private readonly sqHead: number;
  private readonly sqTail: number;
  private readonly cqMask: number;
  private readonly cqHead: number;
  private readonly cqTail: number;
  private readonly cqes: number;
  /** The rings as signed words, since results are signed. */
  private readonly signed: Int32Array;

  private readonly from: Place;
  private readonly to: Place;

  constructor(
    private readonly calls: UringCalls,
    private readonly fd: number,
    params: Uint32Array,
    private readonly rings: Uint32Array,
    private readonly sqe: Uint32Array,
  ) {
    this.size = params[SQ_ENTRIES];
    this.sqHead = params[SQ_OFF.head] / 4;
    this.sqTail = params[SQ_OFF.tail] / 4;
    this.sqMask = rings[params[SQ_OFF.mask] / 4];
    this.cqHead = params[CQ_OFF.head] / 4;
    this.cqTail = params[CQ_OFF.tail] / 4;
    this.cqMask = rings[params[CQ_OFF.mask] / 4];
    this.cqes = params[CQ_OFF.cqes] / 4;
    this.signed = new Int32Array(rings.buffer);
    this.from = new Place(calls);
    this.to = new Place(calls);
    for (let i = 0; i < this.size; i++) rings[params[SQ_OFF.array] / 4 + i] = i;
  }

  recv(fds: Int32Array, n: number, buf: Uint8Array, length: number, results: Int32Array): void {
    this.to.find(buf);
    for (let i = 0; i < n; i++) this.put(i, IORING_OP_RECV, fds[i], this.to, i * length, length);
    this.submit(fds, n, results);
  }

  send(fds: Int32Array, n: number, buf: Uint8Array, starts: Uint32Array, results: Int32Array): void {
    this.from.find(buf);
    for (let i = 0; i < n; i++) this.put(i, IORING_OP_SEND, fds[i], this.from, starts[i], starts[i + 1] - starts[i]);
    this.submit(fds, n, results);
  }

  private put(i: number, opcode: number, fd: number, place: Place, offset: number, length: number): void {
    const { sqe } = this;
    const at = ((this.rings[this.sqTail] + i) & this.sqMask) * SQE_WORDS;
    const low = (place.low + offset) >>> 0;
    sqe[at + OPCODE] = opcode;
    sqe[at + FD] = fd;
    sqe[at + ADDR] = low;
    sqe[at + ADDR + 1] = low < place.low ? place.high + 1 : place.high;
    sqe[at + LEN] = length;
    sqe[at + MSG_FLAGS] = MSG_DONTWAIT | MSG_NOSIGNAL;
    sqe[at + USER_DATA] = i;
  }

  private submit(fds: Int32Array, n: number, results: Int32Array): void {
    const { rings, sqTail, sqHead } = this;
    rings[sqTail] += n;
    const res = this.calls.enter(this.fd, n, 0, 0);
    // The kernel may have been short of memory. We take back what it did not take, for the caller to try again.
    const taken = n - ((rings[sqTail] - rings[sqHead]) | 0);
    rings[sqTail] = rings[sqHead];
    results.fill(PENDING, 0, taken);
    results.fill(-EAGAIN, taken, n);
    let done = this.take(results);
    for (let waits = 0; done < taken && waits < WAITS_MAX; waits++) {
      this.calls.enter(this.fd, 0, taken - done, IORING_ENTER_GETEVENTS);
      const more = this.take(results);
      if (more === 0) continue;
      done += more;
      waits = 0;
    }
    if (done < taken || (res < 0 && !isForNow(-res))) this.giveUp(fds, taken, results);
  }

  /** Leaves the ring's descriptor open: if the kernel no longer knows it, another file may have its number. */
  private giveUp(fds: Int32Array, taken: number, results: Int32Array): void {
    this.size = 0;
    for (let i = 0; i < taken; i++) {
      if (results[i] !== PENDING) continue;
      this.calls.shutdown(fds[i]);
      results[i] = -EIO;
    }
  }

  /** Takes the results that have come; returns how many. */
  private take(results: Int32Array): number {
    const { rings, signed, cqHead, cqTail, cqMask, cqes } = this;
    const head = rings[cqHead];
    const ready = (rings[cqTail] - head) | 0;
    for (let i = 0; i < ready; i++) {
      const at = cqes + ((head + i) & cqMask) * CQE_WORDS;
      results[rings[at]] = signed[at + RES];
    }
    rings[cqHead] = head + ready;
    return ready;
  }
}

/** Whether a call that failed with this error is worth another try. */
function isForNow(error: number): boolean {
  return error === EAGAIN || error === EBUSY || error === EINTR;
}

/** Remembers the address of the buffer that comes with every call, since looking it up makes garbage. */
class Place {
  private buf: Uint8Array | null = null;
  /** The low and the high half of its address. */
  low = 0;
  high = 0;

  constructor(private readonly calls: UringCalls) {}

  find(buf: Uint8Array): void {
    if (buf === this.buf) return;
    const address = this.calls.addressOf(buf);
    this.buf = buf; // this also keeps it from being freed
    this.low = address % 2 ** 32;
    this.high = Math.floor(address / 2 ** 32);
  }
}
