// Memory as a picture: the pages of each slab class cut into chunks, and each class's items from the most recently used
// to the next one to be evicted.
import type { Markup } from './markup';
import { classes, h } from './markup';
import type { Moment } from './moment';
import { addresses, hasChanged, hexadecimal, keyAt, namesUnder, number } from './moment';

/** How many chunks of a page, and items of a list, are drawn. */
const CHUNKS = 48;
const ITEMS = 12;
const DELETED = 2;
const PAGE = 1 << 20;

export function slabs(moment: Moment): Markup[] {
  const ids = namesUnder(moment, 'slab.').map(Number).filter((id) => !Number.isNaN(id)).sort((a, b) => a - b);
  const [taken, limit] = [number(moment, 'slab.malloced'), number(moment, 'slab.limit')];
  return [
    h('p', { key: 'taken', class: classes({ taken: true, changed: hasChanged(moment, 'slab.malloced') }) },
      h('meter', { min: 0, max: limit || taken || 1, value: taken, 'aria-label': 'Memory in pages' }),
      ` ${taken / PAGE} of ${limit === 0 ? 'any number of' : limit / PAGE} pages of 1 MB`),
    ...ids.map((id) => slabClass(moment, id)),
  ];
}

function slabClass(moment: Moment, id: number): Markup {
  const field = (name: string): number => number(moment, `slab.${id}.${name}`);
  const [size, perslab, slCurr, endFree] = [field('size'), field('perslab'), field('slCurr'), field('endPageFree')];
  const free = new Set(addresses(moment, `slab.${id}.free`));
  const pages = addresses(moment, `slab.${id}.pages`);
  const changed = ['slabs', 'slCurr', 'endPageFree', 'free'].some((name) => hasChanged(moment, `slab.${id}.${name}`));
  return h('div', { key: id, class: classes({ slab: true, changed }) },
    h('h3', {}, `class ${id}`, h('span', { class: 'facts' }, `${size} bytes · ${perslab} a page · ${slCurr} free in slots`)),
    pages.map((page, i) => {
      const untouched = i === pages.length - 1 ? endFree : 0;
      const drawn = Math.min(perslab, CHUNKS);
      return h('div', {
        key: page, class: 'page', role: 'img',
        'aria-label': `page ${i + 1} of class ${id}: ${perslab - untouched} of ${perslab} chunks given out so far`,
      }, Array.from({ length: drawn }, (_, k) => chunk(moment, page + k * size, free, perslab - untouched > k)),
      perslab > drawn && h('span', { class: 'more' }, `+${perslab - drawn}`));
    }),
    lru(moment, id));
}

function chunk(moment: Moment, address: number, free: ReadonlySet<number>, touched: boolean): Markup {
  const key = keyAt(moment, address);
  const state = free.has(address) ? 'free' : !touched ? 'untouched' : key === '' ? 'given' : 'item';
  return h('span', {
    key: address, class: `chunk ${state}`, title: `${hexadecimal(address)}: ${key === '' ? state : `"${key}"`}`,
  }, state === 'item' ? key.slice(0, 2) : state === 'free' ? '·' : '');
}

function lru(moment: Moment, id: number): Markup {
  const list = addresses(moment, `lru.${id}`);
  return h('div', { key: 'lru', class: classes({ lru: true, changed: hasChanged(moment, `lru.${id}`) }) },
    h('span', { class: 'end' }, 'head'),
    h('ol', { 'aria-label': `LRU list of class ${id}, ${list.length} items` }, list.length === 0
      ? h('li', { class: 'none' }, 'empty')
      : shorten(list).map((address, i) => (address === null
        ? h('li', { key: 'more', class: 'none' }, `… ${list.length - ITEMS + 1} …`) : link(moment, address, i)))),
    h('span', { class: 'end' }, 'tail'));
}

/** The ends of a long list, with null for the middle. */
function shorten(list: readonly number[]): (number | null)[] {
  if (list.length <= ITEMS) return [...list];
  return [...list.slice(0, ITEMS - 5), null, ...list.slice(-4)];
}

function link(moment: Moment, address: number, i: number): Markup {
  const refcount = number(moment, `item.${address}.refcount`);
  const deleted = (number(moment, `item.${address}.itFlags`) & DELETED) !== 0;
  return h('li', { key: `${address}.${i}`, class: classes({ chip: true, held: refcount > 0, deleted }), title: hexadecimal(address) },
    h('b', {}, keyAt(moment, address)), refcount > 0 && ` ×${refcount}`, deleted && ' deleted');
}

/** The delete window, and the chains of the hash table. */
export function tables(moment: Moment): Markup[] {
  const window = addresses(moment, 'todelete');
  const buckets = namesUnder(moment, 'bucket.').map(Number).sort((a, b) => a - b);
  return [
    h('div', { key: 'window', class: classes({ queue: true, changed: hasChanged(moment, 'todelete') }) },
      h('h3', {}, 'delete window'),
      h('ul', {}, window.length === 0 ? h('li', { class: 'none' }, 'empty') : window.map((address, i) =>
        h('li', { key: i, class: 'chip' }, h('b', {}, keyAt(moment, address)), ` until ${onTheClock(moment, number(moment, `item.${address}.exptime`))}`)))),
    h('div', { key: 'hash', class: 'queue' }, h('h3', {}, 'hash chains'),
      h('ul', {}, buckets.length === 0 ? h('li', { class: 'none' }, 'empty') : buckets.slice(0, 16).map((bucket) => {
        const chain = addresses(moment, `bucket.${bucket}`);
        return h('li', { key: bucket, class: classes({ chip: true, changed: hasChanged(moment, `bucket.${bucket}`) }) },
          h('b', {}, bucket), ' ', chain.map((address) => keyAt(moment, address)).join(' → '));
      }), buckets.length > 16 && h('li', { class: 'none' }, `and ${buckets.length - 16} more`))),
  ];
}

/** A time in seconds since 1970, by the clock that began with the scene. */
function onTheClock(moment: Moment, time: number): string {
  return `${(time - number(moment, 'clock.wall') + number(moment, 'clock')).toFixed(1)} s`;
}
