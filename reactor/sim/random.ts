// Pseudo-random numbers by seed, with mulberry32: small, fast, and good enough to choose what goes wrong.

export class Random {
  private state: number;

  /** Only the lowest 32 bits of `seed` count. */
  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** 0 to 2^32 - 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 to `n` - 1. */
  int(n: number): number {
    return Math.floor((this.next() / 2 ** 32) * n);
  }

  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.next() < probability * 2 ** 32;
  }

  /** One of `values`, which must not be empty. */
  pick<T>(values: readonly T[]): T {
    return values[this.int(values.length)];
  }

  /** Shuffles in place. */
  shuffle(values: unknown[]): void {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [values[i], values[j]] = [values[j], values[i]];
    }
  }

  /** A generator with a sequence of its own, so that one part's draws do not change another's. */
  fork(): Random {
    return new Random(this.next());
  }
}
