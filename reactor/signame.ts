// Converts the number of a signal to Node's name for it.
import { constants } from 'node:os';

/** 'SIGTERM' for 15. Throws RangeError if there is no such signal. */
export function signame(sig: number): NodeJS.Signals {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (number === sig) return name as NodeJS.Signals;
  }
  throw new RangeError(`no signal ${sig}`);
}
