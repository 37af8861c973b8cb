// restart.c: with -e <file> the items survive a restart, if the server ends by SIGUSR1 or `shutdown graceful`.
//
// C has its slab pages in the file all the time, and corrects the pointers in them when it starts again. Here, the
// server writes its items when it ends, one after the other, each LRU from its tail, and stores them anew when it
// starts. So the file is only as large as the items, and depends on no address. <file>.meta has the metadata. Both are
// written under another name and renamed. Reading empties the file and removes <file>.meta, so that a server that
// crashes later leaves no outdated items.
import {
  closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, readSync, renameSync, unlinkSync, writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import { strerror } from '../../reactor/errno.h';
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL, malloc } from '../libc/memory';
import { fprintf, stderr } from '../libc/stdio';
import { memcpy, memset } from '../libc/string';
import { time } from '../libc/time';
import { hashOf } from './assoc';
import { addTime, currentTime } from './clock';
import { isGone } from './crawler';
import { itemLinkFixup, setCasId } from './items';
import { loggerSetGid } from './logger';
import { lruTail } from './lru';
import {
  ITEM_CHUNKED, ITEM_FLUSHES_SHIFT, IT_PREV, IT_REFCOUNT, LRUS, SIZEOF_ITEM, field, itFlags, keyOf,
  lruIdOf, nkeyOf, ntotalOf, setField, setItFlags, setLruId,
} from './memcached.h';
import type { Saved } from './restart_meta';
import { checksumLine, isMeta, metaText, parseMeta, settingsToKeep } from './restart_meta';
import { settings } from './settings';
import { slabsAlloc, slabsClsid, slabsSetLimit } from './slabs';

const OWNER_ONLY = 0o600;
/** Bytes read or written at a time. */
const BUFFER_BYTES = 256 * 1024;
/** Bytes of an item's header with its client flags: enough to tell how long the item is. */
const HEAD_BYTES = SIZEOF_ITEM + 4;
/** Items begin at multiples of this, in the file as in memory. */
const ALIGN = 4;
const LRU_KIND = 192;

interface MemoryFile {
  path: string;
  kept: ReturnType<typeof settingsToKeep>;
  buffer: Ptr;
  /** Its descriptor; -1 once the items are read. */
  fd: number;
}

let file: MemoryFile | null = null;

function metaPath(path: string): string {
  return `${path}.meta`;
}

function temporaries(path: string): string[] {
  return [`${path}.tmp`, `${metaPath(path)}.tmp`];
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // there is no such file
  }
}

function tell(message: string): void {
  fprintf(stderr, `${message}\n`);
}

function reason(error: unknown): string {
  if (error instanceof Error && 'errno' in error) return strerror(-Number(error.errno));
  return error instanceof Error ? error.message : String(error);
}

// Starting.

// restart.c: restart_mmap_open
/**
 * Opens the file and checks it. Returns the saved state, or null to start without items, or 'failed' if the server
 * cannot start. Prints errors on stderr. Call it after memoryInit and before the first item.
 */
export function restartMmapOpen(path: string, slabConfig: string): Saved | null | 'failed' {
  let fd: number;
  try {
    fd = openSync(path, 'a+', OWNER_ONLY);
  } catch (error) {
    tell(`failed to open file for mmap: ${reason(error)}`);
    return 'failed';
  }
  const buffer = malloc(BUFFER_BYTES);
  if (buffer === NULL) {
    tell('[restart] failed to allocate memory for restart check');
    return 'failed';
  }
  file = { path, kept: settingsToKeep(slabConfig), buffer, fd };
  temporaries(path).forEach(remove); // left by a server that was killed
  const saved = restartCheck(file);
  if (saved === null) endReading(file);
  return saved;
}

// restart.c: restart_check
function restartCheck({ path, kept, fd, buffer }: MemoryFile): Saved | null | 'failed' {
  let text: string;
  try {
    text = readFileSync(metaPath(path), 'latin1');
  } catch {
    tell('[restart] no metadata save file, starting with a clean cache');
    return null;
  }
  if (!isMeta(text)) { // not our file: its owner may want it
    tell('[restart] Failed to read a tag from metadata file');
    return 'failed';
  }
  unlinkSync(metaPath(path));
  const saved = parseMeta(text, kept, time());
  if (typeof saved === 'string') return refuse(saved);
  try {
    const wrong = checkItems(fd, buffer, saved);
    return wrong === null ? saved : refuse(wrong);
  } catch (error) {
    return refuse(`the memory file cannot be read: ${reason(error)}`);
  }
}

function refuse(why: string): null {
  tell(`[restart] ${why}, starting with a clean cache`);
  return null;
}

/** Checks the file of the items. Returns an error message, or null. */
function checkItems(fd: number, buffer: Ptr, saved: Saved): string | null {
  const { size } = fstatSync(fd);
  if (size !== saved.bytes) return `the memory file has ${size} bytes and not ${saved.bytes}`;
  let sum = saved.metaChecksum;
  for (let at = 0; at < size;) {
    const n = readSync(fd, u8, buffer, BUFFER_BYTES, at);
    sum = crc32(u8.subarray(buffer, buffer + n), sum);
    at += n;
  }
  return sum === saved.checksum ? null : 'the checksum of the memory file is wrong';
}

/** Frees the file's disk space, and closes it. */
function endReading(from: MemoryFile): void {
  ftruncateSync(from.fd);
  closeSync(from.fd);
  from.fd = -1;
}

