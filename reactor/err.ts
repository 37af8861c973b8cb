// errx(3) and warn(3) for a library: errx throws, and the program prints the message and exits.
import { errno, strerror } from './errno.h';

/** A message for the user and an exit status. The program prints the message and exits with the status. */
export class Errx extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
    this.name = 'Errx';
  }
}

export function errx(status: number, message: string): never {
  throw new Errx(status, message);
}

/** Prints one line on stderr: the message, and what errno means. */
export function warn(message: string): void {
  process.stderr.write(`${message}: ${strerror(errno)}\n`);
}

/** assert(3): throws if a condition that the code relies on does not hold. */
export function assert(condition: boolean): asserts condition {
  if (!condition) throw new Error('assertion failed');
}
