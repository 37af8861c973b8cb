// A signal ends the wait, as EINTR does for epoll_wait(2): signal.ts counts what came, this wakes up whoever waits.
import { signame } from '../signame';

/** Calls `wake` for every signal in it. */
export class Sigwake {
  /** By their numbers. */
  private readonly signals = new Map<number, NodeJS.Signals>();
  private readonly handler: () => void;

  constructor(wake: () => void) {
    this.handler = () => wake();
  }

  add(sig: number): void {
    if (this.signals.has(sig)) return;
    try {
      const name = signame(sig);
      process.on(name, this.handler);
      this.signals.set(sig, name);
    } catch {
      // It cannot be caught: evsignal_recalc fails with EINVAL.
    }
  }

  delete(sig: number): void {
    const name = this.signals.get(sig);
    if (name === undefined) return;
    this.signals.delete(sig);
    process.removeListener(name, this.handler);
  }

  clear(): void {
    for (const name of this.signals.values()) process.removeListener(name, this.handler);
    this.signals.clear();
  }
}
