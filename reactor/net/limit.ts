// How many sockets the system's limit of descriptors allows. Beyond it libuv accepts a client only to close the
// connection at once. So the calls that open a socket fail before that, and further clients wait.
import { readFileSync, readdirSync } from 'node:fs';

/** Descriptors for Node itself, connections that wait for accept, and the pipes to a new process (keeper.ts). */
const SPARE = 24;
/** Whatever the limit is: one listening socket, and one connection. */
const MIN_SOCKETS = 2;

/** How many more sockets we can open. Infinity if the system does not tell its limit. */
export function maxSockets(): number {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    if (soft === null) return Infinity;
    return Math.max(MIN_SOCKETS, Number(soft[1]) - readdirSync('/proc/self/fd').length - SPARE);
  } catch {
    return Infinity;
  }
}
