// Fewer system calls than the program makes, which it does not notice: what stands between the program and a backend, and
// says which of its calls the kernel gets. hint.ts answers reads, cork.ts keeps writes until the callbacks of the turn are
// over, held.ts what the kernel does not take, and readahead.ts has read for many at once as the turn begins.
//
// They do so while the loop calls callbacks, and at no other time: not while it waits, and lets Node's own callbacks run, nor
// before it begins or when it is at its end.
import { EV_READ, EV_WRITE } from '../event.h';
import type { Event, Eventop } from '../event.h';
import { EAGAIN, errno, setErrno } from '../errno.h';
import { SOCK_STREAM } from '../socket.h';
import type { SockaddrIn } from '../socket.h';
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import type { Iovec } from '../uio.h';
import { isWithin } from '../uio.h';
import { Cork } from './cork';
import { Held } from './held';
import { Hint } from './hint';
import { PassThrough } from './passthrough';
import { ReadAhead } from './readahead';

const NO_WAIT: Readonly<Timeval> = { tvSec: 0, tvUsec: 0 };

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
      if (ev.evEvents & EV_WRITE) economy?.held.writerAdded(ev);
      const res = base.add(arg, ev);
      if (res === -1 && ev.evEvents & EV_WRITE) {
        const error = errno;
        economy?.held.writerDeleted(ev);
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
        economy?.held.writerDeleted(ev);
        if (res === -1) setErrno(error);
      }
      return res;
    },

    recalc: (arg, max) => base.recalc(arg, max),

    endTurn(arg: object): void {
      economy?.endTurn();
      base.endTurn(arg);
    },

    dispatch(arg: object, tv: Timeval): number | Promise<number> {
      // A callback may run a loop of its own: nothing is kept while that waits.
      economy?.endTurn();
      const res = base.dispatch(arg, economy?.ahead?.waitedFor() ? NO_WAIT : tv);
      return typeof res === 'number' ? dispatched(res) : res.then(dispatched);
    },
  };
}

class Economy extends PassThrough {
  readonly ahead: ReadAhead | null;
  readonly held: Held;
  private readonly hint = new Hint();
  private readonly cork: Cork;

  /** The loop calls callbacks. */
  private inTurn = false;
  /** What time(2) says in this turn; -1 where nobody has asked. */
  private now = -1;

  constructor(kernel: Syscalls) {
    super(kernel);
    this.ahead = kernel.batch === null ? null : new ReadAhead(kernel.batch);
    this.held = new Held(kernel, (fd) => this.closeNow(fd));
    this.cork = new Cork(kernel, this.held, this.ahead);
  }

  beginTurn(): void {
    this.inTurn = true;
    this.now = -1;
    this.hint.beginTurn();
    this.ahead?.fetch();
  }

  endTurn(): void {
    this.cork.flush();
    this.ahead?.endTurn();
    this.inTurn = false;
  }

  override read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const { hint, ahead } = this;
    if (this.inTurn && length > 0 && hint.isDrained(fd)) {
      setErrno(EAGAIN);
      return -1;
    }
    if (ahead !== null && ahead.has(fd) && length > 0 && isWithin(buf, offset, length)) {
      const res = ahead.take(fd, buf, offset, length);
      if (res > 0) hint.hasRead(fd, ahead.drained);
      return res;
    }
    const res = this.kernel.read(fd, buf, offset, length);
    if (res > 0) {
      hint.hasRead(fd, res < length);
      ahead?.hasRead(fd, res);
    } else if (res === 0 && this.inTurn && length > 0 && hint.gaveAll(fd)) {
      setErrno(EAGAIN);
      return -1;
    }
    return res;
  }

  override write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    // Not within the buffer, or no descriptor: what that means, the kernel says. In the cork there are others' bytes.
    if (fd < 0 || !isWithin(buf, offset, length)) return this.kernel.write(fd, buf, offset, length);
    if (this.inTurn) return this.cork.write(fd, buf, offset, length);
    return this.mayPass(fd) ? this.kernel.write(fd, buf, offset, length) : -1;
  }

  override send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    return this.mayPass(fd) ? this.kernel.send(fd, buf, offset, length, flags) : -1;
  }

  override sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    return this.mayPass(fd) ? this.kernel.sendmsg(fd, iov, flags) : -1;
  }

  override shutdown(fd: number, how: number): number {
    this.cork.flush();
    return this.held.shutdown(fd, how);
  }

  override close(fd: number): number {
    this.cork.flush();
    return this.held.close(fd);
  }

  override socket(domain: number, type: number, protocol: number): number {
    const fd = this.kernel.socket(domain, type, protocol);
    if (fd !== -1 && type === SOCK_STREAM) this.opened(fd);
    return fd;
  }

  override accept(fd: number, addr: SockaddrIn | null): number {
    const sfd = this.kernel.accept(fd, addr);
    if (sfd !== -1) this.opened(sfd);
    return sfd;
  }

  override time(): number {
    if (!this.inTurn) return this.kernel.time();
    if (this.now === -1) this.now = this.kernel.time();
    return this.now;
  }

  /** Whether a write that the cork does not keep is to go on, behind what it has kept; otherwise errno says why not. */
  private mayPass(fd: number): boolean {
    this.cork.flush();
    return this.held.isEmpty || this.held.mayWrite(fd);
  }

  /** `fd` is a new socket. */
  private opened(fd: number): void {
    this.cork.opened(fd);
    this.ahead?.opened(fd);
  }

  private closeNow(fd: number): number {
    this.hint.closed(fd);
    this.ahead?.closed(fd);
    return this.kernel.close(fd);
  }
}
