// The input of every view: a run, a step of it, and the state there; and queries that several views share.
import { STATES } from '../edges';
import type { StateName } from '../edges';
import type { State } from '../state';
import type { Step, Trace } from '../trace';

export interface Moment {
  trace: Trace;
  /** Index in trace.steps. */
  n: number;
  step: Step;
  state: State;
  /** The connection that is shown; null before there is one. */
  conn: string | null;
}


export function number({ state }: Moment, path: string): number {
  const value = state.values.get(path);
  return typeof value === 'number' ? value : 0;
}

export function text({ state }: Moment, path: string): string {
  const value = state.values.get(path);
  return value === undefined || value === null ? '' : String(value);
}

/** Whether the statement that has just run changed it. */
export function hasChanged({ step }: Moment, path: string): boolean {
  return step.set !== undefined && Object.hasOwn(step.set, path);
}

/** Whether the statement that has just run wrote this byte. */
export function wasWritten({ step }: Moment, address: number): boolean {
  return step.mem?.some(([start, bytes]) => address >= start && address < start + bytes.length) ?? false;
}

export interface Connection {
  id: string;
  /** 'A'; 'listening' for the one that listens. */
  name: string;
  state: StateName;
  sfd: number;
}

/** The open connections, in order of appearance. */
export function connections(moment: Moment): Connection[] {
  const found: Connection[] = [];
  for (const [path, value] of moment.state.values) {
    if (value === null || !path.startsWith('conn.') || !path.endsWith('.sfd')) continue;
    const id = path.slice('conn.'.length, -'.sfd'.length);
    found.push({
      id, name: nameOf(moment, id), state: STATES[number(moment, `conn.${id}.state`)] ?? 'closing', sfd: Number(value),
    });
  }
  return found.sort((a, b) => Number(a.id) - Number(b.id));
}

export function nameOf(moment: Moment, id: string): string {
  return text(moment, `conn.${id}.client`) || 'listening';
}

/** The parts of the paths that match, after `prefix`: 'slab.' gives the classes that have a page. */
export function namesUnder({ state }: Moment, prefix: string): string[] {
  const names = new Set<string>();
  for (const [path, value] of state.values) {
    if (value !== null && path.startsWith(prefix)) names.add(path.slice(prefix.length).split('.')[0]);
  }
  return [...names];
}

/** A list of addresses as the state has it: '12,34'. */
export function addresses(moment: Moment, path: string): number[] {
  return text(moment, path).split(',').filter((each) => each !== '').map(Number);
}

/** An item's key, for a picture. */
export function keyAt(moment: Moment, address: number): string {
  return text(moment, `item.${address}.key`);
}

/** An address in C's notation. */
export function hexadecimal(address: number): string {
  return `0x${address.toString(16)}`;
}

/** All clients of a scene, in order, connected yet or not. */
export function clientsOf(trace: Trace): string[] {
  const names = new Set<string>();
  const visit = (acts: Trace['scene']['acts']): void => {
    for (const act of acts) {
      if ('connect' in act) names.add(act.connect);
      if ('together' in act) visit(act.together);
    }
  };
  visit(trace.scene.acts);
  return [...names];
}
