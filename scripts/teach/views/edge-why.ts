// The last edge of the state diagram, explained.
import { edgeBetween, edgesTaken } from '../edges';
import type { Markup } from './markup';
import { h } from './markup';
import { upTo } from './history';
import type { Moment } from './moment';
import { nameOf } from './moment';

export function edgeWhy(moment: Moment): Markup {
  const edges = edgesTaken(moment.trace);
  const count = upTo(edges, moment.n);
  if (count === 0) return h('p', { class: 'edge-why', tabindex: 0 }, 'No connection has changed its state yet.');
  const { from, to, conn, step } = edges[count - 1];
  const edge = edgeBetween(from, to);
  const name = nameOf(moment, String(conn));
  return h('p', { class: 'edge-why', tabindex: 0 },
    h('b', {}, `${name === 'listening' ? '' : `${name}: `}${from ?? 'new'} → ${to}`),
    edge === undefined ? '' : `, when ${edge.when}. ${edge.why}`,
    ' ', h('button', { type: 'button', class: 'link', 'data-do': `step:${step}` }, `step ${step}`));
}
