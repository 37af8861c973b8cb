// How much a run tests of endless possibilities: seeds, and each behaviour on each kind of server.
import { backends, kinds } from './server';

/** Whether THOROUGH=1 is set, as in the gate's last run. */
export const thorough = process.env['THOROUGH'] === '1';

/** The kinds of server to test for behaviour that hardly differs between them. */
export const kindsToTry = kinds.slice(0, thorough ? kinds.length : 1);

/** The backends, likewise. */
export const backendsToTry = backends.slice(0, thorough ? backends.length : 1);

/** In a usual run `count` of them (two at least), in even steps from the first to the last; all in a thorough one. */
export function someOf<T>(all: readonly T[], count: number): T[] {
  if (thorough || all.length <= count) return [...all];
  return Array.from({ length: count }, (_, i) => all[Math.round(i * (all.length - 1) / (count - 1))]);
}

/** `some` in a usual run, `all` in a thorough one. */
export function upTo(some: number, all: number): number {
  return thorough ? all : some;
}
