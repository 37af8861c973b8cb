// event.c's table of backends, in order of preference. eventInit picks from it.
import { economical } from './economy/economy';
import { epollops } from './epoll';
import { setEventops } from './event';
import { netops } from './net';
import { simops } from './sim';

/** sim is available only to a program that has set up a simulation. */
const eventops = [simops, epollops, netops];

/**
 * A program calls this before eventInit, which otherwise finds no backend. `on`: whether the backend makes fewer
 * system calls than the program (economy/).
 */
export function eventEconomy(on: boolean): void {
  setEventops(on ? eventops.map(economical) : eventops);
}
