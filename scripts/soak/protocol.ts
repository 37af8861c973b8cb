// What the soak and its clients, a process of their own, say to each other.
import type { Seen } from './tally';

export interface Orders {
  port: number;
  seed: number;
  seconds: number;
}

export interface Outcome {
  seen: Seen;
  /** The longest pause of the clients' own process, in milliseconds: no answer is told to have come sooner. */
  pause: number;
}
