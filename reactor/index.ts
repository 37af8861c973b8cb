// What a program that uses the reactor as a library may call. Importing it also names the backends for eventInit.
import { eventEconomy } from './backends';

export { eventEconomy };
export { serveDatagrams } from './datagram';
export {
  eventActive, eventAdd, eventDel, eventDispatch, eventInit, eventLoop, eventPending, eventSet, setEventGotsig,
  setEventSigcb,
} from './event';
export {
  EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_SIGNAL, EV_TIMEOUT, EV_WRITE, Event,
} from './event.h';
export type { EventCallback } from './event.h';
export {
  eventInitialized, evtimerAdd, evtimerDel, evtimerInitialized, evtimerPending, evtimerSet, signalAdd, signalDel,
  signalInitialized, signalPending, signalSet, timeoutAdd, timeoutDel, timeoutInitialized, timeoutPending, timeoutSet,
} from './evtimer';
export * from './errno.h';
export { Errx } from './err';
export * from './socket.h';
export { sockaddrStorage } from './sockaddr';
export {
  accept, bind, close, connect, fcntl, getpeername, getrandom, getsockname, gettimeofday, listen, read, recvfrom,
  sendto, setsockopt, shutdown, socket, time, write,
} from './syscalls';
export type { Timeval } from './time';

eventEconomy(false);
