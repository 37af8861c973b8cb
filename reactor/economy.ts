// Fewer system calls than the program makes, which it does not notice. Three rules:
//
// The hint. A read that gave less than it was asked for has drained the descriptor: until the loop has waited again, a
// further read gives EAGAIN without asking the kernel. What comes meanwhile is reported by that wait, since readiness is
// level-triggered. So it goes with the end of the stream, even after a read that gave all it was asked for: whoever sends
// and is done at once is answered, however long it was what he sent.
//
// The cork. What is written is kept, and leaves in one write for each descriptor: when the callbacks of this turn of the loop
// are over, when the cork is full, before any descriptor is shut down or closed, and before the process ends. A large write
// is not copied: it goes at once, but for its last byte, and what was kept of the same descriptor goes with it.
//
// What the kernel does not take is held, and sent as the descriptor turns writable; meanwhile a further write gives EAGAIN.
// When sending fails, the next write has the error, and the descriptor is shut down, so that who only reads sees its end. A
// descriptor that is closed while something is held is closed when that is sent, or when nothing of it has been taken for
// ORPHAN_TIMEOUT.
//
// Several at once. What four descriptors or more have to read is fetched as the turn begins (readahead.ts), and what is in the
// cork for so many leaves, in one call each, where the backend has such calls.
//
// The clock. time(2), in whole seconds, is asked once a turn.
//
// They hold while the loop calls callbacks, and at no other time: not while it waits, and lets Node's own callbacks run, nor
// before it begins or when it is at its end.
import { EV_PERSIST, EV_READ, EV_TIMEOUT, EV_WRITE, Event } from './event.h';
import type { Batch, Eventop, Syscalls, Timeval } from './event.h';
import { withRoomFor } from './bydescriptor';
import { eventAdd, eventDel, eventSet } from './event';
import { EAGAIN, EBADF, EINTR, ENOTSOCK, EPIPE, EWOULDBLOCK, errno, setErrno } from './errno.h';
import { trace } from './log';
import { ReadAhead } from './readahead';
import { MSG_MORE, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_STREAM } from './socket.h';
import type { Linger, SockaddrIn } from './socket.h';
import type { Iovec } from './uio.h';
import { LONG_COPY, copyWords } from './words';

const debugCork = trace('reactor:cork');

/** Bytes that are kept, at most. */
export const CORK_SIZE = 256 * 1024;
/** Runs of bytes of one descriptor in the cork, at most. */
const MAX_RUNS = 1024;
/** A write of so many bytes or more is not copied. */
export const LARGE_WRITE = 16 * 1024;
/** How long what was held at close may go without getting on. */
const ORPHAN_TIMEOUT: Readonly<Timeval> = { tvSec: 60, tvUsec: 0 };
/** Fewer runs are not worth a call for all of them. */
const BATCH_MIN = 4;
const NO_WAIT: Readonly<Timeval> = { tvSec: 0, tvUsec: 0 };

/** What the kernel did not take of a descriptor's writes. */
interface Held {
  readonly fd: number;
  /** From `start` to the end. */
  bytes: Uint8Array;
  start: number;
  /** Waits for the descriptor to turn writable, unless the program does: the backend has one place for both. */
  readonly event: Event;
  /** What the program asked for that is to be done when nothing is held any more: shutdown for writing, close. */
  shutting: boolean;
  closing: boolean;
}

/** That of the backend which was chosen last. */
let current: Economy | null = null;

/** `base`, with fewer system calls. */
export function economical(base: Eventop): Eventop {
  let economy: Economy | null = null;
  const dispatched = (res: number): number => {
    if (res !== -1) economy?.beginTurn();
    return res;
  };

  return {
    name: base.name,

    get syscalls(): Syscalls {
      return economy ?? base.syscalls;
    },

    init(): object | null {
      const arg = base.init();
      economy = arg === null ? null : new Economy(base.syscalls);
      if (economy === null) return null;
      // A callback may end the process.
      if (current === null) process.on('exit', () => current?.endTurn());
      current = economy;
      return arg;
    },

    add(arg: object, ev: Event): number {
      if (ev.evEvents & EV_WRITE) economy?.writerAdded(ev);
      const res = base.add(arg, ev);
      if (res === -1 && ev.evEvents & EV_WRITE) {
        const error = errno;
        economy?.writerDeleted(ev);
        setErrno(error);
      }
      if (res !== -1 && ev.evEvents & EV_READ) economy?.ahead?.readerAdded(ev);
      return res;
    },

    del(arg: object, ev: Event): number {
      const res = base.del(arg, ev);
      if (ev.evEvents & EV_READ) economy?.ahead?.readerDeleted(ev);
      if (ev.evEvents & EV_WRITE) {
        const error = errno;
        economy?.writerDeleted(ev);
        if (res === -1) setErrno(error);
      }
      return res;
    },

    // The loop calls it before its first turn, and when the callbacks of a turn are over.
    recalc(arg: object, max: number): number {
      economy?.endTurn();
      return base.recalc(arg, max);
    },

    dispatch(arg: object, tv: Timeval): number | Promise<number> {
      const res = base.dispatch(arg, economy?.ahead?.waitedFor() ? NO_WAIT : tv);
      return typeof res === 'number' ? dispatched(res) : res.then(dispatched);
    },
  };
}

