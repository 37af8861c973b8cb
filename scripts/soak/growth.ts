// Whether something grows without end. Memory goes up and down with what is asked for, and with the garbage collector,
// so what counts is how far it comes down.
import { median } from '../bench/statistics';

export interface Point {
  /** Seconds since the beginning. */
  at: number;
  value: number;
}

/** Of the time, what is left out: caches fill, and code is compiled. */
const WARM_UP_SHARE = 0.3;
/** The rest is cut into pieces, and of each the least value is taken. */
const PIECES = 15;
/** The first and the last of them are compared. */
const COMPARED = 5;

export interface Growth {
  /** Medians of the least values at the beginning and at the end. */
  before: number;
  after: number;
  grows: boolean;
}

/** More than `share` of what there was and `slack` is growth. Null where there are too few points to tell. */
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
