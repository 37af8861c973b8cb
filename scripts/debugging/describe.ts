// How a debugger shows a connection, an item and an event: one line, and fields with names in place of numbers.
import * as eventFlags from '../../reactor/event.h';
import * as memcached from '../../lib/memcached.h';
import heap from '../../lib/libc/heap';
import { address, inMemory, pointer, quoted, string } from './bytes';
import { flagNames } from '../../reactor/flagnames';
import { named } from './flags';

const { Conn, ConnState, Item } = memcached;
const { Event } = eventFlags;

const EV = named(eventFlags, 'EV_');
const EVLIST = named(eventFlags, 'EVLIST_');
delete EVLIST['EVLIST_ALL'];
const ITEM = named(memcached, 'ITEM_');
const NREAD = named(memcached, 'NREAD_');

type Fields = Record<string, unknown>;

function state(value: memcached.ConnState): string {
  return (ConnState as Readonly<Record<number, string | undefined>>)[value] ?? String(value);
}

export function connLine(c: memcached.Conn): string {
  return `conn fd ${c.sfd}, ${state(c.state)}, rbuf ${c.rbytes}/${c.rsize}`;
}

export function connFields(c: memcached.Conn): Fields {
  return {
    sfd: c.sfd,
    state: state(c.state),
    event: c.event,
    evFlags: flagNames(c.evFlags, EV),
    which: flagNames(c.which, EV),
    rbuf: pointer(c.rbuf, c.rbytes),
    rsize: c.rsize,
    rbytes: c.rbytes,
    wbuf: address(c.wbuf),
    wcurr: `${within(c.wcurr, c.wbuf, c.wsize, 'wbuf')} ${quoted(c.wcurr, c.wbytes)}`,
    wsize: c.wsize,
    wbytes: c.wbytes,
    writeAndGo: state(c.writeAndGo),
    writeAndFree: address(c.writeAndFree),
    rcurr: within(c.rcurr, c.rbuf, c.rsize, 'rbuf'),
    rlbytes: c.rlbytes,
    item: c.item,
    itemComm: Object.entries(NREAD).find(([, value]) => value === c.itemComm)?.[0] ?? c.itemComm,
    sbytes: c.sbytes,
    ilist: ilist(c),
    isize: c.isize,
    icurr: c.ilist === 0 ? address(c.icurr) : `ilist+${(c.icurr - c.ilist) / 4}`,
    ileft: c.ileft,
    ipart: c.ipart,
    ibuf: string(c.ibuf),
    iptr: pointer(c.iptr, c.ibytes),
    ibytes: c.ibytes,
    protocol: c.protocol,
  };
}

/** A pointer into a buffer as the buffer and an offset. */
function within(p: number, start: number, size: number, name: string): string {
  return start !== 0 && p >= start && p <= start + size ? `${name}+${p - start}` : address(p);
}

/** The items that a get has found and still has to write. */
function ilist(c: memcached.Conn): string | memcached.Item[] {
  if (c.ilist === 0 || c.ileft === 0) return address(c.ilist);
  return Array.from({ length: c.ileft }, (_, i) => new Item(heap.u32[(c.icurr + 4 * i) >>> 2]));
}

export function itemLine(it: memcached.Item): string {
  if (!inMemory(it.ptr)) return `item ${address(it.ptr)}`;
  return `item ${string(it.key)} (${it.nbytes} bytes, refcount ${it.refcount})`;
}

export function itemFields(it: memcached.Item): Fields {
  if (!inMemory(it.ptr)) return { ptr: address(it.ptr) };
  return {
    ptr: address(it.ptr),
    next: neighbour(it.ptr),
    prev: neighbour(it.ptr + 4),
    refcount: it.refcount,
    itFlags: flagNames(it.itFlags, ITEM),
    key: pointer(it.key, string(it.key).length - 2),
    data: pointer(it.data, it.nbytes),
    slabsClsid: it.slabsClsid,
    nbytes: it.nbytes,
    ntotal: it.ntotal,
    flags: it.flags,
    time: it.time,
    exptime: it.exptime,
  };
}

/** A new view, since the port reuses its own views. */
function neighbour(pp: number): memcached.Item | null {
  const p = heap.u32[pp >>> 2];
  return p === 0 ? null : new Item(p);
}

export function eventLine(ev: eventFlags.Event): string {
  const fd = (ev.evEvents & eventFlags.EV_SIGNAL) !== 0 ? 'signal' : 'fd';
  return `event ${fd} ${ev.evFd}, ${flagNames(ev.evEvents, EV)}, on ${flagNames(ev.evFlags, EVLIST)}`;
}

export function eventFields(ev: eventFlags.Event): Fields {
  const { tvSec, tvUsec } = ev.evTimeout;
  return {
    evFd: ev.evFd,
    evEvents: flagNames(ev.evEvents, EV),
    evFlags: flagNames(ev.evFlags, EVLIST),
    evRes: flagNames(ev.evRes, EV),
    evNcalls: ev.evNcalls,
    evTimeout: (ev.evFlags & eventFlags.EVLIST_TIMEOUT) === 0 ? null : tvSec + tvUsec / 1e6,
    evCallback: ev.evCallback,
    evArg: ev.evArg,
  };
}

const DESCRIPTION = Symbol.for('debug.description');
const PROPERTIES = Symbol.for('debug.properties');
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Tells js-debug, the debugger of VS Code, and the console what to show. */
export function describe(): void {
  teach(Conn.prototype, connLine, connFields);
  teach(Item.prototype, itemLine, itemFields);
  teach(Event.prototype, eventLine, eventFields);
}

function teach<T extends object>(prototype: T, line: (it: T) => string, fields: (it: T) => Fields): void {
  define(prototype, DESCRIPTION, function (this: T) { return line(this); });
  define(prototype, PROPERTIES, function (this: T) { return fields(this); });
  define(prototype, INSPECT, function (this: T) { return line(this); });
}

function define(prototype: object, name: symbol, value: () => unknown): void {
  Object.defineProperty(prototype, name, { value, configurable: true, enumerable: false, writable: true });
}
