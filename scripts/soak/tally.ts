// What the clients of a soak have seen.
import { createHistogram } from 'node:perf_hooks';

/** Wrong answers that are told in full; the others are counted. */
const TOLD_MAX = 10;

export interface Seen {
  /** Commands that were answered. */
  operations: number;
  /** How many answers were wrong, or missing, and what was wrong with the first of them. */
  wrong: number;
  told: string[];
  /** In microseconds, from before a batch is sent until its answer is there. */
  latency: { p50: number; p999: number; max: number };
  /** What the clients that behave badly have done, by its name. */
  deeds: Record<string, number>;
}

export class Tally {
  private operations = 0;
  private wrongs = 0;
  private readonly told: string[] = [];
  private readonly deeds: Record<string, number> = {};
  private readonly histogram = createHistogram();

  answered(operations: number): void {
    this.operations += operations;
  }

  took(milliseconds: number): void {
    this.histogram.record(Math.max(1, Math.round(milliseconds * 1e6)));
  }

  wrong(what: string): void {
    this.wrongs++;
    if (this.told.length < TOLD_MAX) this.told.push(what);
  }

  get isWrong(): boolean {
    return this.wrongs > 0;
  }

  did(deed: string): void {
    this.deeds[deed] = (this.deeds[deed] ?? 0) + 1;
  }

  get seen(): Seen {
    const { histogram } = this;
    const micros = (percentile: number): number => histogram.percentile(percentile) / 1000;
    return {
      operations: this.operations, wrong: this.wrongs, told: this.told, deeds: this.deeds,
      latency: { p50: micros(50), p999: micros(99.9), max: histogram.max / 1000 },
    };
  }
}
