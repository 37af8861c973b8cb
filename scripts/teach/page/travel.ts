// Kinds of steps, and where each leads.
import type { Trace } from '../trace';
import { nextStep } from '../steps';
import type { StepKind } from '../steps';
import { history } from '../views/history';
import type { Question } from './quiz';

export type Kind = StepKind;

export const KINDS: readonly { name: Kind; title: string; key: string; about: string }[] = [
  { name: 'change', title: 'change', key: 'c', about: 'to the next statement that changed something' },
  { name: 'statement', title: 'statement', key: 't', about: 'to the next statement' },
  { name: 'state', title: 'state', key: 's', about: 'to the next change of a connection’s state' },
  { name: 'event', title: 'event', key: 'e', about: 'to the next event of the loop' },
  { name: 'call', title: 'system call', key: 'k', about: 'to the next system call' },
  { name: 'out', title: 'out', key: 'o', about: 'out of the function' },
];

/** At the last of its kind, to the end of the run. */
export function travel(trace: Trace, n: number, kind: Kind, direction: 1 | -1): number {
  return nextStep(trace, n, kind, direction) ?? (direction === 1 ? trace.steps.length - 1 : 0);
}

/** The first step after `n`, up to `target`, that has another state; null where there is none. */
export function nextEdge(trace: Trace, n: number, target: number): number | null {
  return history(trace).edges.find(({ step, from }) => step > n && step <= target && from !== null)?.step ?? null;
}

export function questionAt(_trace: Trace, edge: number): Question {
  return { text: `What comes next? ${edge}`, answers: ['read', 'write', 'nread'], right: 'read', why: 'because' };
}
