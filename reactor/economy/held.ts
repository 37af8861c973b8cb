// Holds the bytes that the kernel did not take, and sends them when the descriptor becomes writable. Until then further
// writes give EAGAIN. When sending fails, the next write gets the error, and the descriptor is shut down, so that a
// program that only reads sees the end of the stream. A descriptor that is closed while bytes are held stays open until
// they are sent, or until the kernel has taken none of them for ORPHAN_SECONDS.
import { EV_PERSIST, EV_WRITE, Event } from '../event.h';
import { eventAdd, eventDel, eventSet } from '../event';
import { EAGAIN, EBADF, EINTR, EPIPE, EWOULDBLOCK, errno, setErrno } from '../errno.h';
import { trace } from '../log';
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from '../socket.h';
import type { Syscalls } from '../syscalls.h';
import { Interval } from './interval';

const debugCork = trace('reactor:cork');

/** How long bytes that were held at close may make no progress. */
const ORPHAN_SECONDS = 60;

/** The bytes held for one descriptor. */
interface Unsent {
  readonly fd: number;
  /** What is unsent begins at `start`. */
  bytes: Uint8Array;
  start: number;
  /** Waits for the descriptor to become writable, unless the program does: the backend has room for one event. */
  readonly event: Event;
  /** The program has asked for a shutdown for writing, or a close, which must wait until nothing is held. */
  shutting: boolean;
  closing: boolean;
}

export class Held {
  private readonly unsent = new Map<number, Unsent>();
  /** The errno with which sending failed, until a write reports it. */
  private readonly failed = new Map<number, number>();
  /** The descriptors that the program waits to write to. */
  private readonly writers = new Set<number>();
  /** Reused: a removed event keeps its list links, which would keep its old neighbours alive. */
  private readonly spare: Event[] = [];
  /** The bytes of closed descriptors, since the kernel has last taken some. */
  readonly orphans: Interval<Unsent>;

  /** `onClose` closes a descriptor. `sound`: all written bytes have been sent, and the program left no event. */
  constructor(private readonly kernel: Syscalls, private readonly onClose: (fd: number, sound: boolean) => number) {
    this.orphans = new Interval(kernel, ORPHAN_SECONDS, (unsent) => this.giveUp(unsent));
  }

  /** Nothing is held, and nothing has failed: every write may go to the kernel. */
  get isEmpty(): boolean {
    return this.unsent.size === 0 && this.failed.size === 0;
  }

  /** Whether `ev` is an event of ours. */
  owns(ev: Event): boolean {
    return this.unsent.get(ev.evFd)?.event === ev;
  }

  /** Whether a write to `fd` may go to the kernel. If not, sets errno. */
  mayWrite(fd: number): boolean {
    const unsent = this.unsent.get(fd);
    if (unsent !== undefined && (unsent.shutting || !this.send(unsent))) {
      setErrno(unsent.shutting ? EPIPE : EAGAIN);
      return false;
    }
    const error = this.takeError(fd);
    if (error === undefined) return true;
    setErrno(error);
    return false;
  }

  /** The errno with which sending failed, for the caller to report to the program. */
  takeError(fd: number): number | undefined {
    const error = this.failed.get(fd);
    if (error !== undefined) this.failed.delete(fd);
    return error;
  }

  /** The kernel has not taken `bytes`. `res`: the result of write(2). */
  notTaken(fd: number, res: number, bytes: Uint8Array): void {
    if (res === -1 && !isForNow(errno)) this.fail(fd);
    else this.hold(fd, bytes.slice());
  }

  /** True when earlier bytes are held or have failed: then `bytes` wait behind them, or are dropped. */
  takesBehind(fd: number, bytes: Uint8Array): boolean {
    const unsent = this.unsent.get(fd);
    if (unsent !== undefined) unsent.bytes = Buffer.concat([unsent.bytes, bytes]);
    return unsent !== undefined || this.failed.has(fd);
  }

  shutdown(fd: number, how: number): number {
    const unsent = this.unsent.get(fd);
    if (unsent === undefined || how === SHUT_RD) return this.kernel.shutdown(fd, how);
    unsent.shutting = true;
    return how === SHUT_RDWR ? this.kernel.shutdown(fd, SHUT_RD) : 0;
  }

