// The call stack, innermost first, and the locals of the innermost frame.
import type { Markup } from './markup';
import { classes, h } from './markup';
import type { Moment } from './moment';

export function stack({ trace, step }: Moment): Markup[] {
  const frames = trace.stacks[step.stack].toReversed();
  return [h('ol', { class: 'stack' }, frames.map(({ fn, line }, i) => h('li', {
    key: frames.length - i, class: classes({ frame: true, current: i === 0 }),
  }, h('button', { type: 'button', 'data-do': `line:${trace.functions[fn]}:${i === 0 ? step.line : line}` },
    h('b', {}, trace.functions[fn]), h('small', {}, ` :${i === 0 ? step.line : line}`)))))];
}

export function locals(moment: Moment): Markup[] {
  const { trace, n, step } = moment;
  const now = localsAt(moment, n);
  const names = Object.keys(now);
  const before = n > 0 && trace.steps[n - 1].stack === step.stack ? localsAt(moment, n - 1) : now;
  if (names.length === 0) return [h('p', { class: 'none' }, 'no locals')];
  return [h('dl', { class: 'locals' }, names.map((name) => h('div', {
    key: name, class: classes({ local: true, changed: now[name] !== before[name] }),
  }, h('dt', {}, name), h('dd', {}, now[name]))))];
}

/** A step names its locals only when one has changed since the last step of the same frame. */
function localsAt({ trace }: Moment, n: number): Record<string, string> {
  const depth = trace.stacks[trace.steps[n].stack].length;
  const { fn } = trace.steps[n];
  for (let i = n; i >= 0; i--) {
    const step = trace.steps[i];
    const frames = trace.stacks[step.stack];
    if (frames.length < depth || (frames.length === depth && step.fn !== fn)) break;
    if (frames.length === depth && step.locals !== undefined) return step.locals;
  }
  return {};
}
