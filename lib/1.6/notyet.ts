// Options of memcached 1.6 that this server does not serve yet. To serve one, take it out of the set: usage.ts then
// prints its lines, and checks.ts accepts it.
import type { Settings } from './settings';

export const NOT_YET: ReadonlySet<string> = new Set(['o sock_cookie_id']);

/** The message about an option that was asked for and is not served yet, or null. */
export function notYet(s: Settings): string | null {
  const asked: Record<string, boolean> = {
    'o sock_cookie_id': s.sockCookieId !== 0,
  };
  const unserved = [...NOT_YET].find((option) => asked[option]);
  return unserved === undefined ? null : `-${unserved} is not yet served`;
}
