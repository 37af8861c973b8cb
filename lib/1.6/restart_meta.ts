// The metadata file of -e (memcached.c: _mc_meta_save_cb, _mc_meta_load_cb): the settings with which the items were
// stored, the server's clock and counters, and the size and checksum of the item file. Lines are as in C: a tag, then a
// key and its value on each.
import { crc32 } from 'node:zlib';
import { packageVersion } from '../libc/package';
import { assocHashPower } from './assoc';
import { currentTime } from './clock';
import { casId } from './items';
import { loggerGetGid } from './logger';
import { VERSION, settings } from './settings';

const TAG = 'Tmain';

/** What a server with the same settings restores. */
export interface Saved {
  /** The server's clock when it stopped, and the wall clock then, in seconds. */
  currentTime: number;
  stopTime: number;
  currentCas: bigint;
  loggerGid: number;
  hashpower: number;
  oldestLive: number;
  /** The item file: its items, its bytes, and the checksum of the metadata followed by the file. */
  items: number;
  bytes: number;
  checksum: number;
  /** The checksum of the metadata alone, to be continued. */
  metaChecksum: number;
}

/** The settings that the items depend on. Call it before clients can change any. */
export function settingsToKeep(slabConfig: string): readonly (readonly [key: string, value: string])[] {
  return [
    ['version', `${VERSION}/${packageVersion()}`],
    ['slab_config', slabConfig],
    ['maxbytes', String(settings.maxbytes)],
    ['chunk_size', String(settings.chunkSize)],
    ['item_size_max', String(settings.itemSizeMax)],
    ['slab_chunk_size_max', String(settings.slabChunkSizeMax)],
    ['slab_page_size', String(settings.slabPageSize)],
    ['use_cas', String(settings.useCas)],
    ['slab_reassign', String(settings.slabReassign)],
  ];
}

type Kept = ReturnType<typeof settingsToKeep>;

// memcached.c: _mc_meta_save_cb
/** The metadata without their last line, the checksum. `stopTime` is by the wall clock. */
export function metaText(kept: Kept, stopTime: number, items: number, bytes: number): string {
  const lines = [
    ...kept,
    ['current_time', currentTime],
    ['stop_time', stopTime],
    ['current_cas', casId()],
    ['logger_gid', loggerGetGid()],
    ['hashpower', assocHashPower()],
    ['oldest_live', settings.oldestLive],
    ['items', items],
    ['bytes', bytes],
  ] as const;
  return [TAG, ...lines.map(([key, value]) => `K${key} ${value}`), ''].join('\n');
}

export function checksumLine(checksum: number): string {
  return `Kchecksum ${checksum}\n`;
}

/** Whether a text begins as metadata do. */
export function isMeta(text: string): boolean {
  return text === TAG || text.startsWith(`${TAG}\n`);
}

// memcached.c: _mc_meta_load_cb
/** Parses the metadata. Returns an error message if a setting differs from now, or something is missing. */
export function parseMeta(text: string, kept: Kept, now: number): Saved | string {
  const values = new Map<string, string>();
  for (const line of text.split('\n').slice(1)) {
    const space = line.indexOf(' ');
    if (line.startsWith('K') && space > 0) values.set(line.slice(1, space), line.slice(space + 1));
    else if (line !== '') return `invalid metadata line: ${line}`;
  }
  for (const [key, value] of kept) {
    const old = values.get(key);
    if (old !== undefined && old !== value) {
      return `restart incompatible due to setting for [${key}] [old value: ${old}]`;
    }
  }
  if (kept.some(([key]) => !values.has(key))) return 'missing some metadata lines';

  const numbers = new Map([...values].filter(([, value]) => /^\d{1,20}$/.test(value)));
  const number = (key: string): number => Number(numbers.get(key));
  const wanted = ['current_time', 'stop_time', 'current_cas', 'logger_gid', 'hashpower', 'oldest_live', 'items', 'bytes',
    'checksum'];
  if (!wanted.every((key) => numbers.has(key))) return 'missing some metadata lines';
  if (number('stop_time') > now) return `the clock has gone back since the stop at ${number('stop_time')}`;
  return {
    currentTime: number('current_time'),
    stopTime: number('stop_time'),
    currentCas: BigInt(numbers.get('current_cas') ?? 0),
    loggerGid: number('logger_gid'),
    hashpower: number('hashpower'),
    oldestLive: number('oldest_live'),
    items: number('items'),
    bytes: number('bytes'),
    checksum: number('checksum'),
    metaChecksum: crc32(text.slice(0, text.indexOf('Kchecksum '))),
  };
}
