// Timeouts of the same number of seconds. The timeouts of event_add follow the wall clock, as in the libevent of 2003,
// so they come early or late when the clock is set. These follow the monotonic clock. They are in no queue of the event
// loop: the economy shortens the loop's wait, and calls expire() as each turn ends.
import type { Syscalls } from '../syscalls.h';

export class Interval<T> {
  /** When each is due, by the monotonic clock. In this order, because all wait equally long. */
  private readonly due = new Map<T, number>();

  /** `onDue` is called once for each that has waited `seconds`. */
  constructor(
    private readonly clock: Pick<Syscalls, 'monotonic'>,
    private readonly seconds: number,
    private readonly onDue: (waiter: T) => void,
  ) {}

  /** `waiter` waits from now on, or once more from the beginning. */
  begin(waiter: T): void {
    this.due.delete(waiter);
    this.due.set(waiter, this.clock.monotonic() + this.seconds);
  }

  /** `waiter` does not wait any more. */
  end(waiter: T): void {
    this.due.delete(waiter);
  }

  /** How many seconds from now the first is due; 0 if that has passed, Infinity if there is none. */
  get left(): number {
    for (const time of this.due.values()) return Math.max(0, time - this.clock.monotonic());
    return Infinity;
  }

  /** Calls `onDue` for all that are due. */
  expire(): void {
    if (this.due.size === 0) return;
    const now = this.clock.monotonic();
    for (const [waiter, time] of this.due) {
      if (time > now) return;
      this.due.delete(waiter);
      this.onDue(waiter);
    }
  }
}
