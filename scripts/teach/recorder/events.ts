// The queues of the event loop, and the process-wide numbers: statistics and settings.
import { settings, stats } from '../../../lib/memcached.h';
import {
  EVLIST_ACTIVE, EVLIST_INIT, EVLIST_INSERTED, EVLIST_SIGNAL, EVLIST_TIMEOUT, EV_PERSIST, EV_READ, EV_SIGNAL,
  EV_TIMEOUT, EV_WRITE,
} from '../../../reactor/event.h';
import type { Event } from '../../../reactor/event.h';
import { activequeue, eventqueue } from '../../../reactor/event';
import { TAILQ_FIRST, TAILQ_NEXT } from '../../../reactor/queue';
import { RB_MIN, RB_NEXT } from '../../../reactor/tree';
import type { RbHead } from '../../../reactor/tree';
import { variablesOf } from '../probe';
import { Signature } from './changes';
import type { Changes } from './changes';

const EV_NAMES = [
  ['EV_TIMEOUT', EV_TIMEOUT], ['EV_READ', EV_READ], ['EV_WRITE', EV_WRITE], ['EV_SIGNAL', EV_SIGNAL],
  ['EV_PERSIST', EV_PERSIST],
] as const;
const EVLIST_NAMES = [
  ['EVLIST_TIMEOUT', EVLIST_TIMEOUT], ['EVLIST_INSERTED', EVLIST_INSERTED], ['EVLIST_SIGNAL', EVLIST_SIGNAL],
  ['EVLIST_ACTIVE', EVLIST_ACTIVE], ['EVLIST_INIT', EVLIST_INIT],
] as const;

const STATS = Object.keys(stats) as (keyof typeof stats)[];
const STATS_PATHS = STATS.map((name) => `stats.${name}`);
const SETTINGS = ['maxbytes', 'maxconns', 'port', 'verbose', 'reqsPerEvent'] as const;
const SETTINGS_PATHS = SETTINGS.map((name) => `settings.${name}`);

/** A callback's name in the source: the bundle has other names. */
export function functionName(callback: unknown): string {
  const known = variablesOf('lib/memcached.ts');
  return ['eventHandler', 'deleteHandler'].find((name) => known[name] === callback) ?? 'function';
}

function names(flags: number, table: readonly (readonly [string, number])[]): string {
  return table.filter(([, bit]) => flags & bit).map(([name]) => name).join('|') || '0';
}

/** 'EV_READ|EV_PERSIST' */
export function eventNames(events: number): string {
  return names(events, EV_NAMES);
}

export class Events {
  private readonly signatures = { event: new Signature(), active: new Signature(), timer: new Signature() };

  /** `clientOf`: the client at a descriptor. `startTime`: the clock at the start, in seconds since 1970. */
  constructor(private readonly clientOf: (fd: number) => string | undefined, private readonly startTime: number) {}

  observe(changes: Changes): void {
    const { timetree } = variablesOf('reactor/event.ts') as { timetree: RbHead<Event> };
    this.queue(changes, 'event', TAILQ_FIRST(eventqueue), nextInserted);
    this.queue(changes, 'active', TAILQ_FIRST(activequeue), nextActive);
    this.queue(changes, 'timer', RB_MIN(timetree), RB_NEXT);
    for (let i = 0; i < STATS.length; i++) changes.put(STATS_PATHS[i], stats[STATS[i]]);
    for (let i = 0; i < SETTINGS.length; i++) changes.put(SETTINGS_PATHS[i], Number(settings[SETTINGS[i]]));
  }

  private queue(changes: Changes, name: keyof Events['signatures'], first: Event | null, next: Next): void {
    const signature = this.signatures[name];
    for (let ev = first; ev !== null; ev = next(ev)) {
      signature.add(ev);
      signature.add(ev.evFd);
      signature.add(ev.evEvents);
      signature.add(ev.evFlags);
      signature.add(ev.evRes);
      signature.add(ev.evTimeout.tvSec);
      signature.add(ev.evTimeout.tvUsec);
      signature.add(this.clientOf(ev.evFd));
    }
    if (!signature.changed()) return;
    const events: Event[] = [];
    for (let ev = first; ev !== null; ev = next(ev)) events.push(ev);
    changes.put(`queue.${name}`, JSON.stringify(events.map((ev) => this.shown(ev))));
  }

  private shown(ev: Event): Record<string, string | number | undefined> {
    const { evFd: fd, evFlags, evEvents, evRes, evTimeout } = ev;
    const timeout = evTimeout.tvSec - this.startTime + evTimeout.tvUsec / 1e6;
    return {
      fd,
      events: eventNames(evEvents),
      flags: names(evFlags, EVLIST_NAMES),
      client: this.clientOf(fd),
      ...(evFlags & EVLIST_ACTIVE ? { res: eventNames(evRes) } : {}),
      ...(fd === -1 ? { timer: functionName(ev.evCallback) === 'deleteHandler' ? 'delete' : 'accept' } : {}),
      ...(evFlags & EVLIST_TIMEOUT ? { timeout } : {}),
    };
  }
}

type Next = (ev: Event) => Event | null;

const nextInserted: Next = (ev) => TAILQ_NEXT(ev.evNext);
const nextActive: Next = (ev) => TAILQ_NEXT(ev.evActiveNext);
