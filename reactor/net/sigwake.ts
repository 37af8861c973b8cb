// Ends the wait when a signal comes, as EINTR does for epoll_wait(2). signal.ts counts the signals.
import { signame } from '../signame';

/** Calls `wake` when one of its signals comes. */
export class Sigwake {
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
      // No program can catch this signal: evsignal_recalc fails with EINVAL.
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
