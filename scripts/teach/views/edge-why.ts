// The last edge of the state diagram, explained.
import { explainEdge } from '../edges';
import type { Markup } from './markup';
import { h } from './markup';
import { history, upTo } from './history';
import type { Moment } from './moment';

export function edgeWhy({ trace, n }: Moment): Markup {
  const { edges } = history(trace);
  const last = edges.at(upTo(edges, n) - 1);
  if (last === undefined || upTo(edges, n) === 0) {
    return h('p', { class: 'edge-why' }, 'No connection has changed its state yet.');
  }
  const way = last.from === null ? `a new connection begins in ${last.to}` : `${last.from} → ${last.to}`;
  return h('p', { class: 'edge-why', tabindex: 0 },
    h('b', {}, `${way}: `), explainEdge(last.from ?? 'listening', last.to),
    ' ', h('button', { type: 'button', class: 'link', 'data-do': `step:${last.step}` }, `step ${last.step}`));
}
