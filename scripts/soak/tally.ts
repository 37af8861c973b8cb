// The observations of a soak's clients.
import { createHistogram } from 'node:perf_hooks';

/** This many wrong answers are reported in full; the others are only counted. */
const TOLD_MAX = 10;

export interface Seen {
  /** Commands that were answered. */
  operations: number;
  /** How many answers were wrong or missing, and descriptions of the first ones. */
  wrong: number;
  told: string[];
  /** In microseconds, from before the send of a batch to its complete answer. */
  latency: { p50: number; p999: number; max: number };
  /** The numbers of bad deeds of the rough clients, by name. */
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