/** Of the economy that is in use; constants are quicker than fields. */
const cork = new Uint8Array(CORK_SIZE);
const corkView = new DataView(cork.buffer);

class Economy implements Syscalls {
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
  /** The loop calls callbacks. */
  private inTurn = false;

  private readonly held = new Map<number, Held>();
  /** Events that waited: used again, since a list that one was in keeps it for as long as those that were beside it. */
  private readonly spare: Event[] = [];
  /** The errno with which sending failed, until a write has told it. */
  private readonly failed = new Map<number, number>();
  /** The descriptors for whose writability the program waits. */
  private readonly writers = new Set<number>();

  /** What time(2) says in this turn; -1 where nobody has asked. */
  private now = -1;
  /** The turn of the loop, counted in twos; 0 is none. That numbers come again after 2^29 turns costs an EAGAIN at most. */
  private turn = 2;
  /** By descriptor, the turn in which a read last gave bytes, plus one where it gave fewer than it was asked for. */
  private reads = new Int32Array(1024);
  /** By descriptor, the last flush whose cork it was in. */
  private inCork = new Int32Array(1024);
  private flushes = 1;

  readonly ahead: ReadAhead | null;
  /** There is no layer above that would ask for it. */
  readonly batch: Batch | null = null;

  constructor(private readonly kernel: Syscalls) {
    this.ahead = kernel.batch === null ? null : new ReadAhead(kernel.batch);
  }

  beginTurn(): void {
    this.inTurn = true;
    this.now = -1;
    this.turn = (this.turn + 2) & 0x3ffffffe || 2;
    this.ahead?.fetch();
  }

  endTurn(): void {
    if (this.owner !== -1) this.flush();
    this.ahead?.endTurn();
    this.inTurn = false;
  }

