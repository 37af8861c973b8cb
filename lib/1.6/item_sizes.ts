// items.c: the histogram of `stats sizes`, which the server keeps only with -o track_sizes.
import type { Ptr } from '../libc/memory';
import { ntotalOf } from './memcached.h';
import { settings } from './settings';

/** Item sizes are rounded up to a multiple of this. */
const BUCKET_BYTES = 32;

let histogram: Uint32Array | null = null;

// items.c: item_stats_sizes_init
/** Starts to count. Call it before any item is linked: unlinking subtracts an item even if it was not counted. */
export function itemStatsSizesInit(): void {
  histogram ??= new Uint32Array(Math.floor(settings.itemSizeMax / BUCKET_BYTES) + 2);
}

// items.c: item_stats_sizes_status
/** Whether sizes are counted. */
export function itemStatsSizesStatus(): boolean {
  return histogram !== null;
}

// items.c: item_stats_sizes_add
export function itemStatsSizesAdd(it: Ptr): void {
  if (histogram !== null) histogram[Math.ceil(ntotalOf(it) / BUCKET_BYTES)]++;
}

// items.c: item_stats_sizes_remove
export function itemStatsSizesRemove(it: Ptr): void {
  if (histogram !== null) histogram[Math.ceil(ntotalOf(it) / BUCKET_BYTES)]--;
}

// items.c: item_stats_sizes
/** Calls `each` for every size in bytes that has items, the smallest first. */
export function itemStatsSizes(each: (bytes: number, items: number) => void): void {
  histogram?.forEach((items, bucket) => {
    if (items !== 0) each(bucket * BUCKET_BYTES, items);
  });
}
