// How dispatch gives Node's own loop its turn, and how it waits: on promises, without a timer of its own for each turn.

const MAX_DELAY = 2 ** 31 - 1;

type Resolve = (value: number | Promise<number>) => void;

export class Waiting {
  private resolve: Resolve | null = null;
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
    return new Promise((resolve) => setImmediate(() => this.settle(resolve)));
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
    if (resolve !== null) this.settle(resolve);
  };

  private readonly onWait = (resolve: Resolve): void => {
    this.resolve = resolve;
  };

  /** What `waited` throws is thrown by who waits: nobody above us here would know what to do with it. */
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
    this.timer = setTimeout(this.onAlarm, Math.min(timeout, MAX_DELAY));
  }

  private readonly onAlarm = (): void => {
    this.timer = null;
    if (this.resolve === null || this.waking) return;
    const left = this.deadline - performance.now();
    // What came while Node was busy is read in this turn, and comes before the timeout.
    if (left < 1) this.wake(false);
    else this.setAlarm(left);
  };
}
