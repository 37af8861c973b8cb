// The event loop: the phase of its turn, and its queues of waiting events, active events and timers.
import type { Markup } from './markup';
import { classes, h } from './markup';
import type { Moment } from './moment';
import { hasChanged, number, text } from './moment';

const PHASES = ['loop', 'waiting', 'timers', 'callbacks'] as const;

export interface QueuedEvent {
  fd: number;
  events: string;
  flags: string;
  client?: string;
  timer?: string;
  timeout?: number;
}

export function loop(moment: Moment): Markup[] {
  const phase = text(moment, 'loop.phase');
  return [
    h('ol', { class: 'phases', 'aria-label': `Phase of the loop: ${phase}` }, PHASES.map((name) => h('li', {
      key: name, class: classes({ phase: true, current: name === phase }), 'aria-current': name === phase ? 'step' : undefined,
    }, name))),
    h('p', { class: 'turn' }, 'turn ', h('b', {}, number(moment, 'loop.turn')), ' · clock ',
      h('b', { class: classes({ changed: hasChanged(moment, 'clock') }) }, `${number(moment, 'clock').toFixed(3)} s`)),
    queue(moment, 'event', 'inserted', 'waits for its descriptor'),
    queue(moment, 'active', 'active', 'its callback is about to be called'),
    queue(moment, 'timer', 'timers', 'waits for its time'),
  ];
}

export function queued(moment: Moment, name: string): QueuedEvent[] {
  const json = text(moment, `queue.${name}`);
  return json === '' ? [] : JSON.parse(json) as QueuedEvent[];
}

function queue(moment: Moment, name: string, title: string, about: string): Markup {
  const events = queued(moment, name);
  return h('div', { key: name, class: classes({ queue: true, changed: hasChanged(moment, `queue.${name}`) }) },
    h('h3', { title: about }, title),
    h('ul', { 'aria-label': `${title}: ${events.length}` }, events.length === 0 ? h('li', { class: 'none' }, 'empty') : events.map(chip)));
}

function chip(event: QueuedEvent, i: number): Markup {
  const who = event.timer ?? event.client ?? (event.fd >= 0 ? `fd ${event.fd}` : 'timer');
  const what = event.timeout === undefined ? event.events.replaceAll('EV_', '').replaceAll('|', ' ').toLowerCase()
    : `at ${event.timeout.toFixed(1)} s`;
  return h('li', { key: `${who}${i}`, class: 'chip', title: `${event.events} ${event.flags}` }, h('b', {}, who), ' ', what);
}
