// Follows a run: its acts, sent bytes and processed commands.
import type { CallRecord } from '../../reactor/sim';
import type { Guest } from './guest';
import type { Act } from './plan';
import type { Job } from './world';

export interface Telling {
  act(number: number, act: Act): void;
  /** A client has sent these bytes, in latin1. */
  sends(client: string, text: string): void;
  /** The server has processed a line of a client, or the data behind one. */
  did(client: string, phase: 'line' | 'data', job: Job): void;
  /** The system calls since the last time, and the seconds since the start. */
  rests(calls: readonly CallRecord[], elapsed: number): void;
  /** The client's log has the bytes that it has received since the last time. */
  receives(guest: Guest): void;
}
