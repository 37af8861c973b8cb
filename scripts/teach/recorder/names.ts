// How values are shown: pointers by what they point to, flags and states by their names.
import { u8 } from '../../../lib/libc/heap';
import { Conn, ConnState, Item } from '../../../lib/memcached.h';
import { Event } from '../../../reactor/event.h';
import type { Kind } from '../tables';
import type { Signature } from './changes';
import { eventNames, functionName } from './events';
import { cString } from './memory';
import { itemKey } from './storage';

const TEXT_MAX = 48;

/** The objects into which pointers may point. */
export interface Targets {
  conns(): Iterable<Conn>;
  items(): Iterable<number>;
  /** The name of the client at a descriptor. */
  clientOf(fd: number): string | undefined;
}

export function hex(p: number): string {
  return `0x${p.toString(16)}`;
}

/** A value of C: uninitialised, a number, a structure … */
export function shown(value: unknown, kind: Kind | undefined, targets: Targets): string {
  switch (typeof value) {
    case 'undefined': return '?';
    case 'number': return numberShown(value, kind, targets);
    case 'string': return quoted(value);
    case 'boolean': return String(value);
    case 'function': return functionName(value);
    case 'object': return value === null ? 'NULL' : structShown(value, targets);
    default: return typeof value;
  }
}

/** Adds everything that `shown` depends on, for a value that is shown again and again. */
export function addTo(signature: Signature, value: unknown, kind: Kind | undefined): void {
  signature.add(value);
  if (typeof value === 'number' && kind === 'pointer') addText(signature, value);
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof Conn) signature.add(value.sfd);
  else if (value instanceof Event) signature.add(value.evFd);
  else if (value instanceof Item) {
    signature.add(value.ptr);
    addText(signature, value.end);
  } else {
    const fields = value as Record<string, unknown>;
    signature.add(fields['value']);
    signature.add(fields['tvSec']);
    signature.add(fields['tvUsec']);
  }
}

function addText(signature: Signature, p: number): void {
  let hash = 0;
  for (let i = p; i < p + TEXT_MAX && u8[i] !== 0; i++) hash = (hash * 31 + u8[i]) | 0;
  signature.add(hash);
}

function numberShown(value: number, kind: Kind | undefined, targets: Targets): string {
  if (kind === 'pointer') return pointerShown(value, targets);
  if (kind === 'state') return ConnState[value];
  return kind === 'flags' ? eventNames(value) : String(value);
}

function structShown(value: object, targets: Targets): string {
  if (value instanceof Conn) return `conn ${fdShown(value.sfd, targets)}`;
  if (value instanceof Item) return `item ${quoted(itemKey(value.ptr))} ${hex(value.ptr)}`;
  if (value instanceof Event) return value.evFd === -1 ? 'timer' : `event ${fdShown(value.evFd, targets)}`;
  const fields = value as Record<string, unknown>;
  if (typeof fields['value'] === 'number') return String(fields['value']);
  const { tvSec, tvUsec } = fields;
  if (typeof tvSec === 'number' && typeof tvUsec === 'number') return `${tvSec}.${String(tvUsec).padStart(6, '0')} s`;
  if (typeof fields['perslab'] === 'number') return `class of ${String(fields['size'])} bytes`;
  if (value instanceof Promise) return 'promise';
  return Array.isArray(value) ? `${value.length} elements` : '{…}';
}

/** 'fd 4 (A)' */
function fdShown(fd: number, targets: Targets): string {
  const client = targets.clientOf(fd);
  return client === undefined ? `fd ${fd}` : `fd ${fd} (${client})`;
}

function pointerShown(p: number, targets: Targets): string {
  if (p === 0) return 'NULL';
  const text = cString(p, TEXT_MAX);
  const printable = text !== '' && /^[\t\r\n\x20-\x7e]+$/.test(text);
  return printable ? `${placeOf(p, targets)} ${quoted(text)}` : placeOf(p, targets);
}

/** 'rbuf+3', 'data of "greeting"+0', or the address. */
export function placeOf(p: number, targets: Targets): string {
  for (const c of targets.conns()) {
    if (within(p, c.rbuf, c.rsize)) return `rbuf+${p - c.rbuf}`;
    if (within(p, c.wbuf, c.wsize)) return `wbuf+${p - c.wbuf}`;
    if (within(p, c.ilist, 4 * c.isize)) return `ilist+${(p - c.ilist) / 4}`;
    if (within(p, c.ibuf, 320)) return `ibuf+${p - c.ibuf}`;
  }
  for (const item of targets.items()) {
    const it = new Item(item);
    if (within(p, it.data, it.nbytes)) return `data of ${quoted(itemKey(item))}+${p - it.data}`;
    if (p === it.key) return `key of ${hex(item)}`;
  }
  return hex(p);
}

function within(p: number, start: number, length: number): boolean {
  return start !== 0 && p >= start && p < start + length && p < u8.length;
}

/** A string as in C, cut off if it is long. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text);
}
