// Kinds of steps, and where each leads.
import type { Trace } from '../trace';
import { questions } from '../edges';
import type { Question } from '../edges';
import { nextStep } from '../steps';
import type { StepKind } from '../steps';

export type Kind = StepKind;

export const KINDS: readonly { name: Kind; title: string; key: string; about: string }[] = [
  { name: 'change', title: 'change', key: 'c', about: 'to the next statement that changed something' },
  { name: 'statement', title: 'statement', key: 't', about: 'to the next statement' },
  { name: 'state', title: 'state', key: 's', about: 'to the next change of a connection’s state' },
  { name: 'event', title: 'event', key: 'e', about: 'to the next event of the loop' },
  { name: 'call', title: 'system call', key: 'k', about: 'to the next system call' },
  { name: 'out', title: 'out', key: 'o', about: 'out of the function' },
];

/** The next step of a kind; after the last one, the end of the run. */
export function travel(trace: Trace, n: number, kind: Kind, direction: 1 | -1): number {
  return nextStep(trace, n, kind, direction) ?? (direction === 1 ? trace.steps.length - 1 : 0);
}

/** The first question on the way from `n` to `target`; null if there is none. */
export function questionOnTheWay(trace: Trace, n: number, target: number): Question | null {
  return questions(trace).find(({ step }) => step > n && step <= target) ?? null;
}
