// The whole run as a line: a flag for each act, a tick for each change of state, a dot for each system call.
import { edgesTaken } from '../edges';
import type { Act, Trace } from '../trace';
import type { Element, Markup } from './markup';
import { h } from './markup';
import { visible } from './bytes';
import { isFailed } from './calls';
import { history } from './history';

/** Made once for a run: the page draws the cursor. In units of a thousandth of the width. */
export function timeline(trace: Trace): Element {
  const { calls } = history(trace);
  const edges = edgesTaken(trace);
  const last = Math.max(1, trace.steps.length - 1);
  const x = (step: number): number => Math.round((step / last) * 10000) / 10;
  return h('svg', { class: 'ticks', viewBox: '0 0 1000 34', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    bands(trace).map(({ from, to }, i) => h('rect', {
      class: i % 2 === 0 ? 'band even' : 'band odd', x: x(from), y: 0, width: Math.max(1, x(to) - x(from)), height: 34,
    })),
    ticks('states', edges.map(({ step }) => x(step)), 3, 15),
    ticks('calls', calls.filter(({ call }) => !isFailed(call)).map(({ step }) => x(step)), 20, 26),
    ticks('failures', calls.filter(({ call }) => isFailed(call)).map(({ step }) => x(step)), 20, 31));
}

function ticks(name: string, places: readonly number[], from: number, to: number): Markup {
  return h('path', { class: name, d: [...new Set(places)].map((x) => `M${x} ${from}V${to}`).join('') });
}

/** The stretches of a run, one for each act. */
export function bands({ steps }: Trace): { act: number; from: number; to: number }[] {
  const found: { act: number; from: number; to: number }[] = [];
  steps.forEach(({ act }, i) => {
    const band = found.at(-1);
    if (band?.act === act) band.to = i + 1;
    else found.push({ act, from: i, to: i + 1 });
  });
  return found;
}

/** An act in words. */
export function describeAct(act: Act | undefined): string {
  if (act === undefined) return 'the server starts';
  if ('connect' in act) return `${act.connect} connects`;
  if ('send' in act) {
    const [client, text, times] = act.send;
    return `${client} sends “${visible(text, 48)}”${times === undefined ? '' : ` × ${times}`}`;
  }
  if ('pause' in act) return `${act.pause} stops reading`;
  if ('resume' in act) return `${act.resume} reads again`;
  if ('shutdown' in act) return `${act.shutdown} ends its side`;
  if ('reset' in act) return `${act.reset} resets the connection`;
  if ('close' in act) return `${act.close} closes`;
  if ('advance' in act) return `${act.advance} seconds pass`;
  if ('together' in act) return act.together.map(describeAct).join(', and ');
  const { call, client, limit, errno, skip } = act.fault;
  const which = skip === undefined || skip === 0 ? 'the next' : `after ${skip} more, a`;
  return `${which} ${call}${client === undefined ? '' : ` for ${client}`} ${errno === undefined ? `moves at most ${limit ?? 0} bytes`
    : `fails with ${errno}`}`;
}
