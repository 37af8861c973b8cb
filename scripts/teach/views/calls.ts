// The system calls up to a step, as strace prints them; each links to its step.
import type { SystemCall } from '../trace';
import type { Markup } from './markup';
import { classes, h } from './markup';
import { visible } from './bytes';
import { history, upTo } from './history';
import type { Moment } from './moment';

const MOST = 40;

export function calls({ trace, n }: Moment): Markup[] {
  const { calls: made } = history(trace);
  const end = upTo(made, n);
  if (end === 0) return [h('p', { class: 'none' }, 'no system call yet')];
  const first = Math.max(0, end - MOST);
  const rows = made.slice(first, end).map(({ step, call }, i) => {
    const injected = call.injected === true;
    return h('li', { key: first + i, class: classes({ call: true, now: step === n, failed: isFailed(call), injected }) },
      h('button', { type: 'button', 'data-do': `step:${step}`, title: `go to step ${step}` },
        h('span', { class: 'text' }, call.text), h('span', { class: 'result' }, ` = ${call.result}`),
        call.client !== undefined && h('span', { class: 'who' }, call.client),
        injected && h('span', { class: 'fault' }, isFailed(call) ? 'made to fail' : 'made short'),
        call.bytes !== undefined && call.bytes !== '' && h('span', { class: 'moved' }, visible(call.bytes, 40))));
  });
  return [h('ol', { class: 'calls', start: first + 1, 'data-follow': 'end' }, rows)];
}

/** Failed calls have an error name as their result, never -1. */
export function isFailed({ result }: SystemCall): boolean {
  return typeof result === 'string' && /^E[A-Z]/.test(result);
}
