// What the bench and its generator, a process of its own, say to each other.
import type { Crowd } from './crowd';
import type { Measured } from './driver';

/** What the generator is to do, one after the other. */
export interface Task {
  kind: 'store' | 'measure' | 'crowd';
  /** By name; of a crowd it does not matter. */
  workload: string;
  seed: number;
  /** Dotted IPv4. */
  host: string;
  port: number;
  /** Of the server, where it is on this machine. */
  pid: number | null;
  warmUp: number;
  seconds: number;
}

export type Answer =
  /** `pause`: the longest of the generator's own garbage collector meanwhile, in milliseconds. */
  | { kind: 'measured'; measured: Measured; pause: number }
  | { kind: 'crowd'; crowd: Crowd }
  | { kind: 'failed'; message: string };
