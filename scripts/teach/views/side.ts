// One of two compared runs: its place, its sentence, and its differences.
import type { Markup } from './markup';
import { classes, h } from './markup';
import { buffers } from './buffers';
import { calls } from './calls';
import { kernel } from './kernel';
import { machine } from './machine';
import type { Moment } from './moment';

/** Lines of code shown before and after the one that is about to run. */
const AROUND = 4;

/** `differs`: whether the other run is at another place. */
export function side(moment: Moment, title: string, sentence: string, source: string, differs: boolean): Markup[] {
  const { trace, n, step } = moment;
  const lines = source.split('\n');
  const first = Math.max(1, step.line - AROUND);
  const ran = n > 0 ? trace.steps[n - 1] : null;
  return [
    h('h2', {}, title),
    h('p', { class: classes({ differs: true, yes: differs }) }, differs ? '≠ differs' : '= the same'),
    h('p', { class: 'at' }, `step ${n} of ${trace.steps.length - 1} · ${trace.functions[step.fn]}, ${trace.files[step.file]}`),
    h('p', { class: 'say' }, sentence),
    h('div', { class: 'excerpt', role: 'group', 'aria-label': 'Code' }, lines.slice(first - 1, step.line + AROUND).map((text, i) => {
      const line = first + i;
      const hasRun = ran?.file === step.file && ran.line === line;
      return h('div', { key: line, class: classes({ line: true, current: line === step.line, ran: hasRun }) },
        h('span', { class: 'no' }, line), h('code', {}, text));
    })),
    h('div', { class: 'pair' }, h('div', {}, machine(moment, title.slice(0, 1))), h('div', {}, h('h3', {}, 'system calls'), calls(moment))),
    h('div', { class: 'pair' }, h('div', {}, buffers(moment)), h('div', {}, kernel(moment))),
  ];
}
