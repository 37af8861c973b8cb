// Fetches the input of several descriptors in one call as a turn of the loop begins, and hands it to the program when
// it reads.
//
// It fetches only from stream sockets whose last read was short. A long read is better made by the program, straight to
// where it wants the bytes. Data that the program does not read this turn is kept, and its read event fires again next
// turn, as if the kernel still had the data.
import { EV_PERSIST, EV_READ, EV_WRITE } from '../event.h';
import type { Event } from '../event.h';
import type { Batch } from '../syscalls.h';
import { activequeue, eventActive, eventDel } from '../event';
import { EAGAIN, EINTR, setErrno } from '../errno.h';
import { withRoomFor } from './bydescriptor';
import { copyWords } from '../words';

/** How much is fetched for a descriptor at most. */
export const AHEAD_BYTES = 1024;
/** Below this many descriptors, one call for all of them does not pay. */
export const AHEAD_MIN = 4;

/** The kinds of descriptors: not a stream, a stream, a stream whose last read was short. */
const OTHER = 0, STREAM = 1, SHORT = 2;
/** In place of a slot: the data is in `left`. */
const LEFT = -1;

/** Data fetched in an earlier turn: bytes, or the errno with which read(2) must fail. */
type Left = Uint8Array | number;

export class ReadAhead {
  private readonly fds: Int32Array;
  private readonly results: Int32Array;
  private readonly slots: Uint8Array;
  private readonly slotsView: DataView;
  /** By slot, how many of its bytes the program has read. */
  private readonly given: Int32Array;
  private count = 0;

  private kinds = new Int32Array(1024);
  /** By descriptor, its slot plus one, LEFT, or 0 if we have nothing for it. */
  private slotOf = new Int32Array(1024);
  private readonly left = new Map<number, Left>();
  /** By descriptor, the event that waits to read it. */
  private readonly readers = new Map<number, Event>();

  /** Whether the last `take` returned all that the kernel had. */
  drained = false;

  private target: Uint8Array = new Uint8Array(0);
  private targetView: DataView = new DataView(this.target.buffer);

  constructor(private readonly batch: Batch) {
    const { size } = batch;
    this.fds = new Int32Array(size);
    this.results = new Int32Array(size);
    this.given = new Int32Array(size);
    this.slots = new Uint8Array(size * AHEAD_BYTES);
    this.slotsView = new DataView(this.slots.buffer);
  }

  /** `fd` is a stream. */
  opened(fd: number): void {
    this.kinds = withRoomFor(this.kinds, fd);
    this.slotOf = withRoomFor(this.slotOf, fd);
    this.kinds[fd] = STREAM;
  }

  isStream(fd: number): boolean {
    return fd < this.kinds.length && this.kinds[fd] !== OTHER;
  }

  closed(fd: number): void {
    if (!(fd < this.kinds.length)) return;
    this.kinds[fd] = OTHER;
    this.slotOf[fd] = 0;
    this.left.delete(fd);
    this.readers.delete(fd); // as the kernel reports nothing for a closed descriptor
  }

  readerAdded(ev: Event): void {
    this.readers.set(ev.evFd, ev);
    // If a Node callback added it, the loop is about to sleep; a pending immediate keeps that sleep short.
    if (this.slotOf[ev.evFd] === LEFT) setImmediate(() => {});
  }

  readerDeleted(ev: Event): void {
    this.readers.delete(ev.evFd);
  }

  /** The program has read `n` bytes (more than 0) from the kernel. */
  hasRead(fd: number, n: number): void {
    if (fd < this.kinds.length && this.kinds[fd] !== OTHER) this.kinds[fd] = n < AHEAD_BYTES ? SHORT : STREAM;
  }

  /** Whether an event waits to read data that we have. */
  waitedFor(): boolean {
    if (this.left.size === 0) return false;
    for (const fd of this.left.keys()) if (this.readers.has(fd)) return true;
    return false;
  }

