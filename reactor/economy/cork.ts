// The cork keeps what callbacks write, and sends it in one write for each descriptor. Where the backend can, it sends
// for several sockets in one call. A large write is not copied: all but its last byte goes to the kernel at once,
// together with what the cork had for the same descriptor. So does a large sendmsg, whole: nothing need follow it.
// held.ts keeps what the kernel does not take.
import { EAGAIN, ENOTSOCK, errno, setErrno } from '../errno.h';
import { MSG_MORE } from '../socket.h';
import type { Batch, Syscalls } from '../syscalls.h';
import type { Iovec } from '../uio.h';
import { LONG_COPY_BYTES, copyWords } from '../words';
import { withRoomFor } from './bydescriptor';
import type { Held } from './held';

/** How much the cork holds. */
export const CORK_BYTES = 256 * 1024;
/** A run is a series of bytes for one descriptor. The cork holds this many at most. */
const MAX_RUNS = 1024;
/** The cork does not copy a write of this size or more. */
export const LARGE_WRITE_BYTES = 16 * 1024;
/** Below this many runs, one call for all of them does not pay. */
const BATCH_MIN = 4;

/** Tells which descriptors are stream sockets: only writes to these can be sent in one call. */
export interface Streams {
  isStream(fd: number): boolean;
}

/** Module constants, because V8 reads them quicker than fields. Only one economy is in use at a time. */
const cork = new Uint8Array(CORK_BYTES);
const corkView = new DataView(cork.buffer);

export class Cork {
  /** The buffer of the last write. */
  private source: Uint8Array = new Uint8Array(0);
  private sourceView: DataView = new DataView(this.source.buffer);
  private corked = 0;
  /** By run: its descriptor, and where it starts in the cork. */
  private readonly fds = new Int32Array(MAX_RUNS);
  private readonly starts = new Uint32Array(MAX_RUNS + 1);
  private runs = 0;
  /** Each run is for another stream socket, so one call may send them all. */
  private together = true;
  /** The descriptor of the last run; -1 when the cork is empty. */
  private lastFd = -1;
  /** By run, the result of a call that sent them all. */
  private readonly results = new Int32Array(MAX_RUNS);
  /** By descriptor, the number of the last flush that it had a run in. */
  private inCork = new Int32Array(1024);
  private flushes = 1;

  /** `streams`: null if the backend cannot send for several sockets in one call. */
  constructor(
    private readonly kernel: Syscalls,
    private readonly held: Held,
    private readonly streams: Streams | null,
  ) {}

  /** `fd` is a new socket. */
  opened(fd: number): void {
    this.inCork = withRoomFor(this.inCork, fd);
  }

