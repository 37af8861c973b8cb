// The call stack, innermost first, and the locals of the innermost frame.
import { stateAt } from '../state';
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

export function locals({ trace, n, state, step }: Moment): Markup[] {
  const now = state.frames.at(-1)?.locals ?? {};
  const names = Object.keys(now);
  // If the frame is another one than a step ago, no local counts as changed.
  const isSame = n > 0 && trace.steps[n - 1].stack === step.stack;
  const before = isSame && step.locals !== undefined ? stateAt(trace, n - 1).frames.at(-1)?.locals : now;
  if (names.length === 0) return [h('p', { class: 'none' }, 'no locals')];
  return [h('dl', { class: 'locals' }, names.map((name) => h('div', {
    key: name, class: classes({ local: true, changed: now[name] !== before?.[name] }),
  }, h('dt', {}, name), h('dd', { title: now[name] }, now[name]))))];
}
