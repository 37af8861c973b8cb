// Seeded random numbers, so that a run can be repeated: a generator, a shuffle, and Zipf's distribution.

/** Numbers from 0 to below 1. */
export type Random = () => number;

/** Mulberry32: 32 bits of state, good enough to choose keys with. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 to below `n`. */
export function below(random: Random, n: number): number {
  return Math.floor(random() * n);
}

/** 0 to `n` - 1 in random order (Fisher and Yates). */
export function shuffled(random: Random, n: number): Uint32Array {
  const all = Uint32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = below(random, i + 1);
    [all[i], all[j]] = [all[j], all[i]];
  }
  return all;
}

/** Draws ranks from 0 to `n` - 1, rank r with a probability in proportion to 1 / (r + 1) ** exponent. */
export function zipf(random: Random, n: number, exponent: number): () => number {
  const cumulative = new Float64Array(n);
  let sum = 0;
  for (let rank = 0; rank < n; rank++) {
    sum += 1 / (rank + 1) ** exponent;
    cumulative[rank] = sum;
  }
  return () => {
    const drawn = random() * sum;
    // Finds the first rank whose cumulative weight is above `drawn`.
    let low = 0, high = n - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (cumulative[middle] > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
