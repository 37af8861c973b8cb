// Sentences for the statement that is about to run, and its outcome, which the trace knows.
import type { Site, Trace } from '../trace';
import { CASES, FUNCTIONS } from './functions';
import type { State } from '../state';

/** Sentences for statements, by their text. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/^exit = true/, 'The machine can do no more without waiting, so it leaves its loop.'],
  [/^const dispatched = evsel\.dispatch/, 'The loop goes to sleep in epoll_wait, until a descriptor is ready or a timer is due.'],
  [/^res = typeof dispatched/, 'The loop waits for what epoll_wait tells.'],
  [/^evcalls\.gettimeofday/, 'The loop asks the clock, once for each turn.'],
  [/^ev\.evCallback\(/, 'The callback of the event is called: for a connection that is eventHandler.'],
  [/^guarded\(driveMachine/, 'The machine runs for this connection. (An exception in it would end this connection only.)'],
  [/^debug\w+\(/, 'A line for those who debug: it says where the server is.'],
  [/^\w+ = time\(\)|^const now = time\(\)/, 'The clock is asked for the time in seconds.'],
  [/^res = await eventLoop/, 'Everything is ready: the server enters the event loop, and never leaves it.'],
  [/^deleteHandler\(0/, 'The timer of the delete window is set for the first time.'],
];

/** `n` is the step that is about to run. */
export function statementSentence(trace: Trace, n: number, state: State): string {
  const site = trace.sites[trace.steps[n].site];
  const fn = trace.functions[site.fn];
  const entered = n > 0 && enters(trace, n) ? entry(fn, state) : '';
  const text = TEXTS.find(([pattern]) => pattern.test(site.code))?.[1] ?? byKind(trace, n, site, fn);
  return entered === '' ? text : `${entered} ${text}`;
}

function depth({ stacks, steps }: Trace, n: number): number {
  return stacks[steps[n].stack].length;
}

/** Whether a function has just been called. */
function enters(trace: Trace, n: number): boolean {
  return depth(trace, n) > depth(trace, n - 1);
}

function entry(fn: string, state: State): string {
  const { locals } = state.frames[state.frames.length - 1];
  const line = fn === 'processCommand' ? /"(.*)"/.exec(locals['command'])?.[0] : undefined;
  const what = line === undefined ? '' : ` The line is ${line}.`;
  return `${fn} ${FUNCTIONS[fn] ?? ''}.${what}`;
}

function byKind(trace: Trace, n: number, site: Site, fn: string): string {
  const { code, label } = site;
  switch (site.kind) {
    case 'if': return `Is it so that ${code}? ${outcome(trace, n, site)}`;
    case 'loop': return code === 'true' ? 'The loop goes on until something in it ends it.' : loop(trace, n, code);
    case 'return': return returns(trace, n, code, fn);
    case 'break': return label === '' ? 'This loop is over.' : 'This case is done.';
    case 'continue': return 'The loop begins again.';
    case 'switch': return `Which case is it? ${reached(trace, n, fn)}`;
    case 'statement': return plain(code);
  }
}

function plain(code: string): string {
  return `Next: ${code.replace(/;?(\s*\/\/.*)?$/, '')}`;
}

/** The step after `n` in the same frame; null when the frame ends before. */
function nextHere(trace: Trace, n: number): number | null {
  const here = depth(trace, n);
  for (let m = n + 1; m < trace.steps.length; m++) {
    if (depth(trace, m) < here) return null;
    if (depth(trace, m) === here) return m;
  }
  return null;
}

function outcome(trace: Trace, n: number, { then = [0, 0] }: Site): string {
  const next = nextHere(trace, n);
  if (next === null) return 'No.';
  const { start } = trace.sites[trace.steps[next].site];
  return start >= then[0] && start < then[1] ? 'Yes.' : 'No.';
}

function loop(trace: Trace, n: number, code: string): string {
  const next = nextHere(trace, n);
  const startOf = (m: number): number => trace.sites[trace.steps[m].site].start;
  return next !== null && startOf(next) > startOf(n) ? `As long as ${code}, the loop goes on.` : `The loop goes on as long as ${code}.`;
}

function returns(trace: Trace, n: number, code: string, fn: string): string {
  const value = /^return (.*?);/.exec(code)?.[1];
  const caller = trace.stacks[trace.steps[n].stack].at(-2);
  const to = caller === undefined ? '' : ` to ${trace.functions[caller.fn]}`;
  return `${fn} returns${to}${value === undefined ? '' : ` with ${value}`}.`;
}

function reached(trace: Trace, n: number, fn: string): string {
  const next = nextHere(trace, n);
  if (next === null) return '';
  const { label } = trace.sites[trace.steps[next].site];
  const text = CASES[`${fn}/${label}`];
  return label === '' ? 'None of them.' : `${label}${text === undefined ? '' : `: ${text}`}.`;
}
