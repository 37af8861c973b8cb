// Puts the names of the port's files on globalThis. A debugger looks names up in the compiled file, where an imported
// name is a field of its module: `settings.maxbytes` would be a ReferenceError.
import heap from '../../lib/libc/heap';
import * as memory from '../../lib/libc/memory';
import * as items from '../../lib/items';
import * as later from '../../lib/later';
import * as memcached from '../../lib/memcached';
import * as memcachedH from '../../lib/memcached.h';
import * as slabs from '../../lib/slabs';
import * as errno from '../../reactor/errno.h';
import * as event from '../../reactor/event';
import * as eventH from '../../reactor/event.h';
import { string } from './bytes';

const modules: readonly object[] = [memcachedH, memcached, items, slabs, later, eventH, event, errno, memory];

/** A name's value is looked up at each use. Names that globalThis already has stay as they are. */
export function nameAll(): void {
  for (const module of modules) {
    for (const name of Object.keys(module)) give(name, () => (module as Readonly<Record<string, unknown>>)[name]);
  }
  give('u8', () => heap.u8);
  give('u32', () => heap.u32);
  give('i32', () => heap.i32);
  /** The string at a pointer. */
  give('str', () => string);
}

function give(name: string, get: () => unknown): void {
  if (!(name in globalThis)) Object.defineProperty(globalThis, name, { get, configurable: true });
}
