// errno values out of Node's errors, whose own `errno` is libuv's number and differs from the system's on some platforms.
import { constants } from 'node:os';

const numbers = new Map<string, number>(Object.entries(constants.errno));

/** ECONNRESET for an error with code 'ECONNRESET'; EIO for what is no system error. */
export function errnoOf(error: NodeJS.ErrnoException): number {
  return numbers.get(error.code ?? '') ?? constants.errno.EIO;
}
