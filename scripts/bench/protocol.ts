// Messages between the bench and its generator, a process of its own.
import type { Crowd } from './crowd';
import type { Measured } from './driver';

/** Tasks for the generator, one at a time. */
export interface Task {
  kind: 'store' | 'measure' | 'crowd';
  /** Its name; ignored for a crowd. */
  workload: string;
  seed: number;
  /** Dotted IPv4. */
  host: string;
  port: number;
  /** The server's, if it runs on this machine. */
  pid: number | null;
  warmUp: number;
  seconds: number;
}

export type Answer =
  /** `pause`: the longest of the generator's own garbage collector meanwhile, in milliseconds. */
  | { kind: 'measured'; measured: Measured; pause: number }
  | { kind: 'crowd'; crowd: Crowd }
  | { kind: 'failed'; message: string };
