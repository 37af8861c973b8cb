// What the kernel did not take, and what failed. What is held is sent as the descriptor turns writable; meanwhile a further
// write gives EAGAIN. When sending fails, the next write has the error, and the descriptor is shut down, so that who only
// reads sees its end. A descriptor that is closed while something is held is let go when that is sent, or when nothing of it
// has been taken for ORPHAN_TIMEOUT.
import { EV_PERSIST, EV_TIMEOUT, EV_WRITE, Event } from '../event.h';
import { eventAdd, eventDel, eventSet } from '../event';
import { EAGAIN, EBADF, EINTR, EPIPE, EWOULDBLOCK, errno, setErrno } from '../errno.h';
import { trace } from '../log';
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from '../socket.h';
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';

const debugCork = trace('reactor:cork');

/** How long what was held at close may go without getting on. */
const ORPHAN_TIMEOUT: Readonly<Timeval> = { tvSec: 60, tvUsec: 0 };

/** What the kernel did not take of one descriptor's writes. */
interface Unsent {
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

export class Held {
  private readonly unsent = new Map<number, Unsent>();
  /** The errno with which sending failed, until a write has told it. */
  private readonly failed = new Map<number, number>();
  /** The descriptors for whose writability the program waits. */
  private readonly writers = new Set<number>();
  /** Events that waited: used again, since a list that one was in keeps it for as long as those that were beside it. */
  private readonly spare: Event[] = [];

  /** `onClose` closes a descriptor. `sound`: all that was written has been sent, and the program left no event. */
  constructor(private readonly kernel: Syscalls, private readonly onClose: (fd: number, sound: boolean) => number) {}

  /** Nothing is held, and nothing has failed: every write may go on. */
  get isEmpty(): boolean {
    return this.unsent.size === 0 && this.failed.size === 0;
  }

  /** Whether `ev` is an event of ours. */
  owns(ev: Event): boolean {
    return this.unsent.get(ev.evFd)?.event === ev;
  }

  /** Whether a write to `fd` is to go on; otherwise errno says why not. */
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

  /** The errno with which sending failed: who asks tells the program. */
  takeError(fd: number): number | undefined {
    const error = this.failed.get(fd);
    if (error !== undefined) this.failed.delete(fd);
    return error;
  }

  /** The kernel has not taken `bytes`: `res` is what write(2) returned. */
  notTaken(fd: number, res: number, bytes: Uint8Array): void {
    if (res === -1 && !isForNow(errno)) this.fail(fd);
    else this.hold(fd, bytes.slice());
  }

  /** Whether what went before `bytes` was not sent, or not wholly: then these are not either, or wait behind it. */
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
    this.watch(unsent);
    return 0;
  }

  /** Before the backend is asked to wait with `ev` for a descriptor to turn writable. */
  writerAdded(ev: Event): void {
    const unsent = this.unsent.get(ev.evFd);
    if (unsent?.event === ev) return;
    this.writers.add(ev.evFd);
    if (unsent !== undefined) eventDel(unsent.event);
  }

  /** After the backend was asked to wait no more with `ev`. */
  writerDeleted(ev: Event): void {
    const unsent = this.unsent.get(ev.evFd);
    if (unsent?.event === ev) return;
    this.writers.delete(ev.evFd);
    if (unsent === undefined) return;
    // After close it has the place that the program's event had, and has just lost it.
    eventDel(unsent.event);
    this.watch(unsent);
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
    eventSet(event, fd, EV_WRITE | EV_PERSIST, this.onEvent, null);
    const unsent = { fd, bytes, start: 0, event, shutting: false, closing: false };
    this.unsent.set(fd, unsent);
    if (!this.writers.has(fd)) this.watch(unsent);
  }

  /** Waits for the descriptor to turn writable. */
  private watch(unsent: Unsent): void {
    if (eventAdd(unsent.event, unsent.closing ? ORPHAN_TIMEOUT : null) !== -1) return;
    this.fail(unsent.fd);
    this.letGo(unsent);
  }

  private readonly onEvent = (fd: number, which: number): void => {
    const unsent = this.unsent.get(fd);
    if (unsent === undefined) return;
    const { start } = unsent;
    // A process that was stopped may be late: only what still does not get on is given up.
    if (!this.send(unsent) && which & EV_TIMEOUT && unsent.start === start) this.letGo(unsent, false);
  };

  /** Sends what is held as far as the kernel takes it; true where nothing is held any more. */
  private send(unsent: Unsent): boolean {
    const { fd, bytes, start } = unsent;
    const res = this.kernel.write(fd, bytes, start, bytes.length - start);
    if (res === -1) {
      if (isForNow(errno)) return false;
      this.fail(fd);
    } else {
      unsent.start += res;
      if (unsent.start < bytes.length) {
        if (unsent.closing) eventAdd(unsent.event, ORPHAN_TIMEOUT);
        return false;
      }
    }
    this.letGo(unsent);
    return true;
  }

  /** Nothing is held any more, or it was not `sent`: what waited for that can be done. */
  private letGo({ fd, event, shutting, closing }: Unsent, sent = true): void {
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

/** Whether a write that failed so is to be made again. */
export function isForNow(error: number): boolean {
  return error === EAGAIN || error === EWOULDBLOCK || error === EINTR;
}
