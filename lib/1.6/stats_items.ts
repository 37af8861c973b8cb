// stats slabs, items, sizes and cachedump, for all classes (slabs.c: do_slabs_stats; items.c: item_stats,
// item_stats_sizes, item_cachedump).
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL, malloc } from '../libc/memory';
import { putNumber } from '../libc/number';
import { memcpy } from '../libc/string';
import { processStarted } from './clock';
import { itemStatsSizes, itemStatsSizesStatus } from './item_sizes';
import { itemCachedump, itemStats } from './item_stats';
import type { AddStat } from './memcached.h';
import { IT_EXPTIME, IT_NBYTES, MAX_NUMBER_OF_SLAB_CLASSES, field, keyOf, nkeyOf } from './memcached.h';
import { POWER_SMALLEST, powerLargest, slabsStats, slabsTotalMalloced } from './slabs';

// slabs.c: do_slabs_stats
export function allSlabsStats(add: AddStat): void {
  let total = 0;
  for (let id = POWER_SMALLEST; id <= powerLargest; id++) {
    let told = 0;
    slabsStats(id, (name, value) => {
      add(`${id}:${name}`, value);
      told = 1;
    });
    total += told;
  }
  add('active_slabs', total);
  add('total_malloced', slabsTotalMalloced());
}

// items.c: item_stats
export function allItemsStats(add: AddStat): void {
  for (let id = 0; id < MAX_NUMBER_OF_SLAB_CLASSES; id++) {
    itemStats(id, (name, value) => add(`items:${id}:${name}`, value));
  }
}

// items.c: item_stats_sizes
export function allSizesStats(add: AddStat): void {
  if (itemStatsSizesStatus()) itemStatsSizes((bytes, items) => add(String(bytes), items));
  else add('sizes_status', 'disabled');
}

/** Maximum bytes of an answer to cachedump. */
const CACHEDUMP_MAX_BYTES = 2 * 1024 * 1024;
/** Maximum bytes of an ITEM line without its key. */
const ITEM_LINE_MAX_BYTES = 60;
const END = 'END\r\n';

export interface Text {
  /** From malloc; NULL if there is no memory. */
  start: Ptr;
  bytes: number;
}

// items.c: item_cachedump
/** The answer with at most `limit` items of a class (0: as many as fit). The caller frees it. */
export function cachedump(id: number, limit: number): Text {
  const start = malloc(CACHEDUMP_MAX_BYTES);
  if (start === NULL) return { start, bytes: 0 };
  const last = start + CACHEDUMP_MAX_BYTES - END.length;
  let p = start;
  itemCachedump(id, limit, (it) => {
    const nkey = nkeyOf(it);
    if (p + nkey + ITEM_LINE_MAX_BYTES > last) return false;
    const exptime = field(it, IT_EXPTIME);
    memcpy(p, 'ITEM ', 5);
    memcpy(p + 5, keyOf(it), nkey);
    p += 5 + nkey;
    u8[p] = 0x20; u8[p + 1] = 0x5b;
    p = putNumber(p + 2, field(it, IT_NBYTES) - 2);
    memcpy(p, ' b; ', 4);
    p = putNumber(p + 4, exptime === 0 ? 0 : exptime + processStarted());
    memcpy(p, ' s]\r\n', 5);
    p += 5;
    return true;
  });
  memcpy(p, END, END.length);
  return { start, bytes: p + END.length - start };
}
