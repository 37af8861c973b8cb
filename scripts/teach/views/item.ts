// The item in hand, which is being read or sent: its fields, key and data.
import type { Markup } from './markup';
import { classes, h } from './markup';
import { cells } from './buffers';
import type { Moment } from './moment';
import { hasChanged, hexadecimal, keyAt, number, text } from './moment';

const LINKED = 1;
const DELETED = 2;
const FIELDS = ['nbytes', 'refcount', 'exptime', 'time', 'slabsClsid'] as const;

export function item(moment: Moment): Markup[] {
  const address = itemInHand(moment);
  if (address === 0) return [h('p', { class: 'none' }, 'no item in hand')];
  const field = (name: string): number => number(moment, `item.${address}.${name}`);
  const conn = `conn.${moment.conn ?? ''}`;
  const flags = field('itFlags');
  const data = field('data');
  const size = field('nbytes');
  const rcurr = number(moment, `${conn}.rcurr`);
  const iptr = number(moment, `${conn}.iptr`);
  const reading = address === number(moment, `${conn}.item`);
  const pointers = [...(reading ? [{ name: 'rcurr', address: rcurr }] : []), { name: 'iptr', address: iptr }];
  const inData = iptr >= data && iptr <= data + size;
  return [
    h('p', { class: 'item-head' }, h('b', {}, `"${keyAt(moment, address)}"`), h('small', {}, ` at ${hexadecimal(address)}`),
      badge('linked', (flags & LINKED) !== 0), badge('deleted', (flags & DELETED) !== 0)),
    h('dl', { class: 'fields' }, FIELDS.map((name) => h('div', {
      key: name, class: classes({ changed: hasChanged(moment, `item.${address}.${name}`) }),
    }, h('dt', {}, name === 'slabsClsid' ? 'class' : name), h('dd', {}, text(moment, `item.${address}.${name}`))))),
    cells(moment, {
      name: 'data', address: data, size, about: '', pointers,
      usedFrom: reading ? data : inData ? iptr : data,
      used: reading ? Math.max(0, rcurr - data) : inData ? number(moment, `${conn}.ibytes`) : size,
    }, 32),
  ];
}

/** Its address, or 0. */
export function itemInHand(moment: Moment): number {
  if (moment.conn === null) return 0;
  const conn = `conn.${moment.conn}`;
  const reading = number(moment, `${conn}.item`);
  const known = (address: number): boolean => keyAt(moment, address) !== '';
  if (reading !== 0 && known(reading)) return reading;
  const icurr = number(moment, `${conn}.icurr`);
  if (icurr === 0 || number(moment, `${conn}.ileft`) === 0) return 0;
  const pointer = moment.state.memory.word(icurr);
  return known(pointer) ? pointer : 0;
}

function badge(name: string, on: boolean): Markup {
  return h('span', { class: classes({ badge: true, on }) }, `${on ? '☑' : '☐'} ${name}`);
}
