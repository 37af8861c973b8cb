// How dispatch gives Node's own loop its turn, and how it waits: on promises, without a timer of its own for each turn.

const MAX_DELAY = 2 ** 31 - 1;

export class Waiting {
  private resolve: (() => void) | null = null;
  /** When to wake up at the latest, in milliseconds of performance.now(). */
  private deadline = 0;
  /** It goes off at `alarm` or before the deadline; most turns of the loop need not touch it. */
  private timer: NodeJS.Timeout | null = null;
  private alarm = 0;

  /** One turn of Node's loop. */
  turn(): Promise<void> {
    return new Promise(setImmediate);
  }

  /** Until wake() is called, or for `timeout` milliseconds. The process stays alive meanwhile. */
  wait(timeout: number): Promise<void> {
    this.deadline = performance.now() + timeout;
    if (this.timer === null || this.deadline < this.alarm) this.setAlarm(timeout);
    else this.timer.ref();
    return new Promise(this.onWait);
  }

  wake(): void {
    const { resolve } = this;
    if (resolve === null) return;
    this.resolve = null;
    // Whoever does not wait is not kept alive.
    this.timer?.unref();
    // Not at once: what else is ready in this turn of Node's loop comes with it.
    setImmediate(resolve);
  }

  private readonly onWait = (resolve: () => void): void => {
    this.resolve = resolve;
  };

  private setAlarm(timeout: number): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.alarm = performance.now() + timeout;
    this.timer = setTimeout(this.onAlarm, Math.min(timeout, MAX_DELAY));
  }

  private readonly onAlarm = (): void => {
    this.timer = null;
    if (this.resolve === null) return;
    const left = this.deadline - performance.now();
    if (left < 1) this.wake();
    else this.setAlarm(left);
  };
}
