// Simulated time: how much has passed, what the wall clock says, and which actions are due when.
import type { Timeval } from '../time';

const SECOND_US = 1e6;

interface Action {
  /** Microseconds since the start. */
  time: number;
  run: () => void;
}

/** Microseconds in `seconds`. */
export function microseconds(seconds: number): number {
  return Math.round(seconds * SECOND_US);
}

export class Clock {
  /** Microseconds since the start. It only grows, whatever the wall clock does. */
  elapsed = 0;
  /** Microseconds that pass before each look() at the time: what the program does takes none otherwise. */
  workTime = 0;
  /** What the wall clock said at the start, in microseconds since 1970. */
  private epoch: number;
  /** Sorted by time; actions of the same time stay in the order of their at() calls. */
  private readonly actions: Action[] = [];

  constructor(startTime: number) {
    this.epoch = microseconds(startTime);
  }

  /** Seconds since 1970. */
  get now(): number {
    return (this.epoch + this.elapsed) / SECOND_US;
  }

  set(seconds: number): void {
    this.epoch = microseconds(seconds) - this.elapsed;
  }

  /** Seconds since the start. */
  look(): number {
    this.elapsed += this.workTime;
    return this.elapsed / SECOND_US;
  }

  gettimeofday(tv: Timeval): void {
    const now = this.epoch + this.elapsed;
    tv.tvSec = Math.floor(now / SECOND_US);
    tv.tvUsec = now - tv.tvSec * SECOND_US;
  }

  /** Runs `run` at `time`, in microseconds since the start, or as soon as possible. */
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

  /** Lets time pass up to `time`, and runs the actions that are due meanwhile. */
  passUntil(time: number): void {
    this.runDue();
    while (this.nextAction <= time) {
      this.elapsed = this.nextAction;
      this.runDue();
    }
    this.elapsed = Math.max(this.elapsed, time);
  }
}
