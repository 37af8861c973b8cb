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
  /** Whether the system calls are those of C. */
  classic: boolean;
  /** Whether it speaks as memcached 1.6; else as 1.0.4. */
  today: boolean;
  /** A layer above the backend. */
  over?: ((base: Eventop) => Eventop) | null;
}

/** The words of the command line. */
export function argvOf(args: readonly string[]): string[] {
  return ['memcached-ts', '-p', String(PORT), ...args];
}

/** The events that were added, since a server was ended. */
const added = new Set<Event>();
replace(event, 'eventAdd', (original) => (ev, tv) => {
  added.add(ev);
  return original(ev, tv);
});

/** Resolves when it listens, to what main will return. The flat memory is there. */
export async function startOn(
  sim: Simulation, argv: readonly string[], { classic, today, over = null }: Version,
): Promise<{ ended: Promise<number> }> {
  installSimulation(sim);
  eventEconomy(!classic, over);
  const ended = today ? mainToday(argv) : main(argv.length, argv);
  ended.catch(() => {}); // whoever waits for it is told
  await sim.idle();
  return { ended };
}

/**
 * Ends its loop. A process would take its events along; here those of the port's variables are found by the next
 * server, and must not think that they wait for something.
 */
export async function stopOn(sim: Simulation, ended: Promise<number>): Promise<void> {
  for (const ev of added) eventDel(ev);
  added.clear();
  sim.stop();
  await ended;
  installSimulation(null);
}
