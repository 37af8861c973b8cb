// A signal ends the wait, as EINTR does for epoll_wait(2): signal.ts counts what came, this wakes up whoever waits.
import { constants } from 'node:os';

/** Calls `wake` for every signal in it. */
export class Sigwake {
  private readonly signals = new Set<NodeJS.Signals>();
  private readonly handler: () => void;

  constructor(wake: () => void) {
    this.handler = () => wake();
  }

  add(sig: number): void {
    const name = signame(sig);
    if (name === null || this.signals.has(name)) return;
    try {
      process.on(name, this.handler);
      this.signals.add(name);
    } catch {
      // It cannot be caught: evsignal_recalc fails with EINVAL.
    }
  }

  delete(sig: number): void {
    const name = signame(sig);
    if (name !== null && this.signals.delete(name)) process.removeListener(name, this.handler);
  }

  clear(): void {
    for (const name of this.signals) process.removeListener(name, this.handler);
    this.signals.clear();
  }
}

function signame(sig: number): NodeJS.Signals | null {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (number === sig) return name as NodeJS.Signals;
  }
  return null;
}
