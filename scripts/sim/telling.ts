// Who follows a run: what is done, sent and worked off.
import type { CallRecord } from '../../reactor/sim';
import type { Guest } from './guest';
import type { Act } from './plan';
import type { Job } from './world';

export interface Telling {
  act(number: number, act: Act): void;
  /** A client has sent these bytes, in latin1. */
  sends(client: string, text: string): void;
  /** The server has worked off a line of a client, or the data behind one. */
  did(client: string, phase: 'line' | 'data', job: Job): void;
  /** The system calls since the last time, and how late it is: seconds since the start. */
  rests(calls: readonly CallRecord[], elapsed: number): void;
  /** What a client has received since it was asked last is in its log. */
  receives(guest: Guest): void;
}
