// The state diagram: the state of each connection, how often each edge was taken, and the last one.
import type { Markup } from './markup';
import { classes, h } from './markup';
import { STATES, STATE_MEANINGS, edgesTaken } from '../edges';
import type { StateName, Taken } from '../edges';
import { upTo } from './history';
import type { Connection, Moment } from './moment';
import { connections, nameOf } from './moment';

const WIDTH = 88;
const HEIGHT = 32;

/** Upper left corners. */
const PLACES: Readonly<Record<StateName, readonly [x: number, y: number]>> = {
  listening: [12, 6], read: [12, 112], nread: [176, 62], swallow: [176, 152], mwrite: [176, 210], write: [340, 112],
  closing: [340, 6],
};

interface Path {
  d: string;
  /** The place of its count. */
  at: readonly [x: number, y: number];
  /** An error's edge, drawn only after it was taken. */
  rare?: boolean;
}

const PATHS: Readonly<Record<string, Path>> = {
  'listening-read': { d: 'M56 38 V108', at: [56, 72] },
  'read-nread': { d: 'M82 112 C104 86 134 78 172 78', at: [122, 83] },
  'nread-write': { d: 'M264 78 C306 78 336 86 362 108', at: [316, 84] },
  'read-write': { d: 'M100 122 H336', at: [206, 117] },
  'write-read': { d: 'M340 135 H104', at: [246, 139] },
  'write-swallow': { d: 'M358 144 C340 162 306 168 268 168', at: [316, 164] },
  'swallow-read': { d: 'M176 168 C136 168 104 162 82 148', at: [128, 164] },
  'read-mwrite': { d: 'M48 144 C56 200 110 226 172 226', at: [92, 205] },
  'mwrite-write': { d: 'M264 226 C336 226 380 200 388 148', at: [352, 205] },
  'read-closing': { d: 'M74 112 C110 44 220 18 336 20', at: [180, 34], rare: true },
  'write-closing': { d: 'M392 112 V42', at: [392, 74], rare: true },
  'nread-closing': { d: 'M250 62 C276 42 306 34 336 30', at: [290, 41], rare: true },
  'swallow-closing': { d: 'M262 156 C324 140 330 70 350 42', at: [322, 112], rare: true },
  'mwrite-closing': { d: 'M264 234 C446 240 446 60 432 34', at: [438, 190], rare: true },
};

/** `id` tells apart the diagrams of one page. */
export function machine(moment: Moment, id = 'm'): Markup[] {
  const { trace, n, conn } = moment;
  const edges = edgesTaken(trace);
  const taken = edges.slice(0, upTo(edges, n));
  const last = taken.at(-1);
  const counts = new Map<string, number>();
  for (const edge of taken) counts.set(nameOfEdge(edge), (counts.get(nameOfEdge(edge)) ?? 0) + 1);
  const open = connections(moment);
  const shown = open.find(({ id }) => id === conn);
  const justTaken = last?.step === n ? nameOfEdge(last) : '';

  return [
    h('svg', { class: 'machine', viewBox: '0 0 452 256', role: 'img', 'aria-label': description(open, last, moment) },
      h('defs', {}, ['tip', 'taken', 'last'].map((name) => arrowHead(`${id}-${name}`, name))),
      ...Object.entries(PATHS).map(([name, path]) => edge(name, path, counts.get(name) ?? 0, {
        id, last: last !== undefined && name === nameOfEdge(last), now: name === justTaken,
      })),
      ...STATES.map((state) => node(state, open.filter((each) => each.state === state), shown))),
  ];
}

/** 'read-nread'. The edge of a new connection comes from 'listening'. */
export function nameOfEdge({ from, to }: Pick<Taken, 'from' | 'to'>): string {
  return `${from ?? 'listening'}-${to}`;
}

function edge(
  name: string, { d, at: [x, y], rare }: Path, count: number,
  { id, last, now }: { id: string; last: boolean; now: boolean },
): Markup {
  const tip = `${id}-${last ? 'last' : count > 0 ? 'taken' : 'tip'}`;
  return h('g', { key: name, class: classes({ edge: true, taken: count > 0, last, now, rare: rare === true }) },
    h('path', { d, 'marker-end': `url(#${tip})` }),
    count > 0 && h('g', { transform: `translate(${x} ${y})` },
      h('rect', { x: -9 - 3 * (String(count).length - 1), y: -8, rx: 8, width: 12 + 6 * String(count).length, height: 16 }),
      h('text', { y: 4 }, count)));
}

function node(state: StateName, here: readonly Connection[], shown: Connection | undefined): Markup {
  const [x, y] = PLACES[state];
  const current = shown?.state === state;
  return h('g', { key: state, class: classes({ node: true, current, occupied: here.length > 0 }) },
    h('title', {}, `${state}: ${STATE_MEANINGS[state]}`),
    h('rect', { x, y, width: WIDTH, height: HEIGHT, rx: 9 }),
    h('text', { x: x + WIDTH / 2, y: y + 21 }, state),
    here.filter(({ name }) => name !== 'listening').map(({ id, name }, i) =>
      h('g', { key: id, class: classes({ token: true, shown: id === shown?.id }) },
        h('circle', { cx: x + WIDTH - 8 - 19 * i, cy: y + HEIGHT + 2, r: 9 }),
        h('text', { x: x + WIDTH - 8 - 19 * i, y: y + HEIGHT + 6 }, name))));
}

function arrowHead(id: string, name: string): Markup {
  return h('marker', {
    id, class: name, viewBox: '0 0 8 8', refX: 6.5, refY: 4, markerWidth: 7, markerHeight: 7, orient: 'auto',
    markerUnits: 'userSpaceOnUse',
  }, h('path', { d: 'M0 0 L8 4 L0 8 z' }));
}

function description(open: readonly Connection[], last: Taken | undefined, moment: Moment): string {
  const where = open.map(({ name, state }) => `${name === 'listening' ? 'the listening socket' : name} in ${state}`);
  const way = last === undefined ? '' : `; last edge: ${nameOf(moment, String(last.conn))} from ${last.from ?? 'accept'} to ${last.to}`;
  return `State diagram: ${where.join(', ')}${way}`;
}
