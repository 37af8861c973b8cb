// <stdlib.h>, as far as main needs it, and BSD's strtonum.
import { Errx } from '../../reactor/err';

export function exit(status: number): never {
  process.exit(status);
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
