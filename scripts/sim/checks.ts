// Invariants that hold whenever the server is idle, whatever clients and the system have done.
import { eventqueue } from '../../reactor/event';
import { TAILQ_FIRST, TAILQ_NEXT } from '../../reactor/queue';
import { lingering } from '../../reactor/syscalls';
import type { Simulation } from '../../reactor/sim';
import { i32, u32 } from '../../lib/libc/heap';
import { NULL } from '../../lib/libc/memory';
import type { Ptr } from '../../lib/libc/memory';
import { READ_BUFFER_HIGHWAT } from '../../lib/later';
import { Conn, ConnState, ITEM_DELETED, ITEM_LINKED, stats } from '../../lib/memcached.h';
import type { Item } from '../../lib/memcached.h';
import { item as viewOf } from '../../lib/memcached.h';
import { IT_REFCOUNT, field } from '../../lib/1.6/memcached.h';
import { chunksOut } from './observer';
import { checkLinks, checkStorage, keyText } from './storage';
import { itemOf2003 } from './world10';
import { text } from './memory';

const LIST_HIGHWAT = 400;

/** The connections that wait for something, listening ones too. */
export function conns(): Conn[] {
  const found = new Set<Conn>();
  for (let ev = TAILQ_FIRST(eventqueue); ev; ev = TAILQ_NEXT(ev.evNext)) {
    if (ev.evArg instanceof Conn && ev.evArg.event === ev) found.add(ev.evArg);
  }
  return [...found];
}

export function isListening(c: Conn): boolean {
  return c.state === ConnState.listening;
}

/** Checks that events, descriptors and connections belong together. `listeners`: the number of listening sockets. */
export function checkDescriptors(sim: Simulation, listeners: number): string | null {
  const open = new Set(sim.openFds());
  const fds = new Set<number>();
  for (let ev = TAILQ_FIRST(eventqueue); ev; ev = TAILQ_NEXT(ev.evNext)) {
    if (ev.evFd < 0) continue;
    if (!open.has(ev.evFd)) return `an event waits for descriptor ${ev.evFd}, which is closed`;
    if (!(ev.evArg instanceof Conn)) continue;
    if (ev.evArg.sfd !== ev.evFd) return `an event waits for descriptor ${ev.evFd}, its connection has ${ev.evArg.sfd}`;
    if (ev.evArg.state === ConnState.closing) return `an event of a closed connection waits for ${ev.evFd}`;
    if (isListening(ev.evArg)) continue;
    if (fds.has(ev.evFd)) return `two connections have descriptor ${ev.evFd}`;
    fds.add(ev.evFd);
  }
  if (stats.currConns - listeners !== fds.size) return `${stats.currConns - listeners} connections, and ${fds.size} wait for something`;
  const owned = listeners + fds.size + lingering();
  return open.size === owned ? null : `${open.size} descriptors are open, and ${owned} have an owner`;
}

/** A connection that waits for a command has no buffers, and no buffer lies in the items' arena. */
export function checkBuffers(itemsStart: Ptr): string | null {
  for (const c of conns()) {
    if (isListening(c)) continue;
    for (const p of [c.rbuf, c.wbuf, c.ilist, c.writeAndFree]) {
      if (p >= itemsStart) return `connection ${c.sfd} has a buffer in the memory of items`;
    }
    if (c.state !== ConnState.read || c.rbytes > 0) continue;
    if (c.rbuf !== NULL || c.wbuf !== NULL || c.ilist !== NULL) return `connection ${c.sfd} is idle, and has buffers`;
    if (c.rsize > READ_BUFFER_HIGHWAT || c.isize > LIST_HIGHWAT) return `connection ${c.sfd} keeps a size of ${c.rsize}`;
  }
  return null;
}

/** 1.6: each item's refcount is its number of holders. `whole`: also checks every chunk of every page. */
export function checkItems16(whole: boolean): string | null {
  const holds = new Map<Ptr, number>();
  const hold = (it: Ptr): void => {
    holds.set(it, (holds.get(it) ?? 0) + 1);
  };
  const linked = checkLinks();
  linked.forEach(hold);
  for (const c of conns()) {
    if (c.it !== NULL) hold(c.it);
    for (let i = 0; i < c.ileft; i++) hold(i32[(c.icurr >>> 2) + i] >>> 0);
  }
  for (const [it, count] of holds) {
    if (field(it, IT_REFCOUNT) !== count) return `${keyText(it)} has ${field(it, IT_REFCOUNT)} references, and ${count} hold it`;
  }
  if (whole) checkStorage([...holds.keys()].filter((it) => !linked.has(it)));
  return null;
}

/** 1.0.4: every allocated chunk has an owner, and its refcount is its number of holders. */
export function checkItems2003(): string | null {
  const holds = new Map<Ptr, number>();
  const inHand = new Set<Ptr>();
  for (const c of conns()) {
    if (c.item !== null) inHand.add(c.item.ptr);
    for (let i = 0; i < c.ileft; i++) {
      const it = u32[(c.icurr >>> 2) + i];
      holds.set(it, (holds.get(it) ?? 0) + 1);
    }
  }
  const linked: Item[] = [];
  for (const ptr of chunksOut.keys()) {
    if (inHand.has(ptr)) continue;
    const it = viewOf(ptr);
    if (it === null) continue;
    const held = (holds.get(ptr) ?? 0) + (it.itFlags & ITEM_DELETED ? 1 : 0);
    if (it.refcount !== held) return `${text(it.key)} has ${it.refcount} references, and ${held} hold it`;
    if ((it.itFlags & ITEM_LINKED) !== 0) linked.push(it);
    else if (held === 0) return `the chunk of ${text(it.key)} belongs to nobody`;
  }
  for (const ptr of holds.keys()) if (!chunksOut.has(ptr)) return `item ${ptr} is being sent, and is free`;
  for (const ptr of inHand) if (!chunksOut.has(ptr)) return `item ${ptr} is being read, and is free`;
  return linked.length === stats.currItems ? checkLists2003(linked) : `${linked.length} items are linked, not ${stats.currItems}`;
}

/** A lookup finds each item, and the list of each class has all of its items. */
function checkLists2003(linked: readonly Item[]): string | null {
  const ends = new Map<number, [heads: number, tails: number]>();
  let bytes = 0;
  for (const it of linked) {
    const { ptr, prev, next, slabsClsid } = it;
    bytes += it.ntotal;
    const key = text(it.key);
    if (itemOf2003(key)?.ptr !== ptr) return `${key} is linked, and is not found`;
    if (prev !== null && prev.next?.ptr !== ptr) return `${key}: the item before it does not lead to it`;
    if (next !== null && next.prev?.ptr !== ptr) return `${key}: the item behind it does not lead back`;
    if (chunksOut.get(ptr) !== slabsClsid) return `${key}: its chunk is of another class`;
    const [heads, tails] = ends.get(slabsClsid) ?? [0, 0];
    ends.set(slabsClsid, [heads + (prev === null ? 1 : 0), tails + (next === null ? 1 : 0)]);
  }
  for (const [id, [heads, tails]] of ends) if (heads !== 1 || tails !== 1) return `class ${id} has ${heads} heads, ${tails} tails`;
  return bytes === stats.currBytes ? null : `stats: bytes is ${stats.currBytes}, and not ${bytes}`;
}
