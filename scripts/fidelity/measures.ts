// How alike a function and its port are, in three numbers from 0 to 1, and the sums for files and groups.

export interface Totals {
  cTokens: number;
  tsTokens: number;
  /** Length of their longest common subsequence. */
  common: number;
  /** Tokens of the longer one; in a sum, of the longer one of each function. */
  longer: number;
  /** Lines of the port, and how many of them have their C line. */
  lines: number;
  counterparts: number;
}

export interface Measures {
  /** 2 * LCS / (a + b): new tokens make up for missing ones. */
  mean: number;
  /** LCS / max(a, b): they do not. */
  max: number;
  /** The share of the port's lines that have their C line. */
  lines: number;
}

export function measure({ cTokens, tsTokens, common, longer, lines, counterparts }: Totals): Measures {
  return { mean: share(2 * common, cTokens + tsTokens), max: share(common, longer), lines: share(counterparts, lines) };
}

/** Two that are empty are alike. */
function share(part: number, whole: number): number {
  return whole === 0 ? 1 : part / whole;
}

export function sum(parts: readonly Totals[]): Totals {
  const total: Totals = { cTokens: 0, tsTokens: 0, common: 0, longer: 0, lines: 0, counterparts: 0 };
  for (const part of parts) {
    total.cTokens += part.cTokens;
    total.tsTokens += part.tsTokens;
    total.common += part.common;
    total.longer += part.longer;
    total.lines += part.lines;
    total.counterparts += part.counterparts;
  }
  return total;
}
