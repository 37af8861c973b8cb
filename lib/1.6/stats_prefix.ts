// stats_prefix.c: what `stats detail` counts for each prefix, the part of a key before the first ':' (-D). It records
// only while settings.detailEnabled is set: callers check that before they record a get, set or delete.
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { putNumber } from '../libc/number';
import { hashOf } from './assoc';
import { putText } from './pieces';
import { settings } from './settings';

const MAX_PREFIX_COUNT = 1 << 16;
/** Buckets of the hash table: a power of two. */
const PREFIX_HASH_SIZE = 4096;

/** PREFIX_STATS */
class PrefixStats {
  numGets = 0;
  numSets = 0;
  numDeletes = 0;
  numHits = 0;

  constructor(readonly prefix: Uint8Array, readonly next: PrefixStats | null) {}

  is(key: Ptr, length: number): boolean {
    const { prefix } = this;
    if (prefix.length !== length) return false;
    for (let i = 0; i < length; i++) if (prefix[i] !== u8[key + i]) return false;
    return true;
  }
}

const table: (PrefixStats | null)[] = new Array<null>(PREFIX_HASH_SIZE).fill(null);
/** The same prefixes, in the order in which they were added. */
let prefixes: PrefixStats[] = [];

// stats_prefix.c: stats_prefix_clear
export function statsPrefixClear(): void {
  table.fill(null);
  prefixes = [];
}

// stats_prefix.c: stats_prefix_find
/** The counters for the prefix of a key; null if the key has none, or there are too many prefixes. */
function statsPrefixFind(key: Ptr, nkey: number): PrefixStats | null {
  const delimiter = settings.prefixDelimiter;
  let length = 0;
  while (length < nkey && u8[key + length] !== delimiter) length++;
  if (length === nkey) return null;
  const bucket = hashOf(key, length) & (PREFIX_HASH_SIZE - 1);
  for (let found = table[bucket]; found !== null; found = found.next) if (found.is(key, length)) return found;
  if (prefixes.length >= MAX_PREFIX_COUNT) return null;
  const added = new PrefixStats(u8.slice(key, key + length), table[bucket]);
  table[bucket] = added;
  prefixes.push(added);
  return added;
}

// stats_prefix.c: stats_prefix_record_get
export function statsPrefixRecordGet(key: Ptr, nkey: number, isHit: boolean): void {
  const found = statsPrefixFind(key, nkey);
  if (found === null) return;
  found.numGets++;
  if (isHit) found.numHits++;
}

// stats_prefix.c: stats_prefix_record_delete
export function statsPrefixRecordDelete(key: Ptr, nkey: number): void {
  const found = statsPrefixFind(key, nkey);
  if (found !== null) found.numDeletes++;
}

// stats_prefix.c: stats_prefix_record_set
export function statsPrefixRecordSet(key: Ptr, nkey: number): void {
  const found = statsPrefixFind(key, nkey);
  if (found !== null) found.numSets++;
}

/** Maximum bytes of a line with its four numbers, without the prefix. */
const LINE_MAX_BYTES = 120;

/** Writes the lines of `stats detail dump`, as many per call as fit. */
export class StatsPrefixDump {
  private at = 0;
  private readonly list = prefixes;

  // stats_prefix.c: stats_prefix_dump
  /** Writes at most `room` bytes to `dst`. Returns how many; 0 when nothing is left. */
  next(dst: Ptr, room: number): number {
    let p = dst;
    for (; this.at < this.list.length; this.at++) {
      const { prefix, numGets, numHits, numSets, numDeletes } = this.list[this.at];
      if (p + prefix.length + LINE_MAX_BYTES > dst + room) break;
      p = putText(p, 'PREFIX ');
      u8.set(prefix, p);
      p = putNumber(putText(p + prefix.length, ' get '), numGets);
      p = putNumber(putText(p, ' hit '), numHits);
      p = putNumber(putText(p, ' set '), numSets);
      p = putText(putNumber(putText(p, ' del '), numDeletes), '\r\n');
    }
    return p - dst;
  }
}