  read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const { turn } = this;
    const last = this.inTurn && fd < this.reads.length ? this.reads[fd] : 0;
    if (last === turn + 1 && length > 0) {
      setErrno(EAGAIN);
      return -1;
    }
    const { ahead } = this;
    if (ahead !== null && ahead.has(fd) && length > 0 && isWithin(buf, offset, length)) {
      const res = ahead.take(fd, buf, offset, length);
      if (res > 0) this.setRead(fd, ahead.drained ? turn + 1 : turn);
      return res;
    }
    const res = this.kernel.read(fd, buf, offset, length);
    if (res > 0) {
      this.setRead(fd, res < length ? turn + 1 : turn);
      ahead?.hasRead(fd, res);
    } else if (res === 0 && last === turn && length > 0) {
      setErrno(EAGAIN);
      return -1;
    }
    return res;
  }

  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    // Not within the buffer, or no descriptor: what that means, the kernel says. In the cork there are others' bytes.
    if (fd < 0 || !isWithin(buf, offset, length)) return this.kernel.write(fd, buf, offset, length);
    if (length >= LARGE_WRITE && this.inTurn) return this.writeLarge(fd, buf, offset, length);
    if (this.owner !== fd) {
      if (this.runs === MAX_RUNS) this.flush();
      if ((this.held.size > 0 || this.failed.size > 0) && !this.mayWrite(fd)) return -1;
      if (!this.inTurn) return this.kernel.write(fd, buf, offset, length);
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

  /** The last byte is left to the next write, and so to the cork: what follows leaves with it, not in a packet of its own. */
  private writeLarge(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const clean = this.held.size === 0 && this.failed.size === 0;
    if (clean && this.together && this.owner === fd) return this.sendBehind(fd, buf, offset, length - 1);
    // What others have in the cork can stay there, where it is known that all of it is others'.
    const mayBeIn = !this.together || this.inCork[fd] === this.flushes;
    if (mayBeIn && this.owner !== -1) this.flush(this.owner === fd);
    if ((this.held.size > 0 || this.failed.size > 0) && !this.mayWrite(fd)) return -1;
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
    setErrno(this.failed.get(fd) ?? error);
    this.failed.delete(fd);
    return -1;
  }

  /** Sends what more is to follow. MSG_MORE is for sockets only. */
  private sendMore(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const res = this.kernel.send(fd, buf, offset, length, MSG_MORE);
    return res === -1 && errno === ENOTSOCK ? this.kernel.write(fd, buf, offset, length) : res;
  }

  shutdown(fd: number, how: number): number {
    if (this.owner !== -1) this.flush();
    const held = this.held.get(fd);
    if (held === undefined || how === SHUT_RD) return this.kernel.shutdown(fd, how);
    held.shutting = true;
    return how === SHUT_RDWR ? this.kernel.shutdown(fd, SHUT_RD) : 0;
  }

  close(fd: number): number {
    if (this.owner !== -1) this.flush();
    const held = this.held.get(fd);
    if (held === undefined) return this.closeNow(fd);
    if (held.closing) {
      setErrno(EBADF);
      return -1;
    }
    held.closing = true;
    this.watch(held);
    return 0;
  }

  /** Before the backend is asked to wait with `ev` for a descriptor to turn writable. */
  writerAdded(ev: Event): void {
    const held = this.held.get(ev.evFd);
    if (held?.event === ev) return;
    this.writers.add(ev.evFd);
    if (held !== undefined) eventDel(held.event);
  }

  /** After the backend was asked to wait no more with `ev`. */
  writerDeleted(ev: Event): void {
    const held = this.held.get(ev.evFd);
    if (held?.event === ev) return;
    this.writers.delete(ev.evFd);
    if (held === undefined) return;
    // After close it has the place that the program's event had, and has just lost it.
    eventDel(held.event);
    this.watch(held);
  }

  private setSource(buf: Uint8Array): void {
    this.source = buf;
    this.sourceView = new DataView(buf.buffer, buf.byteOffset, buf.length);
  }

  /** Whether a write to `fd` is to go on; otherwise errno says why not. */
  private mayWrite(fd: number): boolean {
    const held = this.held.get(fd);
    if (held !== undefined && (held.closing || held.shutting || !this.sendHeld(held))) {
      setErrno(held.closing ? EBADF : held.shutting ? EPIPE : EAGAIN);
      return false;
    }
    const error = this.failed.get(fd);
    if (error === undefined) return true;
    this.failed.delete(fd);
    setErrno(error);
    return false;
  }

  private setRead(fd: number, turn: number): void {
    if (fd >= this.reads.length) this.reads = withRoomFor(this.reads, fd);
    this.reads[fd] = turn;
  }

  /** `fd` is a new socket. */
  private opened(fd: number): void {
    this.inCork = withRoomFor(this.inCork, fd);
    this.ahead?.opened(fd);
  }

  private beginRun(fd: number): void {
    this.owner = fd;
    this.owners[this.runs] = fd;
    this.starts[this.runs] = this.corked;
    this.runs++;
    if (this.ahead === null || !this.ahead.isStream(fd) || this.inCork[fd] === this.flushes) this.together = false;
    else this.inCork[fd] = this.flushes;
  }

  /** Sends what is in the cork, a run at a time; `more` is to follow on the descriptor of the last one. */
  private flush(more = false): void {
    const { owners, starts, runs, together } = this;
    const { batch } = this.kernel;
    starts[runs] = this.corked;
    this.owner = -1;
    this.corked = 0;
    this.runs = 0;
    this.together = true;
    this.flushes = (this.flushes + 1) | 0;
    // What is held is none of theirs: where something is held, or sending failed, a write is refused.
    if (batch !== null && together && runs >= BATCH_MIN && runs <= batch.size && !more) {
      this.flushTogether(batch, runs);
      return;
    }
    for (let i = 0; i < runs; i++) {
      const fd = owners[i];
      const start = starts[i];
      const end = starts[i + 1];
      if ((this.held.size > 0 || this.failed.size > 0) && this.follows(fd, start, end)) continue;
      const res = i === runs - 1 && more
        ? this.sendMore(fd, cork, start, end - start)
        : this.kernel.write(fd, cork, start, end - start);
      if (res !== end - start) this.notSent(fd, start + Math.max(res, 0), end, res);
    }
  }

  private flushTogether(batch: Batch, runs: number): void {
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

  /** An earlier run of the same descriptor was not sent, or not wholly: then this one is not either, or waits behind it. */
  private follows(fd: number, start: number, end: number): boolean {
    const held = this.held.get(fd);
    if (held !== undefined) held.bytes = Buffer.concat([held.bytes, cork.subarray(start, end)]);
    return held !== undefined || this.failed.has(fd);
  }

  /** The kernel has not taken the bytes of the cork from `start` to `end`: `res` is what write(2) returned. */
  private notSent(fd: number, start: number, end: number, res: number): void {
    if (res === -1 && !isForNow(errno)) this.fail(fd);
    else this.hold(fd, cork.slice(start, end));
  }

  /** Sending failed, with errno. */
  private fail(fd: number): void {
    debugCork('%d: sending what was kept failed: errno %d', fd, errno);
    // The program wrote to what it had closed: nobody is there to be told, and the number may be another's tomorrow.
    if (errno === EBADF) return;
    this.failed.set(fd, errno);
    this.kernel.shutdown(fd, SHUT_RDWR);
  }

  private hold(fd: number, bytes: Uint8Array): void {
    debugCork('%d: the kernel did not take %d bytes', fd, bytes.length);
    const event = this.spare.pop() ?? new Event();
    eventSet(event, fd, EV_WRITE | EV_PERSIST, this.onHeld, null);
    const held = { fd, bytes, start: 0, event, shutting: false, closing: false };
    this.held.set(fd, held);
    if (!this.writers.has(fd)) this.watch(held);
  }

  /** Waits for the descriptor to turn writable. */
  private watch(held: Held): void {
    if (eventAdd(held.event, held.closing ? ORPHAN_TIMEOUT : null) !== -1) return;
    this.fail(held.fd);
    this.letGo(held);
  }

  private readonly onHeld = (fd: number, which: number): void => {
    const held = this.held.get(fd);
    if (held === undefined) return;
    const { start } = held;
    // A process that was stopped may be late: only what still does not get on is given up.
    if (!this.sendHeld(held) && which & EV_TIMEOUT && held.start === start) this.letGo(held);
  };

  /** Sends what is held as far as the kernel takes it; true where nothing is held any more. */
  private sendHeld(held: Held): boolean {
    const { fd, bytes, start } = held;
    const res = this.kernel.write(fd, bytes, start, bytes.length - start);
    if (res === -1) {
      if (isForNow(errno)) return false;
      this.fail(fd);
    } else {
      held.start += res;
      if (held.start < bytes.length) {
        if (held.closing) eventAdd(held.event, ORPHAN_TIMEOUT);
        return false;
      }
    }
    this.letGo(held);
    return true;
  }

  /** Nothing is held any more: what waited for that can be done. */
  private letGo({ fd, event, shutting, closing }: Held): void {
    eventDel(event);
    this.spare.push(event);
    this.held.delete(fd);
    if (shutting) this.kernel.shutdown(fd, SHUT_WR);
    if (closing) this.closeNow(fd);
  }

  private closeNow(fd: number): number {
    this.failed.delete(fd);
    this.writers.delete(fd);
    if (fd < this.reads.length) this.reads[fd] = 0;
    this.ahead?.closed(fd);
    return this.kernel.close(fd);
  }

  // The other calls are the kernel's.

  send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    if (this.owner !== -1) this.flush();
    if ((this.held.size > 0 || this.failed.size > 0) && !this.mayWrite(fd)) return -1;
    return this.kernel.send(fd, buf, offset, length, flags);
  }

  sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    if (this.owner !== -1) this.flush();
    if ((this.held.size > 0 || this.failed.size > 0) && !this.mayWrite(fd)) return -1;
    return this.kernel.sendmsg(fd, iov, flags);
  }

  socket(domain: number, type: number, protocol: number): number {
    const fd = this.kernel.socket(domain, type, protocol);
    if (fd !== -1 && type === SOCK_STREAM) this.opened(fd);
    return fd;
  }

  bind(fd: number, addr: SockaddrIn): number {
    return this.kernel.bind(fd, addr);
  }

  listen(fd: number, backlog: number): number {
    return this.kernel.listen(fd, backlog);
  }

  accept(fd: number, addr: SockaddrIn | null): number {
    const sfd = this.kernel.accept(fd, addr);
    if (sfd !== -1) this.opened(sfd);
    return sfd;
  }

  connect(fd: number, addr: SockaddrIn): number {
    return this.kernel.connect(fd, addr);
  }

  getsockname(fd: number, addr: SockaddrIn): number {
    return this.kernel.getsockname(fd, addr);
  }

  fcntl(fd: number, cmd: number, arg: number): number {
    return this.kernel.fcntl(fd, cmd, arg);
  }

  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    return this.kernel.setsockopt(fd, level, optname, optval);
  }

  gettimeofday(tv: Timeval): number {
    return this.kernel.gettimeofday(tv);
  }

  time(): number {
    if (!this.inTurn) return this.kernel.time();
    if (this.now === -1) this.now = this.kernel.time();
    return this.now;
  }

  getrandom(buf: Uint8Array): number {
    return this.kernel.getrandom(buf);
  }
}

function isWithin(buf: Uint8Array, offset: number, length: number): boolean {
  return offset >= 0 && length >= 0 && offset + length <= buf.length;
}

/** Whether a write that failed so is to be made again. */
function isForNow(error: number): boolean {
  return error === EAGAIN || error === EWOULDBLOCK || error === EINTR;
}
