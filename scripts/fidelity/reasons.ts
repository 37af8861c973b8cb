// Why a function differs where its source carries no DEVIATION comment of its own.

const DEFAULT_REASON = 'porting key: pointers, buffers and macros of C are reached through accessors';

/** By the C file and the name in C, since static functions can share a name. */
const reasons: ReadonlyMap<string, string> = new Map<string, string>([
  ['memcached.c conn_close', 'a listening connection that rests is woken: see acceptNewConns'],
  ['memcached.c complete_nread', 'the compiler has to be told that there is an item'],
  ['memcached.c usage', 'the port has options of its own'],
  ['memcached.c usage_license', 'the licences are read from the file that comes with the package'],
  ['epoll.c epoll_init', 'the system calls are reached through a foreign function interface that has to be loaded'],
  ['epoll.c epoll_recalc', 'an array grows by itself'],
  ['epoll.c epoll_dispatch', 'Node\'s own loop has to run before the wait; what comes after it is in dispatched'],
  ['signal.c evsignal_init', 'Node keeps handlers by name, and a set of signals is a Set'],
  ['signal.c evsignal_add', 'a set of signals is a Set'],
  ['signal.c evsignal_del', 'a set of signals is a Set'],
  ['signal.c evsignal_recalc', 'Node calls handlers only while its own loop runs, so nothing has to be blocked'],
  ['signal.c evsignal_deliver', 'Node calls handlers only while its own loop runs, so nothing has to be blocked'],
  ['signal.c evsignal_process', 'the counts of signals are a Map'],
]);

export function reasonFor(file: string, functionName: string): string {
  return reasons.get(`${file} ${functionName}`) ?? DEFAULT_REASON;
}
