// items.c: the histogram of `stats sizes`, which is kept once it is asked for (-o track_sizes).
import type { Ptr } from '../libc/memory';
import { ntotalOf } from './memcached.h';
import { settings } from './settings';

/** An item counts to the multiple of so many bytes that is next above its size. */
const BUCKET_BYTES = 32;

let histogram: Uint32Array | null = null;

// items.c: item_stats_sizes_init
/** Counts from now on. Items that are linked already would be counted when they go: call it before there are any. */
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
/** Calls `each` for every size in bytes that there are items of, from the smallest. */
export function itemStatsSizes(each: (bytes: number, items: number) => void): void {
  histogram?.forEach((items, bucket) => {
    if (items !== 0) each(bucket * BUCKET_BYTES, items);
  });
}
