// Simulated time: how much of it has passed, what the clock on the wall says, and what is to be done when.
import type { Timeval } from '../time';

const SECOND = 1e6;

interface Action {
  /** Microseconds since the start. */
  time: number;
  run: () => void;
}

/** Microseconds in `seconds`. */
export function microseconds(seconds: number): number {
  return Math.round(seconds * SECOND);
}

export class Clock {
  /** Microseconds since the start. Only ever grows, whatever the clock on the wall does. */
  elapsed = 0;
  /** What the clock on the wall said at the start, in microseconds since 1970. */
  private epoch: number;
  /** In the order of their times; those of the same time in the order in which they came. */
  private readonly actions: Action[] = [];

  constructor(startTime: number) {
    this.epoch = microseconds(startTime);
  }

  /** Seconds since 1970. */
  get now(): number {
    return (this.epoch + this.elapsed) / SECOND;
  }

  set(seconds: number): void {
    this.epoch = microseconds(seconds) - this.elapsed;
  }

  gettimeofday(tv: Timeval): void {
    const now = this.epoch + this.elapsed;
    tv.tvSec = Math.floor(now / SECOND);
    tv.tvUsec = now - tv.tvSec * SECOND;
  }

  /** Runs `fn` at `time`, in microseconds since the start, or as soon as may be. */
  at(time: number, run: () => void): void {
    let i = this.actions.length;
    while (i > 0 && this.actions[i - 1].time > time) i--;
    this.actions.splice(i, 0, { time, run });
  }

  /** When the next action is due, or Infinity. */
  get nextAction(): number {
    return this.actions.length > 0 ? this.actions[0].time : Infinity;
  }

  runDue(): void {
    while (this.nextAction <= this.elapsed) this.actions.shift()?.run();
  }

  /** Lets time pass up to `time`, with the actions that are due meanwhile. */
  passUntil(time: number): void {
    this.runDue();
    while (this.nextAction <= time) {
      this.elapsed = this.nextAction;
      this.runDue();
    }
    this.elapsed = Math.max(this.elapsed, time);
  }
}
