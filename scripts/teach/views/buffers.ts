// rbuf, wbuf, ibuf and the list of items to send, byte by byte, with the pointers of the connection drawn on them.
import type { Markup } from './markup';
import { classes, h } from './markup';
import { shown, spoken } from './bytes';
import type { Moment } from './moment';
import { hasChanged, number, wasWritten } from './moment';

/** How many cells of a buffer are shown. */
const CELLS = 48;

export interface Pointer {
  name: string;
  address: number;
}

export interface Strip {
  /** 'rbuf' */
  name: string;
  address: number;
  /** How many bytes it has room for. */
  size: number;
  /** How many of them are in use, and from which address on. */
  used: number;
  usedFrom: number;
  pointers: readonly Pointer[];
  about: string;
}

export function buffers(moment: Moment): Markup[] {
  const { conn } = moment;
  const field = (name: string): number => (conn === null ? 0 : number(moment, `conn.${conn}.${name}`));
  const [rbuf, wbuf, ibuf] = [field('rbuf'), field('wbuf'), field('ibuf')];
  const inWrite = within(field('wcurr'), wbuf, field('wsize'));
  const inIbuf = within(field('iptr'), ibuf, 328);
  return [
    strip(moment, {
      name: 'rbuf', address: rbuf, size: field('rsize'), usedFrom: rbuf, used: field('rbytes'),
      pointers: [{ name: 'rcurr', address: field('rcurr') }],
      about: 'what was read and is not yet worked off',
    }, [`rbytes ${field('rbytes')}`, `rlbytes ${field('rlbytes')}`], ['rbytes', 'rlbytes', 'rbuf', 'rcurr']),
    strip(moment, {
      name: 'wbuf', address: wbuf, size: field('wsize'), usedFrom: field('wcurr'), used: inWrite ? field('wbytes') : 0,
      pointers: [{ name: 'wcurr', address: field('wcurr') }],
      about: 'the reply that is being written',
    }, [`wbytes ${field('wbytes')}`], ['wbytes', 'wcurr', 'wbuf']),
    strip(moment, {
      name: 'ibuf', address: ibuf, size: ibuf === 0 ? 0 : 320, usedFrom: field('iptr'), used: inIbuf ? field('ibytes') : 0,
      pointers: [{ name: 'iptr', address: field('iptr') }],
      about: 'the VALUE line of the item that is being sent',
    }, [`ibytes ${field('ibytes')}`, `ipart ${field('ipart')}`, `ileft ${field('ileft')}`], ['ibytes', 'ipart', 'ileft', 'iptr']),
  ];
}

function within(address: number, start: number, size: number): boolean {
  return start !== 0 && address >= start && address <= start + size;
}

function strip(moment: Moment, what: Strip, facts: readonly string[], fields: readonly string[]): Markup {
  const changed = fields.some((name) => hasChanged(moment, `conn.${moment.conn ?? ''}.${name}`));
  return h('div', { class: classes({ strip: true, changed }), key: what.name },
    h('h3', {}, what.name, h('span', { class: 'facts' }, [...facts, `${what.size} bytes`].join(' · ')),
      h('span', { class: 'about' }, what.about)),
    what.address === 0 ? h('p', { class: 'none' }, 'no memory yet') : cells(moment, what, CELLS));
}

/** A row of bytes, each a button that leads to the step that wrote it; it starts at bytes of interest. */
export function cells(moment: Moment, what: Strip, most: number): Markup {
  const { address, size, used, usedFrom, pointers, name } = what;
  const here = pointers.filter((pointer) => within(pointer.address, address, size));
  const ends = within(usedFrom, address, size) ? [usedFrom, usedFrom + used - 1] : [];
  const seen = [...here.map((pointer) => pointer.address), ...ends];
  const fits = seen.every((at) => at < address + most);
  const first = fits ? 0 : Math.max(0, Math.min(Math.min(...seen) - address - 2, size - most));
  const count = Math.max(0, Math.min(most, size - first));
  const bytes = moment.state.memory.latin1(address + first, count);
  return h('div', { class: 'cells', role: 'group', 'aria-label': `${name}: bytes ${first} to ${first + count} of ${size}` },
    first > 0 && h('span', { class: 'more', key: 'before' }, `${first} …`),
    Array.from({ length: count }, (_, i) => {
      const at = address + first + i;
      const marks = here.filter((pointer) => pointer.address === at).map((pointer) => pointer.name);
      const inUse = at >= usedFrom && at < usedFrom + used;
      return h('button', {
        key: i, type: 'button', tabindex: i === 0 ? 0 : -1, 'data-do': `byte:${at}`, 'data-mark': marks.join(' ') || undefined,
        class: classes({ cell: true, used: inUse, pointed: marks.length > 0, fresh: wasWritten(moment, at), nul: bytes[i] === '\0' }),
        'aria-label': `${name} ${first + i}: ${spoken(bytes[i])}${marks.length > 0 ? `, ${marks.join(' and ')} points here` : ''}`,
        title: `${name}+${first + i} · ${spoken(bytes[i])} · who wrote it?`,
      }, bytes[i] === '\0' && !inUse ? '' : shown(bytes[i]));
    }));
}
