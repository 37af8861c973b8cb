// The parts of <stdlib.h> that main needs, and BSD's strtonum.
import { isMainThread } from 'node:worker_threads';
import { Errx } from '../../reactor/err';
import { _exit } from './unistd';

/**
 * exit(3): calls the listeners of 'exit', then _exit(2). Node's own exit waits for its threads, in Node 24 sometimes
 * for ever. We use that only if _exit would lose something, or if we cannot call it.
 */
export function exit(status: number): never {
  if (isMainThread && !nodeHasWork()) process.once('exit', _exit); // the last listener, so the others have run
  process.exit(status);
}

/** Whether Node has something to do at exit: write coverage, a profile or a trace, or wait for a debugger. */
function nodeHasWork(): boolean {
  const { NODE_V8_COVERAGE = '', NODE_OPTIONS = '' } = process.env;
  const options = [NODE_OPTIONS, ...process.execArgv].join(' ');
  return NODE_V8_COVERAGE !== '' || /--(inspect|cpu-prof|heap-prof|prof|trace)/.test(options);
}

/**
 * strtonum(3): converts `nptr` to a whole number from `minval` to `maxval`. For anything else throws Errx, whose
 * message names `what` it should be, and adds `advice` if there is any.
 */
export function strtonum(what: string, nptr: string, minval: number, maxval: number, advice = ''): number {
  const value = /^[+-]?\d+$/.test(nptr) ? Number(nptr) : NaN;
  if (!(value >= minval && value <= maxval)) {
    throw new Errx(1, `illegal ${what}: ${nptr} (it is a number from ${minval} to ${maxval}${advice})`);
  }
  return value;
}
