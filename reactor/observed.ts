// A layer that reports each call that moves bytes to an observer. It changes nothing.
import { PassThrough } from './economy/passthrough';
import type { Eventop } from './event.h';
import type { Syscalls } from './syscalls.h';
import type { Iovec } from './uio.h';

/** `result` is what the call returned: a number of bytes, or -1 with errno. */
export interface Observer {
  /** The bytes that were read begin at `offset`; `length` was the requested number. */
  read(fd: number, buf: Uint8Array, offset: number, length: number, result: number): void;
  /** The bytes that were to be written, in one piece or several. */
  wrote(fd: number, iov: readonly Iovec[], result: number): void;
  closed(fd: number): void;
}

/** `base`, observed. */
export function observed(base: Eventop, observer: Observer): Eventop {
  let calls: Syscalls | null = null;
  return {
    name: base.name,
    get syscalls(): Syscalls {
      return calls ?? base.syscalls;
    },
    init(): object | null {
      const arg = base.init();
      calls = arg === null ? null : new Observed(base.syscalls, observer);
      return arg;
    },
    add: (arg, ev) => base.add(arg, ev),
    del: (arg, ev) => base.del(arg, ev),
    recalc: (arg, max) => base.recalc(arg, max),
    endTurn: (arg) => base.endTurn(arg),
    dispatch: (arg, tv) => base.dispatch(arg, tv),
    ...(base.poll === undefined ? {} : { poll: base.poll.bind(base) }),
  };
}

class Observed extends PassThrough {
  constructor(kernel: Syscalls, private readonly observer: Observer) {
    super(kernel);
  }

  override read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const result = super.read(fd, buf, offset, length);
    this.observer.read(fd, buf, offset, length, result);
    return result;
  }

  override write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const result = super.write(fd, buf, offset, length);
    this.observer.wrote(fd, [{ buf, offset, length }], result);
    return result;
  }

  override sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    const result = super.sendmsg(fd, iov, flags);
    this.observer.wrote(fd, iov, result);
    return result;
  }

  override close(fd: number): number {
    this.observer.closed(fd);
    return super.close(fd);
  }
}
