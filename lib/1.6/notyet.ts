// Options of memcached 1.6 that this server does not serve yet. To serve one, take its letter away: usage.ts prints its
// lines, and checks.ts lets it pass.
import type { Settings } from './settings';

export const NOT_YET: ReadonlySet<string> = new Set(['U', 'S', 'Y', 'e']);

/** The message about an option that was asked for and is not served yet, or null. */
export function notYet(s: Settings): string | null {
  const asked: Record<string, boolean> = {
    U: s.udpport !== 0,
    S: s.sasl,
    Y: s.authFile !== null,
    e: s.memoryFile !== null,
  };
  const letter = [...NOT_YET].find((option) => asked[option]);
  return letter === undefined ? null : `-${letter} is not yet served`;
}
