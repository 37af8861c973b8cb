// What epoll(7) keeps: which descriptors are watched for what, and which may be ready. Level-triggered.
import { EEXIST, ENOENT } from '../errno.h';
import { POLLERR, POLLHUP } from './endpoint';

export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;

/** What can be watched: `poll` gives the POLL flags that are true of it now. */
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
  /** In the order in which they became ready; some may no longer be. */
  private readonly candidates = new Set<Pollable>();

  /** `onCandidate` is told when something may have become ready. */
  constructor(private readonly onCandidate: () => void) {}

  /** epoll_ctl(2): 0, or an errno value negated. */
  ctl(op: number, file: Pollable, events: number): number {
    const known = this.interest.has(file);
    if (op === EPOLL_CTL_ADD && known) return -EEXIST;
    if (op !== EPOLL_CTL_ADD && !known) return -ENOENT;
    if (op === EPOLL_CTL_DEL) this.forget(file);
    else {
      this.interest.set(file, events);
      this.changed(file);
    }
    return 0;
  }

  forget(file: Pollable): void {
    this.interest.delete(file);
    this.candidates.delete(file);
  }

  changed(file: Pollable): void {
    if (!this.interest.has(file) || this.pollNow(file) === 0) return;
    this.candidates.add(file);
    this.onCandidate();
  }

  /** Whether collect() would give anything. */
  hasReady(): boolean {
    for (const file of this.candidates) {
      if (this.pollNow(file) !== 0) return true;
      this.candidates.delete(file);
    }
    return false;
  }

  /** Those that are ready, in the order in which they became so. */
  collect(): ReadyEvent[] {
    const ready: ReadyEvent[] = [];
    for (const file of [...this.candidates]) {
      const what = this.pollNow(file);
      this.candidates.delete(file);
      if (what === 0) continue;
      this.candidates.add(file);
      ready.push({ fd: file.fd, what });
    }
    return ready;
  }

  private pollNow(file: Pollable): number {
    return file.poll() & ((this.interest.get(file) ?? 0) | POLLERR | POLLHUP);
  }
}
