// Gets errno values from Node's errors. Their own `errno` is libuv's number, which differs on some platforms.
import { constants } from 'node:os';

const numbers = new Map<string, number>(Object.entries(constants.errno));

/** ECONNRESET for an error with code 'ECONNRESET'; EIO if it is no system error. */
export function errnoOf(error: NodeJS.ErrnoException): number {
  return numbers.get(error.code ?? '') ?? constants.errno.EIO;
}
