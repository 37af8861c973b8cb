// How many sockets the system's limit of descriptors lets us have. libuv accepts a client beyond it only to close the
// connection at once; so the calls that open a socket fail before that, and who comes then waits.
import { readFileSync, readdirSync } from 'node:fs';

/** Descriptors for Node's own needs, connections that wait for accept, and the pipes to a new process (keeper.ts). */
const SPARE = 24;
/** Whatever the limit is: one socket that listens, and one connection. */
const MIN_SOCKETS = 2;

/** As things are now: what is open already is not counted. Any number where the system does not tell. */
export function maxSockets(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    if (soft === null) return Infinity;
    return Math.max(MIN_SOCKETS, Number(soft[1]) - readdirSync('/proc/self/fd').length - SPARE);
  } catch {
    return Infinity;
  }
}
