// Finds the step for a link that names a place in the code, so that the link outlives changes of scene and code.
import type { Trace } from './trace';

/**
 * The step at which a run comes to a place for the `nth` time, from 1: to a function (`driveMachine`), or to a case of
 * its switch over states (`driveMachine:mwrite`). Null if it does so fewer times.
 */
export function stepAt(trace: Trace, place: string, nth = 1): number | null {
  const [name, state] = place.split(':') as [string, string | undefined];
  const isThere = (n: number): boolean => {
    const { fn, site } = trace.steps[n];
    return trace.functions[fn] === name && (state === undefined || isIn(trace.sites[site].label, state));
  };
  let times = 0;
  for (let n = 0; n < trace.steps.length; n++) {
    if (isThere(n) && !(n > 0 && isThere(n - 1)) && ++times === nth) return n;
  }
  return null;
}

/** `label`: the cases around a statement, outermost first. */
function isIn(label: string, state: string): boolean {
  return label.split('/')[0].split(/\W+/).includes(state);
}
