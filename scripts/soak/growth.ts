// Whether a figure grows without end. Memory goes up and down with the load and with the garbage collector, so the
// lows are compared.
import { median } from '../bench/statistics';

export interface Point {
  /** Seconds since the beginning. */
  at: number;
  value: number;
}

/** This share of the time is left out: caches fill, and code is compiled. */
const WARM_UP_SHARE = 0.3;
/** The rest is cut into this many pieces, and each gives its least value. */
const PIECES = 15;
/** This many pieces at the beginning and the end are compared. */
const COMPARED = 5;

export interface Growth {
  /** Medians of the least values at the beginning and at the end. */
  before: number;
  after: number;
  grows: boolean;
}

/** Growth is an increase by more than `share` of the old value plus `slack`. Null if there are too few points. */
export function growth(points: readonly Point[], share: number, slack: number): Growth | null {
  const last = points.at(-1)?.at ?? 0;
  const begin = last * WARM_UP_SHARE;
  const least = Array.from({ length: PIECES }, () => Infinity);
  for (const { at, value } of points) {
    if (at < begin) continue;
    const piece = Math.min(PIECES - 1, Math.floor(((at - begin) / (last - begin)) * PIECES));
    least[piece] = Math.min(least[piece], value);
  }
  if (least.includes(Infinity)) return null;
  const before = median(least.slice(0, COMPARED)), after = median(least.slice(-COMPARED));
  return { before, after, grows: after > before * (1 + share) + slack };
}
