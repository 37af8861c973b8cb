// The cork. What is written is kept, and leaves in one write for each descriptor; what is there for several sockets leaves in
// one call for all of them, where the backend has such a call. A large write is not copied: it goes at once, but for its last
// byte, and what was kept of the same descriptor goes with it. What the kernel does not take goes to held.ts.
import { EAGAIN, ENOTSOCK, errno, setErrno } from '../errno.h';
import { MSG_MORE } from '../socket.h';
import type { Batch, Syscalls } from '../syscalls.h';
import { LONG_COPY, copyWords } from '../words';
import { withRoomFor } from './bydescriptor';
import type { Held } from './held';
import { isForNow } from './held';

/** Bytes that are kept, at most. */
export const CORK_SIZE = 256 * 1024;
/** Runs of bytes of one descriptor in the cork, at most. */
const MAX_RUNS = 1024;
/** A write of so many bytes or more is not copied. */
export const LARGE_WRITE = 16 * 1024;
/** Fewer runs are not worth a call for all of them. */
const BATCH_MIN = 4;

/** Which descriptors are sockets that carry streams: writes to others cannot leave together. */
export interface Streams {
  isStream(fd: number): boolean;
}

/** Of the economy that is in use; constants are quicker than fields. */
const cork = new Uint8Array(CORK_SIZE);
const corkView = new DataView(cork.buffer);

export class Cork {
  /** Of the buffer that was last written from. */
  private source: Uint8Array = new Uint8Array(0);
  private sourceView: DataView = new DataView(this.source.buffer);
  private corked = 0;
  /** What is in the cork, in order: whose bytes they are, and where they begin. */
  private readonly owners = new Int32Array(MAX_RUNS);
  private readonly starts = new Uint32Array(MAX_RUNS + 1);
  private runs = 0;
  /** Whether they are of as many sockets, and may leave together. */
  private together = true;
  /** Whose the last of them are; -1 where there are none. */
  private owner = -1;
  /** What the calls of those that left together have returned. */
  private readonly results = new Int32Array(MAX_RUNS);
  /** By descriptor, the last flush whose cork it was in. */
  private inCork = new Int32Array(1024);
  private flushes = 1;

  /** `streams`: null where no writes leave together. */
  constructor(private readonly kernel: Syscalls, private readonly held: Held, private readonly streams: Streams | null) {}

  /** `fd` is a new socket. */
  opened(fd: number): void {
    this.inCork = withRoomFor(this.inCork, fd);
  }

  /** write(2), of bytes that are within `buf`. */
  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    if (length >= LARGE_WRITE) return this.writeLarge(fd, buf, offset, length);
    if (this.owner !== fd) {
      if (this.runs === MAX_RUNS) this.flush();
      if (!this.held.isEmpty && !this.held.mayWrite(fd)) return -1;
      this.beginRun(fd);
    }
    const { corked } = this;
    const n = Math.min(length, CORK_SIZE - corked);
    if (n < LONG_COPY) {
      if (buf !== this.source) this.setSource(buf);
      copyWords(corkView, corked, this.sourceView, offset, n);
    } else cork.set(buf.subarray(offset, offset + n), corked);
    this.corked = corked + n;
    if (this.corked === CORK_SIZE) this.flush();
    return n;
  }

  /** Sends what is kept. */
  flush(): void {
    if (this.owner !== -1) this.send(false);
  }

  /** The last byte is left to the next write, and so to the cork: what follows leaves with it, not in a packet of its own. */
  private writeLarge(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const { held } = this;
    if (held.isEmpty && this.together && this.owner === fd) return this.sendBehind(fd, buf, offset, length - 1);
    // What others have in the cork can stay there, where it is known that all of it is others'.
    const mayBeIn = !this.together || this.inCork[fd] === this.flushes;
    if (mayBeIn && this.owner !== -1) this.send(this.owner === fd);
    if (!held.isEmpty && !held.mayWrite(fd)) return -1;
    return this.sendMore(fd, buf, offset, length - 1);
  }

  /** Sends the last run of the cork, and these bytes behind it, in one call. Returns how many of these were sent. */
  private sendBehind(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const start = this.starts[--this.runs];
    const kept = this.corked - start;
    this.corked = start;
    this.owner = this.runs === 0 ? -1 : this.owners[this.runs - 1];
    this.inCork[fd] = 0;
    const iov = [{ buf: cork, offset: start, length: kept }, { buf, offset, length }];
    const res = this.kernel.sendmsg(fd, iov, MSG_MORE);
    if (res > kept) return res - kept;
    const error = res === -1 && !isForNow(errno) ? errno : EAGAIN;
    if (res < kept) this.notSent(fd, start + Math.max(res, 0), start + kept, res);
    // This write tells of it.
    setErrno(this.held.takeError(fd) ?? error);
    return -1;
  }

  /** Sends what more is to follow. MSG_MORE is for sockets only. */
  private sendMore(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const res = this.kernel.send(fd, buf, offset, length, MSG_MORE);
    return res === -1 && errno === ENOTSOCK ? this.kernel.write(fd, buf, offset, length) : res;
  }

  private setSource(buf: Uint8Array): void {
    this.source = buf;
    this.sourceView = new DataView(buf.buffer, buf.byteOffset, buf.length);
  }

  private beginRun(fd: number): void {
    this.owner = fd;
    this.owners[this.runs] = fd;
    this.starts[this.runs] = this.corked;
    this.runs++;
    if (this.streams === null || !this.streams.isStream(fd) || this.inCork[fd] === this.flushes) this.together = false;
    else this.inCork[fd] = this.flushes;
  }

  /** Sends what is in the cork, a run at a time; `more` is to follow on the descriptor of the last one. */
  private send(more: boolean): void {
    const { owners, starts, runs, together, held } = this;
    const { batch } = this.kernel;
    starts[runs] = this.corked;
    this.owner = -1;
    this.corked = 0;
    this.runs = 0;
    this.together = true;
    this.flushes = (this.flushes + 1) | 0;
    // What is held is none of theirs: where something is held, or sending failed, a write is refused.
    if (batch !== null && together && runs >= BATCH_MIN && runs <= batch.size && !more) {
      this.sendTogether(batch, runs);
      return;
    }
    for (let i = 0; i < runs; i++) {
      const fd = owners[i];
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
    const { owners, starts, results } = this;
    batch.send(owners, runs, cork, starts, results);
    for (let i = 0; i < runs; i++) {
      const start = starts[i];
      const end = starts[i + 1];
      if (results[i] === end - start) continue;
      if (results[i] < 0) setErrno(-results[i]);
      this.notSent(owners[i], start + Math.max(results[i], 0), end, Math.max(results[i], -1));
    }
  }

  /** The kernel has not taken the bytes of the cork from `start` to `end`: `res` is what write(2) returned. */
  private notSent(fd: number, start: number, end: number, res: number): void {
    this.held.notTaken(fd, res, cork.subarray(start, end));
  }
}
