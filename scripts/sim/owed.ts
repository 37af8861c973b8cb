// The server's duties: to answer clients that read, to accept clients that wait, and not to spin.
import { constants } from 'node:os';
import { lingering } from '../../reactor/syscalls';
import type { CallRecord, Simulation } from '../../reactor/sim';
import { settings } from '../../lib/1.6/settings';
import { stats, settings as machine } from '../../lib/memcached.h';
import type { Guest } from './guest';
import type { Plan } from './plan';

const { EAGAIN, ECONNRESET, EPIPE, ETIMEDOUT } = constants.errno;
/** Consecutive turns of the loop in which something is ready and nothing moves. */
const IDLE_TURNS_MAX = 100;
/** The server retries a failed accept after 10 ms. */
export const PATIENCE_SECONDS = 0.05;
const FIRST_FD = 3;

export class Owed {
  private seen = 0;
  private faults = 0;
  private idleTurns = 0;
  /** A client that waits for accept although there is room. */
  waiting: string | null = null;

  constructor(private readonly sim: Simulation) {}

  /** Whether the server retries a call that fails with `errno`, so that nothing is lost. */
  static isForNow(errno: number): boolean {
    return errno === EAGAIN;
  }

  /** Whether a call that fails with `errno` leaves a connection that looks intact. */
  static isHarmless(name: string, errno: number): boolean {
    return name === 'shutdown' || (name === 'read' && errno !== ECONNRESET && errno !== EPIPE && errno !== ETIMEDOUT);
  }

  faulted(): void {
    this.faults++;
  }

  /** Called before time passes. */
  begin(): void {
    this.faults = 0;
  }

  /** Null, or an error if the loop spins with nothing to do. */
  spin(): string | null {
    const { calls } = this.sim;
    for (; this.seen < calls.length; this.seen++) {
      const call = calls[this.seen];
      if (isProgress(call)) this.idleTurns = 0;
      else if (call.name === 'epoll_wait' && typeof call.result === 'number' && call.result > 0) {
        if (++this.idleTurns > IDLE_TURNS_MAX) return `the loop has turned ${this.idleTurns} times, and nothing has moved`;
      }
    }
    return null;
  }

  /** After a rest, before which `seconds` have passed. */
  check(guests: readonly Guest[], seconds: number, listeners: number, plan: Plan): string | null {
    this.waiting = null;
    // With -c, 1.6 sends clients above the limit an error, and closes.
    const mayRefuse = machine.maxconns === Infinity && plan.args.includes('-c');
    for (const guest of guests) {
      if (guest.gone) continue;
      if (!guest.accepted) {
        const patient = seconds >= PATIENCE_SECONDS && this.faults === 0;
        if (patient && !guest.closed && this.hasRoom(listeners, plan)) this.waiting = guest.name;
        continue;
      }
      if (guest.closed && mayRefuse && !guest.hasBegun) continue;
      const wrong = this.ofGuest(guest, plan);
      if (wrong !== null) return wrong;
    }
    return null;
  }

  private ofGuest(guest: Guest, { shortIo }: Plan): string | null {
    const { name, expected } = guest;
    const mayClose = guest.mayDie || guest.closes || guest.shut;
    if (guest.closed) {
      if (!mayClose) return `${name}: the connection was closed, and nobody knows why`;
      if (guest.mayDie || guest.wild) return null;
      // After a short read input may be left, which makes the system send a reset.
      if (guest.closes && (shortIo || guest.readShort) && guest.client.wasReset) return null;
      return expected.isDone ? null : `${name}: the connection was closed before ${expected.next} was sent`;
    }
    if (guest.paused || guest.mayStick || guest.wild) return null;
    if (guest.mayDie && guest.shut) return null;
    if (guest.closes) return `${name} has said quit, and the connection is still open`;
    const { undone } = guest;
    if (undone !== null) return `${name} waits for an answer to ${undone}, and reads`;
    if (!expected.isDone) return `${name} waits for ${expected.next}, and reads`;
    return guest.shut ? `${name} has ended its side, and the connection is still open` : null;
  }

  private hasRoom(listeners: number, { maxFds }: Plan): boolean {
    const most = machine.maxconns === Infinity ? settings.maxconns + 1 : machine.maxconns;
    if (stats.currConns - listeners + lingering() >= most) return false;
    return this.sim.openFds().length + FIRST_FD < maxFds;
  }
}

/** Whether bytes have moved, or the loop has waited for a timer. */
function isProgress({ name, result }: CallRecord): boolean {
  if (typeof result === 'string') return false;
  if (name === 'epoll_wait') return result === 0;
  if (name === 'read' || name === 'write') return true;
  return name === 'accept' || name === 'close' || name === 'shutdown';
}
