// The result of a soak. Times are in microseconds, memory in bytes.
import type { Growth, Point } from './growth';
import type { Seen } from './tally';

export interface ServerResult {
  server: string;
  seconds: number;
  /** The observations of its clients. */
  seen: Seen;
  /** The longest pause of the clients' own process. */
  clientsPause: number;
  load: Load;
  /** Over time. Empty if unknown. */
  resident: Point[];
  heap: Point[];
  descriptors: Point[];
  /** After the clients have left. */
  descriptorsLeft: number | null;
  /** The longest pause of its garbage collector; null for a server without one. */
  pause: number | null;
  /** By figure. Null if unknown, as after a short run. */
  growth: Record<'resident memory' | 'heap' | 'descriptors', Growth | null>;
}

/** The total of the bench's generator, which runs beside the clients. */
export interface Load {
  operations: number;
  /** The greatest of all. */
  max: number;
  /** The error, or null. */
  failed: string | null;
}

/** Why a soak has failed, a line for each reason. */
export function failures({ server, seen, load, growth }: ServerResult): string[] {
  const lines = seen.told.map((told) => `${server}: wrong answer: ${told}`);
  if (load.failed !== null) lines.push(`${server}: ${load.failed}`);
  for (const [what, found] of Object.entries(growth)) {
    if (found?.grows === true) lines.push(`${server}: ${what} grew from ${found.before} to ${found.after}`);
  }
  return lines;
}
