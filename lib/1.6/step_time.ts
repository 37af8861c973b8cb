// Limits how long a step of the LRU maintainer, the LRU crawler or the page mover takes, because requests wait for it.
// The three also count their work; but in a server's first seconds, until V8 has compiled the code, the same work takes
// ten times as long.
import { monotonic } from '../../reactor/syscalls';

/** Seconds. */
const STEP_TIME = 0.0005;

let end = 0;

/** Call it at the start of a step. */
export function beginStep(): void {
  end = monotonic() + STEP_TIME;
}

/** Whether the rest has to wait for the next step. */
export function stepIsOver(): boolean {
  return monotonic() >= end;
}
