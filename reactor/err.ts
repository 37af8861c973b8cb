// errx(3) and warn(3), as a library may do them: errx throws, and the program says it and exits.
import { errno, strerror } from './errno.h';

/** A message for the user and an exit status; whoever runs the program prints the one and exits with the other. */
export class Errx extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
    this.name = 'Errx';
  }
}

export function errx(status: number, message: string): never {
  throw new Errx(status, message);
}

/** One line on stderr: the message, and what the current errno means. */
export function warn(message: string): void {
  process.stderr.write(`${message}: ${strerror(errno)}\n`);
}

/** assert(3): throws where a condition that the code relies on does not hold. */
export function assert(condition: boolean): asserts condition {
  if (!condition) throw new Error('assertion failed');
}
