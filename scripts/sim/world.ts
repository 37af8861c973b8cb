// What a model of the server is told, and what it has to say.
import type { Changing, Pattern } from './expected';
import type { Books, Op, Written } from './op';

/** An operation of a client, when the server does it. */
export interface Job {
  op: Op;
  written: Written;
  binary: boolean;
  /** A number of its own; the opaque of the binary protocol. */
  serial: number;
  /** When its item is to expire, by the server's clock; the model notes it while the data are still to come. */
  exptime: number;
}

/** What cannot be predicted, because chance or the environment decides. All of it was seen as it happened. */
export interface Facts {
  /** The server's clock, in seconds: of 1.6 its own one, of 1.0.4 the wall clock. */
  now: number;
  /** The wall clock. */
  wall: number;
  /** There was no memory for an item, although others may have gone for it. */
  noMemory: boolean;
  /** Keys of items that had to go for another. */
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
  /** Memory has failed within a command: what is counted may be otherwise. */
  unsure: boolean;
  /** The command line was read. */
  line(job: Job, facts: Facts): Outcome;
  /** The data behind it, too. */
  data(job: Job, facts: Facts): Outcome;
  /** An item had to go, although no client asked for anything. */
  evict(key: string): void;
  /** Null, or what the server has otherwise than it should. `whole`: every byte of every value is looked at. */
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
