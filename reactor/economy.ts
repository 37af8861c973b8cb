// The same backend with fewer system calls, which the program does not notice. Two rules:
//
// The hint. A read that gave less than it was asked for has drained the descriptor: until the next dispatch a further read
// gives EAGAIN without asking the kernel. What comes meanwhile is reported by that dispatch, since readiness is
// level-triggered.
//
// The cork. What is written is kept, and leaves in one write: when another descriptor writes, when the cork is full, before
// the loop waits, and before the descriptor is shut down or closed. What the kernel does not take then is held, and sent
// as the descriptor turns writable; meanwhile a further write gives EAGAIN. If sending fails, the next write has the error,
// and the descriptor is shut down, so that whoever only reads sees its end. A descriptor that is closed while something
// is held stays open in the kernel until that is sent or fails.
import { EV_PERSIST, EV_WRITE, Event } from './event.h';
import type { Eventop, Syscalls, Timeval } from './event.h';
import { eventDel, eventSet } from './event';
import { EAGAIN, EBADF, EWOULDBLOCK, errno, setErrno } from './errno.h';
import { trace } from './log';
import { SHUT_RDWR } from './socket.h';

const debugCork = trace('reactor:cork');

/** Bytes that are kept for one descriptor, at most. */
export const CORK_SIZE = 256 * 1024;
/** Below this many bytes, a loop is quicker than a view for TypedArray.set, and leaves no garbage. */
const SHORT_COPY = 256;

/** A descriptor whose peer is slower than we are. */
interface Blocked {
  /** What the kernel has not taken yet: from `start` to the end. */
  held: Uint8Array;
  start: number;
  /** Waits for the descriptor to turn writable, unless the program does so itself. */
  event: Event;
  waiting: boolean;
  /** The program has closed it, or shut it down in this way: to be done when nothing is held any more. */
  closing: boolean;
  shutting: number | null;
}

/** `base` with the hint and the cork. */
export function economical(base: Eventop): Eventop {
  const kernel = base.syscalls;

  const cork = new Uint8Array(CORK_SIZE);
  let corked = 0;
  let owner = -1;
  const blocked = new Map<number, Blocked>();
  /** The errno with which sending failed, until a write has told it. */
  const failed = new Map<number, number>();

  let round = 1;
  /** By descriptor, the round in which it was drained. */
  let drained = new Uint32Array(1024);
  let evbase: object | null = null;

  function flush(): void {
    const fd = owner;
    const length = corked;
    owner = -1;
    corked = 0;
    if (length === 0) return;
    const res = kernel.write(fd, cork, 0, length);
    if (res === length) return;
    if (res === -1 && errno !== EAGAIN && errno !== EWOULDBLOCK) fail(fd, errno);
    else block(fd, cork.slice(Math.max(res, 0), length));
  }

  function fail(fd: number, error: number): void {
    debugCork('%d: a kept write failed: %d', fd, error);
    failed.set(fd, error);
    kernel.shutdown(fd, SHUT_RDWR);
  }

  function block(fd: number, held: Uint8Array): void {
    debugCork('%d: %d bytes held', fd, held.length);
    const event = new Event();
    eventSet(event, fd, EV_WRITE | EV_PERSIST, sendHeld, null);
    const state: Blocked = { held, start: 0, event, waiting: false, closing: false, shutting: null };
    blocked.set(fd, state);
    if (!writers.has(fd)) wait(state);
  }

  /** The descriptors for whose writability the program waits: the event of ours would take its place in the backend. */
  const writers = new Set<number>();

  function wait(state: Blocked): void {
    if (evbase === null || state.waiting) return;
    state.waiting = base.add(evbase, state.event) !== -1;
  }

  function waitNoMore(state: Blocked): void {
    if (evbase === null || !state.waiting) return;
    state.waiting = false;
    eventDel(state.event);
    base.del(evbase, state.event);
  }

  /** Sends what is held for `fd`, as far as the kernel takes it; true when nothing is held any more. */
  function sendHeld(fd: number): boolean {
    const state = blocked.get(fd);
    if (state === undefined) return true;
    const { held, start } = state;
    const res = kernel.write(fd, held, start, held.length - start);
    if (res === -1 && (errno === EAGAIN || errno === EWOULDBLOCK)) return false;
    if (res !== -1 && (state.start += res) < held.length) return false;
    if (res === -1) fail(fd, errno);
    waitNoMore(state);
    blocked.delete(fd);
    if (state.shutting !== null) kernel.shutdown(fd, state.shutting);
    if (state.closing) closeNow(fd);
    return true;
  }

  function closeNow(fd: number): number {
    failed.delete(fd);
    if (fd < drained.length) drained[fd] = 0;
    return kernel.close(fd);
  }

  function isClosing(fd: number): boolean {
    return blocked.size > 0 && blocked.get(fd)?.closing === true;
  }

  const syscalls: Syscalls = {
    ...kernel,

    read(fd, buf, offset, length) {
      if (fd < drained.length && drained[fd] === round) {
        setErrno(EAGAIN);
        return -1;
      }
      const res = kernel.read(fd, buf, offset, length);
      if (res > 0 && res < length) {
        if (fd >= drained.length) {
          const longer = new Uint32Array(2 * fd);
          longer.set(drained);
          drained = longer;
        }
        drained[fd] = round;
      }
      return res;
    },

    write(fd, buf, offset, length) {
      if (owner !== fd) {
        flush();
        if (failed.size > 0) {
          const error = failed.get(fd);
          if (error !== undefined) {
            failed.delete(fd);
            setErrno(error);
            return -1;
          }
        }
        if (blocked.size > 0 && !sendHeld(fd)) {
          setErrno(EAGAIN);
          return -1;
        }
      } else if (length > CORK_SIZE - corked) {
        flush();
        return syscalls.write(fd, buf, offset, length);
      }
      if (length >= CORK_SIZE) return kernel.write(fd, buf, offset, length);
      owner = fd;
      if (length < SHORT_COPY) for (let i = 0; i < length; i++) cork[corked + i] = buf[offset + i];
      else cork.set(buf.subarray(offset, offset + length), corked);
      corked += length;
      return length;
    },

    shutdown(fd, how) {
      if (owner === fd) flush();
      const state = blocked.get(fd);
      if (state === undefined) return kernel.shutdown(fd, how);
      state.shutting = how;
      return 0;
    },

    close(fd) {
      if (owner === fd) flush();
      const state = blocked.get(fd);
      if (state === undefined) return closeNow(fd);
      if (state.closing) {
        setErrno(EBADF);
        return -1;
      }
      state.closing = true;
      wait(state);
      return 0;
    },
  };

  return {
    name: base.name,
    syscalls,

    init() {
      evbase = base.init();
      return evbase;
    },

    add(arg, ev) {
      if (ev.evEvents & EV_WRITE) {
        writers.add(ev.evFd);
        const state = blocked.get(ev.evFd);
        if (state !== undefined) waitNoMore(state);
      }
      return base.add(arg, ev);
    },

    del(arg, ev) {
      const res = base.del(arg, ev);
      if (ev.evEvents & EV_WRITE) {
        writers.delete(ev.evFd);
        const state = blocked.get(ev.evFd);
        if (state !== undefined) wait(state);
      }
      return res;
    },

    recalc(arg, max) {
      return base.recalc(arg, max);
    },

    dispatch(arg, tv: Timeval) {
      flush();
      round = (round + 1) >>> 0 || 1;
      return base.dispatch(arg, tv);
    },
  };
}
