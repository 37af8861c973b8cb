// How dispatch gives Node's own loop its turn, and how it waits: on promises, without a timer of its own for each turn.

const MAX_DELAY = 2 ** 31 - 1;

export class Waiting {
  private resolve: ((value: number) => void) | null = null;
  private waking = false;
  /** When to wake up at the latest, in milliseconds of performance.now(). */
  private deadline = 0;
  /** It goes off at `alarm` or before the deadline; most turns of the loop need not touch it. */
  private timer: NodeJS.Timeout | null = null;
  private alarm = 0;

  /** `waited` is called after a wait, and what it returns is what that gave: one promise for both. */
  constructor(private readonly waited: () => number) {}

  /** One turn of Node's loop. */
  turn(): Promise<number> {
    return new Promise((resolve) => setImmediate(() => resolve(this.waited())));
  }

  /** Until wake() is called, or for `timeout` milliseconds. The process stays alive meanwhile. */
  wait(timeout: number): Promise<number> {
    this.deadline = performance.now() + timeout;
    if (this.timer === null || this.deadline < this.alarm) this.setAlarm(timeout);
    else this.timer.ref();
    return new Promise(this.onWait);
  }

  /** `alone`: nothing else can be ready in this turn of Node's loop that would come with it. */
  wake(alone: boolean): void {
    if (this.resolve === null || this.waking) return;
    this.waking = true;
    // Whoever does not wait is not kept alive.
    this.timer?.unref();
    if (alone) queueMicrotask(this.onWake);
    else setImmediate(this.onWake);
  }

  private readonly onWake = (): void => {
    const { resolve } = this;
    this.resolve = null;
    this.waking = false;
    resolve?.(this.waited());
  };

  private readonly onWait = (resolve: (value: number) => void): void => {
    this.resolve = resolve;
  };

  private setAlarm(timeout: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.alarm = performance.now() + timeout;
    this.timer = setTimeout(this.onAlarm, Math.min(timeout, MAX_DELAY));
  }

  private readonly onAlarm = (): void => {
    this.timer = null;
    if (this.resolve === null || this.waking) return;
    const left = this.deadline - performance.now();
    if (left < 1) this.wake(true);
    else this.setAlarm(left);
  };
}
