// The face of reactor/ for programs that use it as a library.
export * from './err';
export * from './errno.h';
export * from './event.h';
export * from './evtimer';
export * from './socket.h';
export * from './syscalls';
export {
  eventActive, eventAdd, eventDel, eventDispatch, eventEconomy, eventInit, eventLoop, eventPending, eventSet,
} from './event';
