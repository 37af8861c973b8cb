// A sentence for each step: what has just happened and why, or if nothing visible has, what is about to run.
import { actSentence } from './narration/acts';
import { callSentence } from './narration/calls';
import { changeSentences } from './narration/changes';
import { purpose } from './narration/functions';
import { memorySentences } from './narration/memory';
import { statementSentence } from './narration/statements';
import { stateAt } from './state';
import { isAct } from './steps';
import type { Trace } from './trace';

export interface Narration {
  /** The changes since the step before, the most important first; empty if there are none. */
  happened: string[];
  /** The statement that is about to run. */
  next: string;
  /** The purpose of the function, or of the case in its switch. */
  purpose: string;
}

export function narration(trace: Trace, n: number): Narration {
  const before = n === 0 ? null : stateAt(trace, n - 1);
  const after = stateAt(trace, n);
  const step = trace.steps[n];
  const site = trace.sites[step.site];
  const next = statementSentence(trace, n, after);
  const fn = trace.functions[step.fn];
  const told = { next, purpose: `${fn}: ${purpose(fn, site.label) ?? ''}.` };
  if (isAct(trace, n)) return { ...told, happened: [actSentence(trace.scene.acts[step.act])] };
  if (before === null) return { ...told, happened: [beginning(trace)] };
  const by = trace.functions[trace.steps[n - 1].fn];
  const changed = changeSentences(step.set ?? {}, before, after, by);
  const seen = [...(step.calls ?? []).map(callSentence), ...changed];
  return { ...told, happened: seen.length > 0 ? [...new Set(seen)] : memorySentences(step, after) };
}

/** One text: what has happened, or else what is about to. */
export function narrate(trace: Trace, n: number): string {
  const { happened, next } = narration(trace, n);
  return happened.length > 0 ? happened.join(' ') : next;
}

function beginning({ scene }: Trace): string {
  if (scene.fromStart === true) return 'The server starts: main is called with the words of its command line.';
  return 'The server is ready, and sleeps in epoll_wait. It is woken by a client, or by its timer.';
}
