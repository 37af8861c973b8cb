// The system calls up to a step, as strace shows them; each leads to its step.
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
  return [h('ol', { class: 'calls', start: Math.max(1, end - MOST + 1), 'data-follow': 'end' },
    made.slice(Math.max(0, end - MOST), end).map(({ step, call }, i) => h('li', {
      key: Math.max(0, end - MOST) + i, class: classes({ call: true, now: step === n, failed: isFailed(call), injected: call.injected === true }),
    }, h('button', { type: 'button', 'data-do': `step:${step}`, title: `go to step ${step}` },
      h('span', { class: 'text' }, call.text), h('span', { class: 'result' }, ` = ${call.result}`),
      call.client !== undefined && h('span', { class: 'who' }, call.client),
      call.injected === true && h('span', { class: 'fault' }, 'made to fail'),
      call.bytes !== undefined && call.bytes !== '' && h('span', { class: 'moved' }, visible(call.bytes, 40)))))) ];
}

/** The calls' errors are names; -1 and the like do not come. */
export function isFailed({ result }: SystemCall): boolean {
  return typeof result === 'string' && /^E[A-Z]/.test(result);
}
