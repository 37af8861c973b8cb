// <stdlib.h>, as far as main needs it, and BSD's strtonum.

export function exit(status: number): never {
  process.exit(status);
}

/** strtonum(3): the whole number that `nptr` is, if it is one from `minval` to `maxval`; null otherwise. */
export function strtonum(nptr: string, minval: number, maxval: number): number | null {
  if (!/^[+-]?\d+$/.test(nptr)) return null;
  const value = Number(nptr);
  return value >= minval && value <= maxval ? value : null;
}
