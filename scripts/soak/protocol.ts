// Messages between the soak and its clients, a process of their own.
import type { Seen } from './tally';

export interface Orders {
  port: number;
  seed: number;
  seconds: number;
}

export interface Outcome {
  seen: Seen;
  /** The longest pause of the clients' own process, in milliseconds: a measured latency may include it. */
  pause: number;
}
