// event.c's table of backends: which there are, in order of preference, for eventInit to pick from.
import { economical } from './economy/economy';
import { epollops } from './epoll';
import { setEventops } from './event';
import { netops } from './net';
import { simops } from './sim';

/** sim is there only for a program that has set up a simulation. */
const eventops = [simops, epollops, netops];

/**
 * For a program to call before eventInit, which finds no backend otherwise. `on`: whether the backend makes fewer system
 * calls than the program (economy/).
 */
export function eventEconomy(on: boolean): void {
  setEventops(on ? eventops.map(economical) : eventops);
}
