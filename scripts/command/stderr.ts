// A full pipe that is not read must not block the server, as Node's writes would. Text that does not fit is dropped.
import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** From now on writing to stderr does not block, if it is a pipe that can be opened. */
export function neverWaitForStderr(): void {
  let fd: number;
  try {
    if (!fstatSync(2).isFIFO()) return;
    // Opens it anew: O_NONBLOCK on descriptor 2 would affect other processes that share it.
    fd = openSync('/proc/self/fd/2', constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return;
  }
  process.stderr.write = (text: string | Uint8Array): boolean => {
    try {
      writeSync(fd, typeof text === 'string' ? Buffer.from(text) : text);
      return true;
    } catch {
      return false; // the pipe is full, or has no reader
    }
  };
}
