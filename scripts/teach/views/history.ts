// What a run has had up to a step: edges of the state diagram, system calls, and whose connection was in hand.
import type { SystemCall, Trace } from '../trace';
import type { StateName } from './moment';
import { STATES } from './moment';

export interface Edge {
  /** The step that shows the new state. */
  step: number;
  /** Id of the connection. */
  conn: string;
  /** Null where the connection begins. */
  from: StateName | null;
  to: StateName;
}

export interface MadeCall {
  step: number;
  call: SystemCall;
}

export interface History {
  edges: readonly Edge[];
  calls: readonly MadeCall[];
  /** By step: the connection that was last in hand; null before there is one. */
  inHand: readonly (string | null)[];
}

const histories = new WeakMap<Trace, History>();

/** Of the whole run; made once. */
export function history(trace: Trace): History {
  const known = histories.get(trace);
  if (known !== undefined) return known;
  const made = read(trace);
  histories.set(trace, made);
  return made;
}

/** How many of them there are up to step `n`; they are in the order of their steps. */
export function upTo(entries: readonly { step: number }[], n: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (entries[middle].step <= n) low = middle + 1;
    else high = middle;
  }
  return low;
}

function read({ steps }: Trace): History {
  const edges: Edge[] = [];
  const calls: MadeCall[] = [];
  const inHand: (string | null)[] = [];
  const states = new Map<string, StateName>();
  const byDescriptor = new Map<number, string>();
  let current: string | null = null;

  steps.forEach(({ set, calls: made, locals }, step) => {
    for (const call of made ?? []) calls.push({ step, call });
    for (const [path, value] of Object.entries(set ?? {})) {
      const [kind, id, field] = path.split('.');
      if (kind !== 'conn' || field === undefined) continue;
      if (field === 'sfd' && typeof value === 'number') byDescriptor.set(value, id);
      if (field === 'sfd' && value === null) states.delete(id);
      if (field !== 'state' || typeof value !== 'number') continue;
      const to = STATES[value] ?? 'closing';
      const from = states.get(id) ?? null;
      states.set(id, to);
      if (from !== to) edges.push({ step, conn: id, from, to });
    }
    // The machine's own name for it is c; a changed field says nothing of whose turn it is.
    const descriptor = /^conn fd (\d+)/.exec(locals?.['c'] ?? '')?.[1];
    if (descriptor !== undefined) current = byDescriptor.get(Number(descriptor)) ?? current;
    inHand.push(current);
  });
  return { edges, calls, inHand };
}
