// <stdlib.h>, as far as main needs it, and BSD's strtonum.
import { isMainThread } from 'node:worker_threads';
import { Errx } from '../../reactor/err';
import { _exit } from './unistd';

/**
 * As exit(3): calls the listeners of 'exit', then _exit(2). Node's own way out waits for its threads, and in Node 24 it
 * sometimes waits for ever. It is taken only where _exit would lose something, or cannot be called.
 */
export function exit(status: number): never {
  if (isMainThread && !nodeHasWork()) process.once('exit', _exit); // the last listener, so the others have run
  process.exit(status);
}

/** Whether Node has something to do at its end: to write coverage, a profile or a trace, or to wait for a debugger. */
function nodeHasWork(): boolean {
  const { NODE_V8_COVERAGE = '', NODE_OPTIONS = '' } = process.env;
  const options = [NODE_OPTIONS, ...process.execArgv].join(' ');
  return NODE_V8_COVERAGE !== '' || /--(inspect|cpu-prof|heap-prof|prof|trace)/.test(options);
}

/**
 * As strtonum(3): the whole number that `nptr` is, from `minval` to `maxval`. Throws Errx, which names `what` it was to
 * be, for anything else, with `advice` where there is some.
 */
export function strtonum(what: string, nptr: string, minval: number, maxval: number, advice = ''): number {
  const value = /^[+-]?\d+$/.test(nptr) ? Number(nptr) : NaN;
  if (!(value >= minval && value <= maxval)) {
    throw new Errx(1, `illegal ${what}: ${nptr} (it is a number from ${minval} to ${maxval}${advice})`);
  }
  return value;
}
