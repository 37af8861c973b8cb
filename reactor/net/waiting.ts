// How dispatch lets Node's own loop run, and how it waits: on promises, without a new timer for each turn.

const MAX_DELAY_MS = 2 ** 31 - 1;

type Resolve = (value: number | Promise<number>) => void;

export class Waiting {
  private resolve: Resolve | null = null;
  private waking = false;
  /** When to wake up at the latest, by performance.now(). */
  private deadline = 0;
  /** Fires at `alarm`, which is not after the deadline. Most turns need not touch it. */
  private timer: NodeJS.Timeout | null = null;
  private alarm = 0;

  /** `waited` is called after each wait, and the wait's promise gets its result: one promise for both. */
  constructor(private readonly waited: () => number) {}

  /** Lets Node's loop run once. */
  yieldToNode(): Promise<number> {
    return new Promise((resolve) => setImmediate(() => this.settle(resolve)));
  }

  /** Waits until wake() is called, or for `timeout` milliseconds. The process stays alive meanwhile. */
  wait(timeout: number): Promise<number> {
    this.deadline = performance.now() + timeout;
    if (this.timer === null || this.deadline < this.alarm) this.setAlarm(timeout);
    else this.timer.ref();
    return new Promise(this.onWait);
  }

  /** `alone`: nothing else can become ready while Node's loop runs, so it is not worth waiting for more. */
  wake(alone: boolean): void {
    if (this.resolve === null || this.waking) return;
    this.waking = true;
    // The process stays alive only while we wait.
    this.timer?.unref();
    if (alone) queueMicrotask(this.onWake);
    else setImmediate(this.onWake);
  }

  private readonly onWake = (): void => {
    const { resolve } = this;
    this.resolve = null;
    this.waking = false;
    if (resolve !== null) this.settle(resolve);
  };

  private readonly onWait = (resolve: Resolve): void => {
    this.resolve = resolve;
  };

  /** An error of `waited` rejects the promise, because our caller is Node, which could not handle it. */
  private settle(resolve: Resolve): void {
    let result: number | Promise<number>;
    try {
      result = this.waited();
    } catch (error) {
      result = Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    resolve(result);
  }

  private setAlarm(timeout: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.alarm = performance.now() + timeout;
    this.timer = setTimeout(this.onAlarm, Math.min(timeout, MAX_DELAY_MS));
  }

  private readonly onAlarm = (): void => {
    this.timer = null;
    if (this.resolve === null || this.waking) return;
    const left = this.deadline - performance.now();
    // Node now reads what came while it was busy, and that comes before the timeout.
    if (left < 1) this.wake(false);
    else this.setAlarm(left);
  };
}
