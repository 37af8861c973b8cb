// The interface of a model of the server: its inputs and predictions.
import type { Changing, Pattern } from './expected';
import type { Books, Op, Written } from './op';

/** An operation of a client, when the server does it. */
export interface Job {
  op: Op;
  written: Written;
  binary: boolean;
  /** A unique number; the opaque of the binary protocol. */
  serial: number;
  /** The item's expiry by the server's clock; the model keeps it until the data come. */
  exptime: number;
}

/** Observations that cannot be predicted, because chance or the environment decides. */
export interface Facts {
  /** The server's clock, in seconds: of 1.6 its own one, of 1.0.4 the wall clock. */
  now: number;
  /** The wall clock. */
  wall: number;
  /** There was no memory for an item, although others may have been evicted for it. */
  noMemory: boolean;
  /** Keys of items that were evicted for another. */
  evicted: readonly string[];
}

export interface Outcome {
  /** The reply; nothing for none. */
  reply: (string | Pattern | Changing)[];
  /** It waits for data. */
  waits: boolean;
  /** The connection is closed, once the reply is sent. */
  closes: boolean;
}

export interface World extends Books {
  /** An allocation has failed within a command, so counters may differ. */
  unsure: boolean;
  /** The command line was read. */
  line(job: Job, facts: Facts): Outcome;
  /** The data behind it were read, too. */
  data(job: Job, facts: Facts): Outcome;
  /** The server's clock says `now`: called often, since items expire by themselves. */
  sees(now: number): void;
  /** An item was evicted without a request. */
  evict(key: string): void;
  /** Null, or how the server's storage differs. `whole`: compares every byte of every value. */
  compare(now: number, whole: boolean): string | null;
}

export const SILENT: Outcome = { reply: [], waits: false, closes: false };
export const WAITS: Outcome = { reply: [], waits: true, closes: false };
export const CLOSES: Outcome = { reply: [], waits: false, closes: true };

export function answer(...reply: Outcome['reply']): Outcome {
  return { reply, waits: false, closes: false };
}

export function answerLine(line: string): Outcome {
  return answer(`${line}\r\n`);
}