  /** write(2). The bytes must lie within `buf`. */
  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    if (length >= LARGE_WRITE_BYTES) return this.writeLarge(fd, buf, offset, length);
    if (this.lastFd !== fd) {
      if (this.runs === MAX_RUNS) this.flush();
      if (!this.held.isEmpty && !this.held.mayWrite(fd)) return -1;
      this.beginRun(fd);
    }
    const { corked } = this;
    const n = Math.min(length, CORK_BYTES - corked);
    if (n < LONG_COPY_BYTES) {
      if (buf !== this.source) this.setSource(buf);
      copyWords(corkView, corked, this.sourceView, offset, n);
    } else cork.set(buf.subarray(offset, offset + n), corked);
    this.corked = corked + n;
    if (this.corked === CORK_BYTES) this.flush();
    return n;
  }

  /** sendmsg(2) without flags. The pieces must lie within their buffers. */
  sendmsg(fd: number, iov: readonly Iovec[]): number {
    let length = 0;
    for (const piece of iov) length += piece.length;
    if (length >= LARGE_WRITE_BYTES) {
      if (!this.comesNext(fd)) return -1;
      return this.lastFd === fd ? this.sendBehind(fd, iov, 0) : this.kernel.sendmsg(fd, iov, 0);
    }
    let taken = 0;
    for (const piece of iov) {
      const res = this.write(fd, piece.buf, piece.offset, piece.length);
      if (res > 0) taken += res;
      if (res !== piece.length) return taken > 0 ? taken : res;
    }
    return taken;
  }

  /** Empties the cork. */
  flush(): void {
    if (this.lastFd !== -1) this.send(false);
  }

  /** Leaves the last byte to the next write, and so to the cork: it shares a packet with what follows. */
  private writeLarge(fd: number, buf: Uint8Array, offset: number, length: number): number {
    if (!this.comesNext(fd)) return -1;
    if (this.lastFd === fd) return this.sendBehind(fd, [{ buf, offset, length: length - 1 }], MSG_MORE);
    return this.sendMore(fd, buf, offset, length - 1);
  }

  /**
   * Sends what must leave before a large write to `fd`, but for a run that can be sent together with it: then `lastFd`
   * is `fd`. False where the kernel does not take the write now, or there is an error: then errno is set.
   */
  private comesNext(fd: number): boolean {
    const { held } = this;
    if (held.isEmpty && this.together && this.lastFd === fd) return true;
    // Runs of other descriptors may stay, but only if we know that none is for this one.
    const mayBeIn = !this.together || this.inCork[fd] === this.flushes;
    if (mayBeIn && this.lastFd !== -1) this.send(this.lastFd === fd);
    return held.isEmpty || held.mayWrite(fd);
  }

  /** Sends the last run of the cork and these pieces behind it in one call. Returns how much of these was sent. */
  private sendBehind(fd: number, pieces: readonly Iovec[], flags: number): number {
    const start = this.starts[--this.runs];
    const kept = this.corked - start;
    this.corked = start;
    this.lastFd = this.runs === 0 ? -1 : this.fds[this.runs - 1];
    this.inCork[fd] = 0;
    const res = this.kernel.sendmsg(fd, [{ buf: cork, offset: start, length: kept }, ...pieces], flags);
    if (res > kept) return res - kept;
    if (res < kept) this.notSent(fd, start + Math.max(res, 0), start + kept, res);
    // This write reports the error, so the next one must not.
    setErrno(this.held.takeError(fd) ?? EAGAIN);
    return -1;
  }

  /** Sends bytes that more will follow. MSG_MORE works on sockets only. */
  private sendMore(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const res = this.kernel.send(fd, buf, offset, length, MSG_MORE);
    return res === -1 && errno === ENOTSOCK ? this.kernel.write(fd, buf, offset, length) : res;
  }

  private setSource(buf: Uint8Array): void {
    this.source = buf;
    this.sourceView = new DataView(buf.buffer, buf.byteOffset, buf.length);
  }

  private beginRun(fd: number): void {
    this.lastFd = fd;
    this.fds[this.runs] = fd;
    this.starts[this.runs] = this.corked;
    this.runs++;
    if (this.streams === null || !this.streams.isStream(fd) || this.inCork[fd] === this.flushes) this.together = false;
    else this.inCork[fd] = this.flushes;
  }

  /** Empties the cork, one run at a time. `more`: the program is about to write more to the last descriptor. */
  private send(more: boolean): void {
    const { fds, starts, runs, together, held } = this;
    const { batch } = this.kernel;
    starts[runs] = this.corked;
    this.lastFd = -1;
    this.corked = 0;
    this.runs = 0;
    this.together = true;
    this.flushes = (this.flushes + 1) | 0;
    // Nothing is held for these descriptors: the cork refuses writes while something is, or when sending has failed.
    if (batch !== null && together && runs >= BATCH_MIN && runs <= batch.size && !more) {
      this.sendTogether(batch, runs);
      return;
    }
    for (let i = 0; i < runs; i++) {
      const fd = fds[i];
      const start = starts[i];
      const end = starts[i + 1];
      if (!held.isEmpty && held.takesBehind(fd, cork.subarray(start, end))) continue;
      const res = i === runs - 1 && more
        ? this.sendMore(fd, cork, start, end - start)
        : this.kernel.write(fd, cork, start, end - start);
      if (res !== end - start) this.notSent(fd, start + Math.max(res, 0), end, res);
    }
  }

  private sendTogether(batch: Batch, runs: number): void {
    const { fds, starts, results } = this;
    batch.send(fds, runs, cork, starts, results);
    for (let i = 0; i < runs; i++) {
      const start = starts[i];
      const end = starts[i + 1];
      if (results[i] === end - start) continue;
      if (results[i] < 0) setErrno(-results[i]);
      this.notSent(fds[i], start + Math.max(results[i], 0), end, Math.max(results[i], -1));
    }
  }

  /** The kernel has not taken the bytes of the cork from `start` to `end`. `res`: the result of write(2). */
  private notSent(fd: number, start: number, end: number, res: number): void {
    this.held.notTaken(fd, res, cork.subarray(start, end));
  }
}
