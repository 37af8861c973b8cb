// restart.c: with -e <file> the items outlive the server, if it ends gracefully: by SIGUSR1, or `shutdown graceful`.
//
// C has its slab pages in the file all the time, and corrects the pointers in them when it starts again. Here, the
// items are written when the server ends, one behind the other, each LRU from its end; and stored anew when it starts.
// So the file is as large as what is in it, and depends on no address. Beside it there is <file>.meta. Both are
// written under another name first. What was read is gone, so that a server that crashes later leaves nothing to be
// believed.
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
/** What is read and written at a time. */
const BUFFER_BYTES = 256 * 1024;
/** The header of an item with its client flags: it tells how long the item is. */
const HEAD_BYTES = SIZEOF_ITEM + 4;
/** Items begin at multiples of this, in the file as in memory. */
const ALIGN = 4;
const LRU_KIND = 192;

interface MemoryFile {
  path: string;
  kept: ReturnType<typeof settingsToKeep>;
  buffer: Ptr;
  /** Its descriptor until the items are read; -1 then. */
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
    // it is not there
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
 * Opens the file, and looks what there is: what to go on with, or null for a server without items. 'failed' where the
 * server cannot start. Says on stderr what is wrong. Call it after memoryInit and before the first item.
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
  temporaries(path).forEach(remove); // somebody was killed while writing
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
  if (!isMeta(text)) { // somebody else's, who may want it
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

/** What is wrong with the file of the items, or null. */
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

/** Gives the room of the file back. */
function endReading(from: MemoryFile): void {
  ftruncateSync(from.fd);
  closeSync(from.fd);
  from.fd = -1;
}

// restart.c: restart_fixup
/** Stores the items again, and sets the clock and what counts to go on. There must be no item yet. */
export function restartFixup(saved: Saved): void {
  if (file === null) throw new Error('no file is open');
  if (settings.verbose > 0) tell(`[restart] recovery start: ${saved.items} items`);
  // The time that has passed meanwhile counts.
  addTime(saved.currentTime + Math.max(time() - saved.stopTime, 0) - currentTime);
  setCasId(saved.currentCas);
  loggerSetGid(saved.loggerGid);
  settings.oldestLive = saved.oldestLive;
  // Pages fill in another order than before: no item is to be lost for that.
  slabsSetLimit(Infinity);
  const lost = saved.items - readItems(file, saved.bytes);
  slabsSetLimit(settings.maxbytes);
  endReading(file);
  if (lost > 0) tell(`[restart] no memory for ${lost} items`);
  if (settings.verbose > 0) tell('[restart] recovery end');
}

/** How many items are done with. */
function readItems({ fd, buffer }: MemoryFile, bytes: number): number {
  let done = 0;
  /** Where the bytes from `p` to `end` begin in the file. */
  let at = 0, p = buffer, end = buffer;
  while (at < bytes) {
    // A whole item, or as much as the buffer holds of it.
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
 * Stores an item, of which `there` bytes are at `from` and the rest is in the file, unless it has expired meanwhile.
 * False where there is no memory.
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
  // Those that a flush has taken were not written: no flush came before this item.
  const flags = itFlags(it) & ~ITEM_CHUNKED & ((1 << ITEM_FLUSHES_SHIFT) - 1);
  setItFlags(it, flags | allocated);
  setLruId(it, id | (lruIdOf(it) & LRU_KIND));
  setField(it, IT_REFCOUNT, 1);
  itemLinkFixup(it, hashOf(keyOf(it), nkeyOf(it)));
  return true;
}

// Ending.

// restart.c: restart_mmap_close, restart_save
/** Writes the items and the metadata. Where it fails, that is told on stderr, and nothing is left. */
export function restartMmapClose(): void {
  if (file === null || file.fd !== -1) return; // it is not open, or not read yet
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

/** How many items there are to write, and the bytes that they take in the file. */
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

/** A file that has its name when it is whole. */
class Writer {
  checksum = 0;
  private fd = -1;
  private used = 0;

  constructor(private readonly temporary: string, private readonly buffer: Ptr) {}

  open(checksum: number): void {
    this.checksum = checksum;
    this.fd = openSync(this.temporary, 'w', OWNER_ONLY);
  }

  /** Writes an item, with zeros behind it up to where the next one begins. */
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
