// Real sockets in this process, on a backend that has them.
import { readdirSync, readlinkSync } from 'node:fs';
import { eventEconomy } from '../../reactor/backends';
import { EV_READ, EVLOOP_ONCE, Event } from '../../reactor/event.h';
import { eventAdd, eventInit, eventLoop, eventSet, evsel } from '../../reactor/event';
import { errno } from '../../reactor/errno.h';
import { AF_INET, F_GETFL, F_SETFL, O_NONBLOCK, SOCK_STREAM } from '../../reactor/socket.h';
import { accept, bind, close, connect, fcntl, getsockname, listen, socket } from '../../reactor/syscalls';
import { backends, environment } from './server';
import type { Backend } from './server';

export const LOOPBACK = 0x7f000001;

/** event_init with only `backend` available. */
export function init(backend: Backend, economy = false): void {
  for (const name of backends) Reflect.deleteProperty(process.env, `EVENT_NO${name.toUpperCase()}`);
  Object.assign(process.env, environment(backend));
  eventEconomy(economy);
  eventInit();
  if (evsel.name !== backend) throw new Error(`${evsel.name} instead of ${backend}`);
}

export function listener(backlog = 16): { fd: number; port: number } {
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  const addr = { sinFamily: AF_INET, sinPort: 0, sinAddr: LOOPBACK };
  if (bind(fd, addr) === -1 || listen(fd, backlog) === -1 || getsockname(fd, addr) === -1) throw new Error(`errno ${errno}`);
  return { fd, port: addr.sinPort };
}

/** Sets O_NONBLOCK: calls that would have to wait fail with EAGAIN. */
export function unblock(fd: number): number {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  return fd;
}

/**
 * Only for epoll, whose connect blocks: `count` connections, each with its two ends, the accepted one first.
 */
export function connections(count: number): [number, number][] {
  const { fd, port } = listener();
  const pairs = Array.from({ length: count }, (): [number, number] => {
    const far = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(far, { sinFamily: AF_INET, sinPort: port, sinAddr: LOOPBACK }) === -1) throw new Error(`errno ${errno}`);
    return [unblock(accept(fd, null)), unblock(far)];
  });
  close(fd);
  return pairs;
}

/** Runs the loop until `fd` is readable or writable; the event does not persist. */
export async function until(fd: number, what = EV_READ): Promise<void> {
  const ev = new Event();
  let came = 0;
  eventSet(ev, fd, what, (_fd, which) => void (came = which), null);
  eventAdd(ev, null);
  while (came === 0) await eventLoop(EVLOOP_ONCE);
}

/** Linux only: the descriptors of this process with their targets from /proc. */
export function descriptors(): Map<number, string> {
  return new Map(readdirSync('/proc/self/fd').flatMap((name): [number, string][] => {
    try {
      return [[Number(name), readlinkSync(`/proc/self/fd/${name}`)]];
    } catch {
      return []; // the descriptor that readdir itself used
    }
  }));
}
