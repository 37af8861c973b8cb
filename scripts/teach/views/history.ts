// The history of a run: its system calls, and the connection in hand at each step.
import type { SystemCall, Trace } from '../trace';

export interface MadeCall {
  step: number;
  call: SystemCall;
}

export interface History {
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

/** The number of entries up to step `n`; the entries are in the order of their steps. */
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
  const calls: MadeCall[] = [];
  const inHand: (string | null)[] = [];
  const byDescriptor = new Map<number, string>();
  let current: string | null = null;

  steps.forEach(({ set, calls: made, locals }, step) => {
    for (const call of made ?? []) calls.push({ step, call });
    for (const [path, value] of Object.entries(set ?? {})) {
      const id = /^conn\.(\d+)\.sfd$/.exec(path)?.[1];
      if (id !== undefined && typeof value === 'number') byDescriptor.set(value, id);
    }
    // driveMachine's variable for it is c; a changed field does not tell whose turn it is.
    const descriptor = /^conn fd (\d+)/.exec(locals?.['c'] ?? '')?.[1];
    if (descriptor !== undefined) current = byDescriptor.get(Number(descriptor)) ?? current;
    inHand.push(current);
  });
  return { calls, inHand };
}
