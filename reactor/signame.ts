// What Node calls a signal that the system knows by number.
import { constants } from 'node:os';

/** 'SIGTERM' for 15. Throws RangeError where there is no such signal. */
export function signame(sig: number): NodeJS.Signals {
  for (const [name, number] of Object.entries(constants.signals)) {
    if (number === sig) return name as NodeJS.Signals;
  }
  throw new RangeError(`no signal ${sig}`);
}
