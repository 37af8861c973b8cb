// A pipe that nobody empties must not stop the server: Node waits when it writes to one. What does not fit is dropped.
import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** From now on writing to stderr does not wait, where it is a pipe that may be opened. */
export function neverWaitForStderr(): void {
  let fd: number;
  try {
    if (!fstatSync(2).isFIFO()) return;
    // Not the descriptor itself: who else has it expects that it waits.
    fd = openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  process.stderr.write = (text: string | Uint8Array): boolean => {
    try {
      writeSync(fd, typeof text === 'string' ? Buffer.from(text) : text);
      return true;
    } catch {
      return false; // it is full, or nobody is there to read
    }
  };
}
