// event.c's table of backends, in order of preference. eventInit picks from it.
import { economical } from './economy/economy';
import { epollops } from './epoll';
import { setEventops } from './event';
import type { Eventop } from './event.h';
import { netops } from './net';
import { simops } from './sim';

/** sim is available only to a program that has set up a simulation. */
const eventops = [simops, epollops, netops];

/**
 * A program calls this before eventInit, which otherwise finds no backend. `on`: whether the backend makes fewer
 * system calls than the program (economy/). `over`: a layer above that, which sees the calls as the program makes them.
 */
export function eventEconomy(on: boolean, over: ((base: Eventop) => Eventop) | null = null): void {
  const chosen = on ? eventops.map(economical) : eventops;
  setEventops(over === null ? chosen : chosen.map(over));
}
