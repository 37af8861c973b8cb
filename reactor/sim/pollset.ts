// An epoll(7) set: what is watched for which flags, and what may be ready. Level-triggered.
import { EEXIST, ENOENT } from '../errno.h';
import { POLLERR, POLLHUP } from './endpoint';

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

/** Something to watch. `poll` returns its POLL flags that are true now. */
export interface Pollable {
  readonly fd: number;
  poll(): number;
}

export interface ReadyEvent {
  fd: number;
  /** POLL flags. */
  what: number;
}

export class Pollset {
  private readonly interest = new Map<Pollable, number>();
  /** In the order in which they became ready. Some may not be ready any more. */
  private readonly candidates = new Set<Pollable>();

  /** `onCandidate` is called when something may have become ready. */
  constructor(private readonly onCandidate: () => void) {}

  /** epoll_ctl(2): 0, or a negated errno value. */
  ctl(op: number, pollable: Pollable, events: number): number {
    const known = this.interest.has(pollable);
    if (op === EPOLL_CTL_ADD && known) return -EEXIST;
    if (op !== EPOLL_CTL_ADD && !known) return -ENOENT;
    if (op === EPOLL_CTL_DEL) this.forget(pollable);
    else {
      this.interest.set(pollable, events);
      this.changed(pollable);
    }
    return 0;
  }

  forget(pollable: Pollable): void {
    this.interest.delete(pollable);
    this.candidates.delete(pollable);
  }

  changed(pollable: Pollable): void {
    if (!this.interest.has(pollable) || this.pollNow(pollable) === 0) return;
    this.candidates.add(pollable);
    this.onCandidate();
  }

  /** Whether collect() would return anything. */
  hasReady(): boolean {
    for (const pollable of this.candidates) {
      if (this.pollNow(pollable) !== 0) return true;
      this.candidates.delete(pollable);
    }
    return false;
  }

  /** Everything that is ready, in the order in which it became ready. */
  collect(): ReadyEvent[] {
    const ready: ReadyEvent[] = [];
    for (const pollable of [...this.candidates]) {
      const what = this.pollNow(pollable);
      this.candidates.delete(pollable);
      if (what === 0) continue;
      this.candidates.add(pollable);
      ready.push({ fd: pollable.fd, what });
    }
    return ready;
  }

  private pollNow(pollable: Pollable): number {
    return pollable.poll() & ((this.interest.get(pollable) ?? 0) | POLLERR | POLLHUP);
  }
}
