// A layer between the program and a backend that makes fewer system calls than the program asks for, without the
// program noticing. hint.ts answers reads, cork.ts keeps writes until the callbacks of the turn are over, held.ts keeps
// what the kernel does not take, readahead.ts reads for several sockets at once as the turn begins. patience.ts polls
// for events before the loop goes to sleep.
//
// All of this applies only while the loop is running callbacks: not while it waits (when Node's own callbacks run), and
// not before or after the loop. time(2), in whole seconds, is called once a turn.
import { EV_READ, EV_WRITE } from '../event.h';
import type { Event, Eventop } from '../event.h';
import { EAGAIN, EBADF, errno, setErrno } from '../errno.h';
import { F_SETFL, SOCK_STREAM, SOL_SOCKET } from '../socket.h';
import type { Linger, SockaddrRoom } from '../socket.h';
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import type { Iovec } from '../uio.h';
import { areWithin, isWithin } from '../uio.h';
import { Cork } from './cork';
import { Held, isForNow } from './held';
import { Hint } from './hint';
import { Lingering } from './lingering';
import { PassThrough } from './passthrough';
import { Patience } from './patience';
import { ReadAhead } from './readahead';

const SECOND_US = 1e6;
const NO_WAIT: Readonly<Timeval> = { tvSec: 0, tvUsec: 0 };

/** The economy of the backend that eventInit chose last. */
let current: Economy | null = null;

/** `base`, with fewer system calls. */
export function economical(base: Eventop): Eventop {
  let economy: Economy | null = null;
  const patience = new Patience();
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
      if (economy?.isRefused(ev) === true) return economy.refuse();
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
      if (economy?.isRefused(ev) === true) return economy.refuse();
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
      economy?.expire();
      base.endTurn(arg);
    },

    dispatch(arg: object, tv: Timeval): number | Promise<number> {
      // A callback may run a loop of its own. While that loop waits, nothing may stay in the cork.
      economy?.endTurn();
      const timeout = economy?.waitOf(tv) ?? tv;
      if (base.poll !== undefined && (timeout.tvSec > 0 || timeout.tvUsec > 0)) {
        const found = patience.look(base.poll, arg);
        if (found !== 0) return dispatched(Math.min(found, 0));
      }
      const res = base.dispatch(arg, timeout);
      return typeof res === 'number' ? dispatched(res) : res.then(dispatched);
    },
  };
}

class Economy extends PassThrough {
  readonly ahead: ReadAhead | null;
  readonly held: Held;
  private readonly hint = new Hint();
  private readonly cork: Cork;
  private readonly lingerers: Lingering;
  /** Descriptors that the program has closed and the kernel still has. The program must get EBADF for them. */
  private readonly orphans = new Set<number>();

  /** The loop is running callbacks. */
  private inTurn = false;
  /** The result of time(2) in this turn; -1 before the first call. */
  private now = -1;

  constructor(kernel: Syscalls) {
    super(kernel);
    this.ahead = kernel.batch === null ? null : new ReadAhead(kernel.batch);
    this.held = new Held(kernel, (fd, sound) => this.letGo(fd, sound));
    this.lingerers = new Lingering(kernel, (fd) => this.closeNow(fd));
    this.cork = new Cork(kernel, this.held, this.ahead);
  }

  override get lingering(): number {
    return this.orphans.size + this.kernel.lingering;
  }

  /** -1 for a closed descriptor, so that the kernel answers EBADF. */
  protected override given(fd: number): number {
    return this.orphans.size > 0 && this.orphans.has(fd) ? -1 : fd;
  }

  /** Whether `ev` is an event of the program for a descriptor that it has closed. */
  isRefused(ev: Event): boolean {
    if (this.orphans.size === 0 || !(ev.evEvents & (EV_READ | EV_WRITE)) || !this.orphans.has(ev.evFd)) return false;
    return !this.held.owns(ev) && !this.lingerers.owns(ev);
  }