// restart.c: restart_fixup
/** Stores the items again, and continues the clock and the counters. Call it before there is any item. */
export function restartFixup(saved: Saved): void {
  if (file === null) throw new Error('no file is open');
  if (settings.verbose > 0) tell(`[restart] recovery start: ${saved.items} items`);
  // Items also age while the server is down.
  addTime(saved.currentTime + Math.max(time() - saved.stopTime, 0) - currentTime);
  setCasId(saved.currentCas);
  loggerSetGid(saved.loggerGid);
  settings.oldestLive = saved.oldestLive;
  // No limit: pages fill in another order than before, and no item should be lost for that.
  slabsSetLimit(Infinity);
  const lost = saved.items - readItems(file, saved.bytes);
  slabsSetLimit(settings.maxbytes);
  endReading(file);
  if (lost > 0) tell(`[restart] no memory for ${lost} items`);
  if (settings.verbose > 0) tell('[restart] recovery end');
}

/** Returns how many items were stored, or had expired. */
function readItems({ fd, buffer }: MemoryFile, bytes: number): number {
  let done = 0;
  /** The offset in the file of the bytes from `p` to `end`. */
  let at = 0, p = buffer, end = buffer;
  while (at < bytes) {
    // Have the whole item in the buffer, or as much as fits.
    if (end - p < HEAD_BYTES || end - p < Math.min(ntotalOf(p), BUFFER_BYTES)) {
      p = buffer;
      end = p + readSync(fd, u8, p, BUFFER_BYTES, at);
    }
    const ntotal = ntotalOf(p);
    if (readItem(p, ntotal, end - p, fd, at)) done++;
    at += aligned(ntotal);
    p += aligned(ntotal);
  }
  return done;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

/**
 * Stores an item unless it has expired meanwhile. `there` bytes from its start on are at `from`; in the file, it begins
 * at `at`. False if there is no memory.
 */
function readItem(from: Ptr, ntotal: number, there: number, fd: number, at: number): boolean {
  if (isGone(from)) return true;
  const id = slabsClsid(ntotal);
  const it = id === 0 ? NULL : slabsAlloc(ntotal, id);
  if (it === NULL) return false;
  const allocated = itFlags(it) & ITEM_CHUNKED;
  const head = Math.min(ntotal, there);
  memcpy(it, from, head);
  for (let done = head; done < ntotal;) done += readSync(fd, u8, it + done, ntotal - done, at + done);
  // Clears the count of flushes before the item: flushed items were not saved, and the count starts at 0.
  const flags = itFlags(it) & ~ITEM_CHUNKED & ((1 << ITEM_FLUSHES_SHIFT) - 1);
  setItFlags(it, flags | allocated);
  setLruId(it, id | (lruIdOf(it) & LRU_KIND));
  setField(it, IT_REFCOUNT, 1);
  itemLinkFixup(it, hashOf(keyOf(it), nkeyOf(it)));
  return true;
}

// Ending.

// restart.c: restart_mmap_close, restart_save
/** Writes the items and the metadata. If that fails, prints why on stderr, and leaves no metadata. */
export function restartMmapClose(): void {
  if (file === null || file.fd !== -1) return; // no -e, or the items are not read yet
  const { path, kept, buffer } = file;
  const meta = metaPath(path);
  const [temporary, temporaryMeta] = temporaries(path);
  const writer = new Writer(temporary, buffer);
  try {
    const { items, bytes } = measure();
    const text = metaText(kept, time(), items, bytes);
    writer.open(crc32(text));
    for (let lru = 0; lru < LRUS; lru++) {
      for (let it = lruTail(lru); it !== NULL; it = field(it, IT_PREV) >>> 0) if (!isGone(it)) writer.put(it);
    }
    writer.end(path);
    const metaWriter = new Writer(temporaryMeta, buffer);
    metaWriter.open(0);
    metaWriter.write(Buffer.from(text + checksumLine(writer.checksum)));
    metaWriter.end(meta);
  } catch (error) {
    tell(`[restart] failed to save the items: ${reason(error)}`);
    [temporary, temporaryMeta, meta].forEach(remove);
  }
}

/** How many items there are to write, and their bytes in the file. */
function measure(): { items: number; bytes: number } {
  let items = 0, bytes = 0;
  for (let lru = 0; lru < LRUS; lru++) {
    for (let it = lruTail(lru); it !== NULL; it = field(it, IT_PREV) >>> 0) {
      if (isGone(it)) continue;
      items++;
      bytes += aligned(ntotalOf(it));
    }
  }
  return { items, bytes };
}

/** A file that gets its name only when it is complete. */
class Writer {
  checksum = 0;
  private fd = -1;
  private used = 0;

  constructor(private readonly temporary: string, private readonly buffer: Ptr) {}

  open(checksum: number): void {
    this.checksum = checksum;
    this.fd = openSync(this.temporary, 'w', OWNER_ONLY);
  }

  /** Writes an item, padded with zeros to where the next one begins. */
  put(it: Ptr): void {
    const ntotal = ntotalOf(it), padding = aligned(ntotal) - ntotal;
    if (this.used + ntotal + padding > BUFFER_BYTES) this.flush();
    if (ntotal + padding > BUFFER_BYTES) {
      this.write(u8.subarray(it, it + ntotal));
    } else {
      memcpy(this.buffer + this.used, it, ntotal);
      this.used += ntotal;
    }
    memset(this.buffer + this.used, 0, padding);
    this.used += padding;
  }

  private flush(): void {
    this.write(u8.subarray(this.buffer, this.buffer + this.used));
    this.used = 0;
  }

  write(bytes: Uint8Array): void {
    this.checksum = crc32(bytes, this.checksum);
    for (let done = 0; done < bytes.length;) done += writeSync(this.fd, bytes, done);
  }

  end(path: string): void {
    this.flush();
    fsyncSync(this.fd);
    closeSync(this.fd);
    renameSync(this.temporary, path);
  }
}
