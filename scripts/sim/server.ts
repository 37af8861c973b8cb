// A server of our own in this process, on the simulated backend: one at a time, since the port's variables are C's.
import { main as mainToday } from '../../lib/1.6/main';
import { main } from '../../lib/memcached';
import { eventEconomy } from '../../reactor/backends';
import * as event from '../../reactor/event';
import { eventDel } from '../../reactor/event';
import type { Event, Eventop } from '../../reactor/event.h';
import { installSimulation } from '../../reactor/sim';
import type { Simulation } from '../../reactor/sim';
import { replace } from '../checked/replace';

export const PORT = 11211;

export interface Version {
  /** Whether it makes the system calls of C. */
  classic: boolean;
  /** Whether it is memcached 1.6; else 1.0.4. */
  today: boolean;
  /** A layer over the backend. */
  over?: ((base: Eventop) => Eventop) | null;
}

/** The words of the command line. */
export function argvOf(args: readonly string[]): string[] {
  return ['memcached-ts', '-p', String(PORT), ...args];
}

/** The events added since the last server ended. */
const added = new Set<Event>();
replace(event, 'eventAdd', (original) => (ev, tv) => {
  added.add(ev);
  return original(ev, tv);
});

/** Resolves when it listens; `ended` is main's promise. The flat memory must be allocated. */
export async function startOn(
  sim: Simulation, argv: readonly string[], { classic, today, over = null }: Version,
): Promise<{ ended: Promise<number> }> {
  installSimulation(sim);
  eventEconomy(!classic, over);
  const ended = today ? mainToday(argv) : main(argv.length, argv);
  ended.catch(() => {}); // callers that await it get the error
  await sim.idle();
  return { ended };
}

/**
 * Ends its loop. The end of a process would drop its events; here the next server finds those in the port's variables,
 * so they must not count as added.
 */
export async function stopOn(sim: Simulation, ended: Promise<number>): Promise<void> {
  for (const ev of added) eventDel(ev);
  added.clear();
  sim.stop();
  await ended;
  installSimulation(null);
}
