// Sentences for the queues of the event loop.
import type { State } from '../state';
import type { Value } from '../trace';
import { fdName, textAt } from './values';

interface Waiting {
  fd: number;
  events: string;
  res?: string;
  client?: string;
  flags: string;
  timer?: 'delete' | 'accept';
  timeout?: number;
}

const TIMERS = { delete: 'the timer of the delete window', accept: 'the timer that tries to accept again' };

export function queueSentences(set: Readonly<Record<string, Value>>, before: State): string[] {
  const sentences = ['event', 'active', 'timer'].flatMap((queue) => {
    const path = `queue.${queue}`;
    return path in set ? compared(queue, parsed(textAt(before, path)), parsed(String(set[path]))) : [];
  });
  if ('loop.turn' in set) sentences.push(`The loop begins its turn ${String(set['loop.turn'])}: it waits for events.`);
  return sentences;
}

function parsed(text: string): Waiting[] {
  return text === '' ? [] : JSON.parse(text) as Waiting[];
}

function compared(queue: string, was: readonly Waiting[], is: readonly Waiting[]): string[] {
  const added = is.filter((ev) => !was.some((old) => same(old, ev)));
  const gone = was.filter((ev) => !is.some((now) => same(now, ev)));
  const flags = is.flatMap((ev) => {
    const old = was.find((other) => same(other, ev));
    return old === undefined || old.flags === ev.flags ? [] : [`${name(ev)} has the flags ${ev.flags} now.`];
  });
  return [...added.map((ev) => addedTo(queue, ev)), ...gone.map((ev) => goneFrom(queue, ev)), ...flags];
}

function same(a: Waiting, b: Waiting): boolean {
  return a.fd === b.fd && a.timer === b.timer;
}

function name({ fd, client, timer }: Waiting): string {
  return timer === undefined ? `the event of ${fdName(fd, client)}` : TIMERS[timer];
}

function addedTo(queue: string, ev: Waiting): string {
  switch (queue) {
    case 'event': return `${name(ev)} is in the queue of events: the loop waits for ${ev.events}.`;
    case 'active': return `${name(ev)} is active, for ${ev.res ?? ev.events}: its callback will be called in this turn.`;
    default: return `${name(ev)} is set, for second ${ev.timeout ?? 0} of the clock.`;
  }
}

function goneFrom(queue: string, ev: Waiting): string {
  switch (queue) {
    case 'event': return `${name(ev)} is taken from the queue of events.`;
    case 'active': return `${name(ev)} is taken from the active queue: its callback is next.`;
    default: return `${name(ev)} is not set any more.`;
  }
}
