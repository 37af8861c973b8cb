// The files that the page shows, in order, with their C names.
import { groups } from '../fidelity/pairs';

export interface Shown {
  /** The C file; null if C has none. */
  c: string | null;
  ts: string;
  /** One sentence of introduction for the reader. */
  about: string;
}

const ABOUT: Readonly<Record<string, string>> = {
  'memcached.c': 'The connections and their state machine, the commands, and main.',
  'items.c': 'Items, and the list of each slab class from the most to the least recently used.',
  'slabs.c': 'Where the memory of items comes from: pages, cut into chunks of one size.',
  'event.c': 'libevent: the queues of events, the timers, and the loop.',
  'epoll.c': 'libevent on epoll(7): how the loop learns what is ready.',
  'signal.c': 'libevent: signals as events.',
};

const pairs = groups.flatMap((group) => group.pairs.map(({ c, ts }): Shown => ({ c, ts, about: ABOUT[c] ?? '' })));
const memcached = pairs.filter(({ ts }) => ts.startsWith('lib/'));
const libevent = pairs.filter(({ ts }) => ts.startsWith('reactor/'));

/** The files of memcached, then those of libevent. */
export const shown: readonly Shown[] = [
  {
    c: 'memcached.h', ts: 'lib/memcached.h.ts',
    about: 'What all files share: the constants, the statistics, the settings, item and conn.',
  },
  ...memcached,
  { c: null, ts: 'lib/assoc.ts', about: 'The hash table. C calls Judy, a library, instead.' },
  { c: null, ts: 'lib/later.ts', about: 'What later versions do where 1.0.4 is dangerous: behind the deviations.' },
  { c: 'event.h', ts: 'reactor/event.h.ts', about: 'libevent: the flags, struct event and struct eventop.' },
  ...libevent,
  { c: null, ts: 'reactor/evtimer.ts', about: 'The macros of event.h for timers, timeouts and signals.' },
];
