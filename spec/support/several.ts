// Several clients of a simulation, for specs of batched reads and writes.
import type { ExecutionContext } from 'ava';
import { EAGAIN } from '../../reactor/errno.h';
import { EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ } from '../../reactor/event.h';
import type { Event } from '../../reactor/event.h';
import { eventAdd, eventLoop } from '../../reactor/event';
import type { SimClient, Simulation } from '../../reactor/sim';
import { readText, writeText } from './calls';
import { accepted, newEvent, turn } from './simulated';

/** The result of a read in a callback: text, or an errno value. */
export type Got = string | number;

/** Clients, and their descriptors, whose last read was short. */
export async function warm(sim: Simulation, count = 4): Promise<[SimClient, number][]> {
  const pairs = accepted(sim, count);
  for (const [client] of pairs) client.send('x');
  await turn(() => {
    for (const [, fd] of pairs) readText(fd);
  });
  return pairs;
}

/** Calls `callback` whenever one of the descriptors is readable. */
export function watch(pairs: readonly [unknown, number][], callback: (fd: number, which: number) => void): Event[] {
  return pairs.map(([, fd]) => {
    const ev = newEvent(fd, EV_READ | EV_PERSIST, callback);
    eventAdd(ev, null);
    return ev;
  });
}

/** A turn of the loop, which does not wait. */
export function oneTurn(): Promise<number> {
  return eventLoop(EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/** Reads until there is no more; returns the result of each read. */
export function readAll(fd: number, length = 4096): Got[] {
  const got: Got[] = [];
  do got.push(readText(fd, length)); while (typeof got.at(-1) === 'string' && got.at(-1) !== '');
  return got;
}

/** Every client sends hello, and gets its answer in the next turn. */
export async function answered(t: ExecutionContext, pairs: readonly [SimClient, number][]): Promise<void> {
  watch(pairs, (fd) => {
    t.deepEqual(readAll(fd), ['hello', EAGAIN]);
    writeText(fd, 'world');
  });
  for (const [client] of pairs) client.send('hello');
  await oneTurn();
  for (const [client] of pairs) t.is(client.take().toString(), 'world');
}

/** The descriptors of `pairs`, as in a call's record. */
export function list(pairs: readonly [unknown, number][]): string {
  return pairs.map(([, fd]) => fd).join(' ');
}

/** `length` bytes, no part of which looks like another. */
export function distinct(length: number): string {
  return Array.from({ length }, (_, i) => String.fromCharCode((i * 7 + (i >> 8) * 3) & 0xff)).join('');
}

export function times<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}