  /** Called before the callbacks of a turn. */
  fetch(): void {
    if (this.left.size > 0) this.wake();
    const { fds, kinds, slotOf, given, results } = this;
    const { size } = this.batch;
    let n = 0;
    for (let entry = activequeue.tqhFirst; entry !== null && n < size; entry = entry.tqeNext) {
      const { evFd, evRes } = entry.elm;
      if (evRes & EV_READ && kinds[evFd] === SHORT && slotOf[evFd] === 0) {
        fds[n++] = evFd;
        slotOf[evFd] = n;
      }
    }
    if (n < AHEAD_MIN) {
      for (let i = 0; i < n; i++) slotOf[fds[i]] = 0;
      return;
    }
    this.batch.recv(fds, n, this.slots, AHEAD_BYTES, results);
    given.fill(0, 0, n);
    for (let i = 0; i < n; i++) {
      if (results[i] === -EAGAIN || results[i] === -EINTR) slotOf[fds[i]] = 0;
      else if (results[i] === AHEAD_BYTES) kinds[fds[i]] = STREAM;
    }
    this.count = n;
  }

  /** Fires the read events of descriptors whose data is left. */
  private wake(): void {
    // A non-persistent read+write event that fires for writing has already left `readers`.
    for (let entry = activequeue.tqhFirst; entry !== null; entry = entry.tqeNext) {
      const ev = entry.elm;
      if (ev.evRes & EV_WRITE && ev.evEvents & EV_READ && this.slotOf[ev.evFd] === LEFT) ev.evRes |= EV_READ;
    }
    for (const fd of this.left.keys()) {
      const ev = this.readers.get(fd);
      if (ev === undefined) continue;
      if (!(ev.evEvents & EV_PERSIST)) eventDel(ev);
      eventActive(ev, EV_READ, 1);
    }
  }

  /** Called after the callbacks of a turn. Keeps what the program did not read. */
  endTurn(): void {
    const { fds, results, given, slots, slotOf } = this;
    for (let i = 0; i < this.count; i++) {
      const fd = fds[i];
      if (slotOf[fd] !== i + 1) continue;
      const at = i * AHEAD_BYTES;
      slotOf[fd] = LEFT;
      this.left.set(fd, results[i] < 0 ? -results[i] : slots.slice(at + given[i], at + results[i]));
    }
    this.count = 0;
  }

  /** Whether we have data, an end of stream or an error for `fd`. */
  has(fd: number): boolean {
    return fd >= 0 && fd < this.slotOf.length && this.slotOf[fd] !== 0;
  }

  /** Whether this turn's fetch for `fd` returned all that the kernel had. */
  foundAll(fd: number): boolean {
    const slot = fd >= 0 && fd < this.slotOf.length ? this.slotOf[fd] - 1 : -1;
    return slot >= 0 && this.results[slot] < AHEAD_BYTES;
  }

  /** read(2) from what we have. */
  take(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const slot = this.slotOf[fd] - 1;
    if (slot < 0) return this.takeLeft(fd, buf, offset, length);
    const res = this.results[slot];
    if (res <= 0) {
      this.slotOf[fd] = 0;
      if (res === 0) return 0;
      setErrno(-res);
      return -1;
    }
    const given = this.given[slot];
    const n = Math.min(length, res - given);
    if (buf !== this.target) this.setTarget(buf);
    copyWords(this.targetView, offset, this.slotsView, slot * AHEAD_BYTES + given, n);
    this.given[slot] = given + n;
    this.drained = given + n === res && res < AHEAD_BYTES;
    if (given + n === res) this.slotOf[fd] = 0;
    return n;
  }

  private takeLeft(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const left = this.left.get(fd) ?? 0;
    this.drained = false;
    if (typeof left !== 'number' && left.length > length) {
      buf.set(left.subarray(0, length), offset);
      this.left.set(fd, left.subarray(length));
      return length;
    }
    this.left.delete(fd);
    this.slotOf[fd] = 0;
    if (typeof left === 'number') {
      setErrno(left);
      return -1;
    }
    buf.set(left, offset);
    return left.length;
  }

  private setTarget(buf: Uint8Array): void {
    this.target = buf;
    this.targetView = new DataView(buf.buffer, buf.byteOffset, buf.length);
  }
}
