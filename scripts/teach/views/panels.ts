// The panels, their places, and the functions that draw them.
import type { Markup } from './markup';
import { h } from './markup';
import { buffers } from './buffers';
import { calls } from './calls';
import { counters } from './counters';
import { edgeWhy } from './edge-why';
import { item } from './item';
import { kernel } from './kernel';
import { loop } from './loop';
import { machine } from './machine';
import { slabs, tables } from './memory';
import type { Moment } from './moment';
import { locals, stack } from './stack';

export interface Panel {
  id: string;
  title: string;
  column: 'left' | 'right';
  view: (moment: Moment) => Markup[];
  /** Whether its head lets the reader choose the connection. */
  choosesConnection?: true;
  /** Left out in print, which has room for one page. */
  long?: true;
}

export const panels: readonly Panel[] = [
  {
    id: 'machine', title: 'State machine', column: 'left', choosesConnection: true,
    view: (moment) => [...machine(moment), edgeWhy(moment)],
  },
  { id: 'buffers', title: 'Buffers', column: 'left', view: buffers },
  { id: 'item', title: 'Item in hand', column: 'left', view: item },
  {
    id: 'stack', title: 'Call stack and locals', column: 'right',
    view: (moment) => [h('div', { class: 'stack-and-locals' },
      h('div', { tabindex: 0, role: 'region', 'aria-label': 'Call stack' }, stack(moment)),
      h('div', { tabindex: 0, role: 'region', 'aria-label': 'Locals' }, locals(moment)))],
  },
  { id: 'calls', title: 'System calls', column: 'right', view: calls },
  { id: 'kernel', title: 'Kernel: sockets', column: 'right', view: kernel },
  { id: 'loop', title: 'Event loop', column: 'right', view: loop },
  { id: 'memory', title: 'Slab pages and LRU lists', column: 'right', view: slabs },
  { id: 'tables', title: 'Hash table and delete window', column: 'right', view: tables },
  { id: 'counters', title: 'Statistics', column: 'right', view: counters, long: true },
];

/** By scene, the panels that it is about, which come first in their column. */
export const firstPanels: Readonly<Record<string, readonly string[]>> = {
  'memory-full': ['memory'],
  'delete-window': ['memory', 'tables'],
  'listen-and-accept': ['kernel', 'loop'],
  'fairness': ['loop', 'kernel'],
};
