// stats and settings: the server's own counts.
import type { Markup } from './markup';
import { classes, h } from './markup';
import type { Moment } from './moment';
import { hasChanged, namesUnder, text } from './moment';

export function counters(moment: Moment): Markup[] {
  const names = namesUnder(moment, 'stats.').sort();
  return [h('dl', { class: 'fields' }, names.map((name) => h('div', {
    key: name, class: classes({ changed: hasChanged(moment, `stats.${name}`) }),
  }, h('dt', {}, name), h('dd', {}, text(moment, `stats.${name}`)))))];
}
