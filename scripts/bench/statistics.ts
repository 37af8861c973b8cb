// Medians, spreads, and ratios of the rounds' measurements.

export interface Spread {
  median: number;
  min: number;
  max: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** The ratio of the medians, and the least and greatest ratio within one round. */
export function ratio(values: readonly number[], base: readonly number[]): Spread {
  const paired = values.map((value, round) => value / base[round]);
  return { median: median(values) / median(base), min: Math.min(...paired), max: Math.max(...paired) };
}

/** The median of the known values; null if none is known. */
export function medianKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : median(known);
}
