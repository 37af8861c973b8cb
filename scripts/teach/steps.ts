// The stops in a trace: the kinds of steps, forward and back, and the step that caused a value or a state.
import { edgesTaken } from './edges';
import { stateAt } from './state';
import type { Step, Trace } from './trace';

export const KINDS = ['change', 'statement', 'state', 'event', 'call', 'act', 'over', 'out'] as const;

/**
 * change, the default: something visible is different; statement: each; state: a connection is in another state;
 * event: the loop turns, or a callback begins; call: a system call has returned; act: an outside event; over: the
 * next statement here, or further out; out: back in the caller.
 */
export type StepKind = (typeof KINDS)[number];

/** Changes of these alone are no reason to stop. */
const QUIET = /^(clock|loop\.phase)/;

const stopsOf = new WeakMap<Trace, Map<StepKind, readonly number[]>>();

/** All steps of a kind that does not depend on the current step, in order. */
export function stops(trace: Trace, kind: Exclude<StepKind, 'over' | 'out'>): readonly number[] {
  const known = stopsOf.get(trace) ?? new Map<StepKind, readonly number[]>();
  stopsOf.set(trace, known);
  const found = known.get(kind) ?? (kind === 'state' ? [...new Set(edgesTaken(trace).map(({ step }) => step))]
    : trace.steps.flatMap((_, n) => (isStop(trace, n, kind) ? [n] : [])));
  known.set(kind, found);
  return found;
}

/** The next step of a kind after `n`, or the one before it with direction -1; null if there is none. */
export function nextStep(trace: Trace, n: number, kind: StepKind, direction: 1 | -1): number | null {
  if (kind === 'over' || kind === 'out') return nextByDepth(trace, n, depth(trace, n) - (kind === 'out' ? 1 : 0), direction);
  const list = stops(trace, kind);
  const found = direction === 1 ? list.find((m) => m > n) : list.findLast((m) => m < n);
  return found ?? null;
}

/** Whether an act has just happened: the server has not run since the step before. */
export function isAct({ steps }: Trace, n: number): boolean {
  return steps[n].act !== (n === 0 ? -1 : steps[n - 1].act);
}

function isStop(trace: Trace, n: number, kind: StepKind): boolean {
  const step = trace.steps[n];
  switch (kind) {
    case 'change': return n === 0 || isAct(trace, n) || changes(step);
    case 'event': return n > 0 && ('loop.turn' in (step.set ?? {}) || beginsCallback(trace, n));
    case 'call': return step.calls !== undefined;
    case 'act': return isAct(trace, n);
    default: return true;
  }
}

function changes(step: Step): boolean {
  return step.mem !== undefined || step.calls !== undefined || paths(step).some((path) => !QUIET.test(path));
}

function paths({ set }: Step): string[] {
  return Object.keys(set ?? {});
}

const CALLBACKS = ['eventHandler', 'deleteHandler'];

function beginsCallback(trace: Trace, n: number): boolean {
  const name = trace.functions[trace.steps[n].fn];
  return CALLBACKS.includes(name) && depth(trace, n) > depth(trace, n - 1);
}

function depth({ stacks, steps }: Trace, n: number): number {
  return stacks[steps[n].stack].length;
}

function nextByDepth(trace: Trace, n: number, most: number, direction: 1 | -1): number | null {
  for (let m = n + direction; m >= 0 && m < trace.steps.length; m += direction) if (depth(trace, m) <= most) return m;
  return null;
}

/** All steps at a line. */
export function runsOf(trace: Trace, file: number, line: number): number[] {
  return trace.steps.flatMap((step, n) => (step.file === file && step.line === line && !isAct(trace, n) ? [n] : []));
}

/** How often each line has run up to step `n`, by 'file:line'. */
export function runCounts(trace: Trace, n = trace.steps.length - 1): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i <= n; i++) {
    const { file, line } = trace.steps[i];
    if (!isAct(trace, i)) counts.set(`${file}:${line}`, (counts.get(`${file}:${line}`) ?? 0) + 1);
  }
  return counts;
}

/** The step whose statement gave the byte at `address` the value that it has at step `n`; null if none did. */
export function whoWrote({ steps }: Trace, n: number, address: number): number | null {
  let value = 0;
  let by: number | null = null;
  for (let i = 0; i <= n; i++) {
    for (const [start, text] of steps[i].mem ?? []) {
      if (address < start || address >= start + text.length) continue;
      const written = text.charCodeAt(address - start);
      if (written === value) continue;
      value = written;
      by = i === 0 ? null : i - 1;
    }
  }
  return by;
}

/** The connection that is being served at step `n`: its number in the paths of the state; null if none is. */
export function currentConn(trace: Trace, n: number): number | null {
  const { frames, values } = stateAt(trace, n);
  for (const { locals } of frames.toReversed()) {
    const fd = /^conn fd (\d+)/.exec(Object.hasOwn(locals, 'c') ? locals['c'] : '')?.[1];
    if (fd === undefined) continue;
    for (const [path, value] of values) {
      const id = /^conn\.(\d+)\.sfd$/.exec(path)?.[1];
      if (id !== undefined && String(value) === fd) return Number(id);
    }
  }
  return null;
}

export interface StateWrite {
  /** The step whose statement wrote c.state. */
  step: number;
  conn: number;
  /** Numbers of ConnState; from null: it is the first. */
  from: number | null;
  to: number;
}

/** The last write of the state of the connection that is being served, or of `conn`; null if there was none. */
export function whyHere(trace: Trace, n: number, conn = currentConn(trace, n)): StateWrite | null {
  if (conn === null) return null;
  const path = `conn.${conn}.state`;
  let from: number | null = null;
  let found: StateWrite | null = null;
  for (let i = 0; i <= n; i++) {
    const to = trace.steps[i].set?.[path];
    if (typeof to !== 'number') continue;
    if (i > 0) found = { step: i - 1, conn, from, to };
    from = to;
  }
  return found;
}

/** The first steps at which two runs of one scene differ; null if there are none. */
export function firstDifference(a: Trace, b: Trace): { a: number; b: number } | null {
  let i = 0;
  let j = 0;
  for (;;) {
    // Skips the step that announces a fault, at which nothing has happened yet.
    while (announcesFault(a, i)) i++;
    while (announcesFault(b, j)) j++;
    const inA = i < a.steps.length;
    const inB = j < b.steps.length;
    if (!inA && !inB) return null;
    if (!inA || !inB || told(a, i) !== told(b, j)) {
      return { a: Math.min(i, a.steps.length - 1), b: Math.min(j, b.steps.length - 1) };
    }
    i++;
    j++;
  }
}

function announcesFault(trace: Trace, n: number): boolean {
  return n < trace.steps.length && isAct(trace, n) && 'fault' in trace.scene.acts[trace.steps[n].act];
}

function told(trace: Trace, n: number): string {
  const { file, line, stack, set, calls } = trace.steps[n];
  const frames = trace.stacks[stack].map(({ fn, line: at }) => `${trace.functions[fn]}:${at}`);
  return JSON.stringify([trace.files[file], line, frames, set, calls]);
}