  close(fd: number): number {
    const unsent = this.unsent.get(fd);
    if (unsent === undefined) return this.closed(fd, true);
    unsent.closing = true;
    this.orphans.begin(unsent);
    this.watch(unsent);
    return 0;
  }

  /** Called before the backend adds `ev`, which waits for a descriptor to become writable. */
  writerAdded(ev: Event): void {
    const unsent = this.unsent.get(ev.evFd);
    if (unsent?.event === ev) return;
    this.writers.add(ev.evFd);
    if (unsent !== undefined) eventDel(unsent.event);
  }

  /** Called after the backend has deleted `ev`. */
  writerDeleted(ev: Event): void {
    const unsent = this.unsent.get(ev.evFd);
    if (unsent?.event === ev) return;
    this.writers.delete(ev.evFd);
    if (unsent === undefined) return;
    // After a close our event has replaced the program's, and this deletion has just removed it.
    eventDel(unsent.event);
    this.watch(unsent);
  }

  /** Sending failed, with errno. */
  private fail(fd: number): void {
    debugCork('%d: sending what was kept failed: errno %d', fd, errno);
    // The program wrote to a closed descriptor. Its number may soon be another socket's, which must not get the error.
    if (errno === EBADF) return;
    this.failed.set(fd, errno);
    this.kernel.shutdown(fd, SHUT_RDWR);
  }

  private hold(fd: number, bytes: Uint8Array): void {
    debugCork('%d: the kernel did not take %d bytes', fd, bytes.length);
    const event = this.spare.pop() ?? new Event();
    eventSet(event, fd, EV_WRITE | EV_PERSIST, this.onEvent, null);
    const unsent = { fd, bytes, start: 0, event, shutting: false, closing: false };
    this.unsent.set(fd, unsent);
    if (!this.writers.has(fd)) this.watch(unsent);
  }

  /** Waits for the descriptor to become writable. */
  private watch(unsent: Unsent): void {
    if (eventAdd(unsent.event, null) !== -1) return;
    this.fail(unsent.fd);
    this.letGo(unsent);
  }

  private readonly onEvent = (fd: number): void => {
    const unsent = this.unsent.get(fd);
    if (unsent !== undefined) this.send(unsent);
  };

  /** The kernel has taken nothing for ORPHAN_SECONDS, perhaps because the process was stopped. So tries once more. */
  private giveUp(unsent: Unsent): void {
    const { start } = unsent;
    if (!this.send(unsent) && unsent.start === start) this.letGo(unsent, false);
  }

  /** Sends as much as the kernel takes. True when nothing is held any more. */
  private send(unsent: Unsent): boolean {
    const { fd, bytes, start } = unsent;
    const res = this.kernel.write(fd, bytes, start, bytes.length - start);
    if (res === -1) {
      if (isForNow(errno)) return false;
      this.fail(fd);
    } else {
      unsent.start += res;
      if (unsent.start < bytes.length) {
        if (unsent.closing && res > 0) this.orphans.begin(unsent);
        return false;
      }
    }
    this.letGo(unsent);
    return true;
  }

  /** Holds nothing any more, whether all was `sent` or given up. Does the shutdown or close that waited for this. */
  private letGo(unsent: Unsent, sent = true): void {
    const { fd, event, shutting, closing } = unsent;
    this.orphans.end(unsent);
    eventDel(event);
    this.spare.push(event);
    this.unsent.delete(fd);
    if (shutting) this.kernel.shutdown(fd, SHUT_WR);
    if (closing) this.closed(fd, sent);
  }

  private closed(fd: number, sent: boolean): number {
    const failed = this.failed.delete(fd);
    const waited = this.writers.delete(fd);
    return this.onClose(fd, sent && !failed && !waited);
  }
}

/** Whether a write that failed with this error should be tried again. */
export function isForNow(error: number): boolean {
  return error === EAGAIN || error === EWOULDBLOCK || error === EINTR;
}