  refuse(): number {
    setErrno(EBADF);
    return -1;
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

  /** How long the loop, which would wait for `tv`, may wait. */
  waitOf(tv: Timeval): Timeval {
    if (this.ahead?.waitedFor() === true) return NO_WAIT;
    if (this.orphans.size === 0) return tv;
    const seconds = Math.min(this.held.orphans.left, this.lingerers.idle.left, this.lingerers.total.left);
    return seconds < tv.tvSec + tv.tvUsec / SECOND_US ? timevalOf(seconds) : tv;
  }

  /** Gives up descriptors that have waited too long. */
  expire(): void {
    if (this.orphans.size === 0) return;
    this.held.orphans.expire();
    this.lingerers.idle.expire();
    this.lingerers.total.expire();
  }

  override read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const { hint, ahead } = this;
    fd = this.given(fd);
    if (this.inTurn && length > 0 && hint.isDrained(fd)) {
      setErrno(EAGAIN);
      return -1;
    }
    if (ahead !== null && ahead.has(fd) && length > 0 && isWithin(buf, offset, length)) {
      const res = ahead.take(fd, buf, offset, length);
      if (res > 0) hint.hasRead(fd, ahead.drained);
      else this.lingerers.ended(fd);
      return res;
    }
    const res = this.kernel.read(fd, buf, offset, length);
    if (res > 0) {
      hint.hasRead(fd, res < length);
      ahead?.hasRead(fd, res);
      return res;
    }
    if (length > 0 && (res === 0 || !isForNow(errno))) this.lingerers.ended(fd);
    if (res === 0 && this.inTurn && length > 0 && hint.gaveAll(fd)) {
      setErrno(EAGAIN);
      return -1;
    }
    return res;
  }

  override write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    fd = this.given(fd);
    // Leaves the error to the kernel. In the cork there is no error, and beyond `buf` there may be others' bytes.
    if (fd < 0 || !isWithin(buf, offset, length)) return this.kernel.write(fd, buf, offset, length);
    if (this.inTurn) return this.cork.write(fd, buf, offset, length);
    return this.mayPass(fd) ? this.kernel.write(fd, buf, offset, length) : -1;
  }

  override send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    return this.sendmsg(fd, [{ buf, offset, length }], flags);
  }

  override sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    fd = this.given(fd);
    if (fd < 0 || !areWithin(iov)) return this.kernel.sendmsg(fd, iov, flags);
    if (this.inTurn && flags === 0) return this.cork.sendmsg(fd, iov);
    return this.mayPass(fd) ? this.kernel.sendmsg(fd, iov, flags) : -1;
  }

  override shutdown(fd: number, how: number): number {
    this.cork.flush();
    return this.held.shutdown(this.given(fd), how);
  }

  override close(fd: number): number {
    this.cork.flush();
    fd = this.given(fd);
    this.orphans.add(fd);
    return this.held.close(fd);
  }

  override socket(domain: number, type: number, protocol: number): number {
    const fd = this.kernel.socket(domain, type, protocol);
    if (fd !== -1 && type === SOCK_STREAM) this.opened(fd, -1);
    return fd;
  }

  override accept(fd: number, addr: SockaddrRoom | null): number {
    const sfd = super.accept(fd, addr);
    if (sfd !== -1) this.opened(sfd, fd);
    return sfd;
  }

  override fcntl(fd: number, cmd: number, arg: number): number {
    const res = super.fcntl(fd, cmd, arg);
    if (res !== -1 && cmd === F_SETFL) this.lingerers.flagsSet(fd, arg);
    return res;
  }

  override setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    const res = super.setsockopt(fd, level, optname, optval);
    if (res !== -1 && level === SOL_SOCKET && typeof optval === 'object') this.lingerers.lingerSet(fd, optval);
    return res;
  }

  override time(): number {
    if (!this.inTurn) return this.kernel.time();
    if (this.now === -1) this.now = this.kernel.time();
    return this.now;
  }

  /** Flushes the cork; then whether a write that bypasses the cork may go to the kernel. If not, sets errno. */
  private mayPass(fd: number): boolean {
    this.cork.flush();
    return this.held.isEmpty || this.held.mayWrite(fd);
  }

  /** `fd` is a new socket. `from`: the listening socket that accepted it, or -1. */
  private opened(fd: number, from: number): void {
    this.cork.opened(fd);
    this.ahead?.opened(fd);
    this.lingerers.opened(fd, from);
  }

  /** Whether we know that the kernel has no input for `fd` now. */
  private isDrained(fd: number): boolean {
    return this.inTurn && this.kernel.seesAllInput && (this.hint.isDrained(fd) || this.ahead?.foundAll(fd) === true);
  }

  /** The program has closed `fd`, and nothing is held for it any more. */
  private letGo(fd: number, sound: boolean): number {
    if (!sound || this.isDrained(fd) || !this.lingerers.mayHaveInput(fd)) return this.closeNow(fd);
    this.ahead?.closed(fd);
    return this.lingerers.begin(fd) ? 0 : this.closeNow(fd);
  }

  private closeNow(fd: number): number {
    this.orphans.delete(fd);
    this.hint.closed(fd);
    this.ahead?.closed(fd);
    this.lingerers.closed(fd);
    return this.kernel.close(fd);
  }
}

/** `seconds` in microseconds, rounded up, but not to the next second. */
function timevalOf(seconds: number): Timeval {
  const tvSec = Math.floor(seconds);
  return { tvSec, tvUsec: Math.min(Math.ceil((seconds - tvSec) * SECOND_US), SECOND_US - 1) };
}
