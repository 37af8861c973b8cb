// Faults: calls that must fail, or move few bytes. Each waits in a list for a call of its name.
import { constants } from 'node:os';
import type { Call, Intervention } from '../../reactor/sim';
import { EPOLL_CTL_ADD, EPOLL_CTL_DEL } from '../../reactor/sim/pollset';
import type { Fault } from './plan';

interface Waiting {
  fault: Fault;
  /** The descriptor of its client; null for any. */
  fdOf: (() => number) | null;
  skip: number;
  times: number;
}

export class Faults {
  /** How many faults have happened. */
  fired = 0;
  private waiting: Waiting[] = [];

  add(fault: Fault, fdOf: (() => number) | null): void {
    this.waiting.push({ fault, fdOf, skip: fault.skip ?? 0, times: fault.times ?? 1 });
  }

  /** Drops all faults. */
  clear(): void {
    this.waiting = [];
  }

  ofCall(call: Call): Intervention | undefined {
    const fault = this.take(namesOf(call), call.fd);
    if (fault === null) return undefined;
    return fault.limit === undefined ? { errno: errnoOf(fault) } : { limit: fault.limit };
  }

  /** Whether an allocation fails. */
  ofAllocation(name: 'malloc' | 'slab'): boolean {
    return this.take([name], -1) !== null;
  }

  private take(names: readonly string[], fd: number): Fault | null {
    for (const [i, waiting] of this.waiting.entries()) {
      if (!names.includes(waiting.fault.call) || (waiting.fdOf !== null && waiting.fdOf() !== fd)) continue;
      if (waiting.skip > 0) {
        waiting.skip--;
        continue;
      }
      if (--waiting.times <= 0) this.waiting.splice(i, 1);
      this.fired++;
      return waiting.fault;
    }
    return null;
  }
}

/** The names by which a fault may mean this call: epoll_ctl has one per operation. */
function namesOf({ name, args }: Call): string[] {
  if (name !== 'epoll_ctl') return [name];
  return [name, args[0] === EPOLL_CTL_ADD ? 'epoll_add' : args[0] === EPOLL_CTL_DEL ? 'epoll_del' : 'epoll_mod'];
}

function errnoOf({ errno = 'EIO' }: Fault): number {
  return constants.errno[errno as keyof typeof constants.errno];
}
