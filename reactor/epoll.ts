// epoll.c: events by epoll(7), and how Node's own loop gets to run beside it.
import { isMainThread } from 'node:worker_threads';
import { EV_PERSIST, EV_READ, EV_SIGNAL, EV_WRITE } from './event.h';
import type { Event, Eventop } from './event.h';
import { eventActive, eventDel, eventGotsig, eventTv } from './event';
import { EEXIST, EINTR, ENOENT, errno } from './errno.h';
import { warn } from './err';
import { loadSystem } from './linux/ffi';
import type { System } from './linux/ffi';
import { trace } from './log';
import {
  evsignalAdd, evsignalCaught, evsignalDel, evsignalDeliver, evsignalInit, evsignalProcess, evsignalRecalc,
} from './signal';
import type { Sigset } from './signal';
import { getenv } from './stdlib.h';
import type { Syscalls } from './syscalls.h';
import type { Timeval } from './time';

const debugEpoll = trace('reactor:epoll');

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLL_CTL_MOD = 3;
const EPOLLIN = 0x01;
const EPOLLOUT = 0x04;
const EPOLLERR = 0x08;
const EPOLLHUP = 0x10;
const EPOLL_CLOEXEC = 0o2000000;

// struct epoll_event, in 32-bit words: packed on x86 (12 bytes), aligned elsewhere (16).
const PACKED = process.arch === 'x64' || process.arch === 'ia32';
const EVENT_WORDS = PACKED ? 3 : 4;
const DATA_WORD = PACKED ? 1 : 2;

/** Due to limitations in the epoll interface, we keep track of all descriptors ourselves. */
interface Evepoll {
  evread: Event | null;
  evwrite: Event | null;
}

interface Epollop {
  fds: Evepoll[];
  nfds: number;
  /** struct epoll_event[nevents], and one more for epoll_ctl: the kernel's side of `events`. */
  events: Uint32Array;
  nevents: number;
  epfd: number;
  /** epoll_wait(2) for at most `timeout` milliseconds. (A closure, since an address in a field would be garbage.) */
  wait: (timeout: number) => number;
  /** epoll_ctl(2) with the last of `events`. */
  ctl: (op: number, fd: number) => number;
  evsigmask: Sigset;
  system: System;
  node: NodeLoop;
}

/** The state of Node's own loop. Its descriptor is in our epoll set. */
interface NodeLoop {
  fd: number;
  /** It has something to do: its descriptor was readable, or a signal came. */
  due: boolean;
  /** When it last ran. */
  yielded: Timeval;
  /** Referenced while we wait, so that libuv considers its loop alive and counts its timers. */
  hold: NodeJS.Timeout;
}

/** How long the loop may keep Node waiting under load. */
const YIELD_INTERVAL_US = 5000;
/** How long to wait for more events before yielding to Node: a client's answer is often quicker than that. */
const WAIT_BEFORE_YIELD_MS = 1;
const MAX_DELAY_MS = 2 ** 31 - 1;

/** How many events one epoll_wait reports at most. C uses this on a system without RLIMIT_NOFILE. */
const NEVENT = 32000;

let system: System | null = null;

export const epollops: Eventop = {
  name: 'epoll',
  init: epollInit,
  add: epollAdd,
  del: epollDel,
  recalc: epollRecalc,
  endTurn: () => {},
  dispatch: epollDispatch,
  poll: epollPoll,
  get syscalls(): Syscalls {
    if (system === null) throw new Error('epoll: not initialised');
    return system.syscalls;
  },
};

// epoll.c: epoll_init
function epollInit(): object | null {
  const nfiles = NEVENT; // DEVIATION: there is room for 32,000 events, whatever RLIMIT_NOFILE says
  let epfd: number;

  // Disable epoll when this environment variable is set.
  if (getenv('EVENT_NOEPOLL') !== null) return null;

  // We can find the libuv loop of the main thread only.
  if (!isMainThread) return null;
  system ??= loadSystem();
  if (system === null) return null;

  // Initialize the kernel queue.
  if ((epfd = system.epollCreate1(EPOLL_CLOEXEC)) === -1) {
    warn('epoll_create1');
    return null;
  }

  // Initialize fields.
  const calls = system;
  const events = new Uint32Array((nfiles + 1) * EVENT_WORDS);
  const eventsAddr = calls.addressOf(new Uint8Array(events.buffer));
  const lastAddr = eventsAddr + nfiles * EVENT_WORDS * 4;
  const epollop: Epollop = {
    fds: [],
    nfds: 0,
    events,
    nevents: nfiles,
    epfd,
    wait: (timeout) => calls.epollWait(epfd, eventsAddr, nfiles, timeout),
    ctl: (op, fd) => calls.epollCtl(epfd, op, fd, lastAddr),
    evsigmask: new Set(),
    system,
    node: {
      fd: system.uvBackendFd(),
      due: true,
      yielded: { tvSec: 0, tvUsec: 0 },
      hold: setInterval(() => {}, MAX_DELAY_MS).unref(),
    },
  };
  if (epollCtl(epollop, EPOLL_CTL_ADD, epollop.node.fd, EPOLLIN) === -1) {
    warn('epoll_ctl');
    system.syscalls.close(epfd);
    return null;
  }

  evsignalInit(epollop.evsigmask);

  return epollop;
}

// epoll.c: epoll_recalc
function epollRecalc(arg: object, max: number): number {
  const epollop = arg as Epollop;

  // DEVIATION: the table has room for `max` itself
  if (max >= epollop.nfds) {
    let nfds: number;

    nfds = epollop.nfds || 64;
    while (nfds <= max) nfds *= 2;

    for (let fd = epollop.nfds; fd < nfds; fd++) epollop.fds.push({ evread: null, evwrite: null });
    epollop.nfds = nfds;
  }

  return evsignalRecalc(epollop.evsigmask);
}

// epoll.c: epoll_dispatch
function epollDispatch(arg: object, tv: Timeval): number | Promise<number> {
  const epollop = arg as Epollop;
  const { node } = epollop;

  if (evsignalDeliver(epollop.evsigmask) === -1) return -1;

  // DEVIATION: the wait is rounded up to whole milliseconds [1.1]
  const timeout = tv.tvSec * 1000 + Math.ceil(tv.tvUsec / 1000);

  if (!mustYield(node)) {
    const res = epollop.wait(Math.min(timeout, WAIT_BEFORE_YIELD_MS));
    if (res !== 0 || timeout === 0) return dispatched(epollop, res);
  }
  return dispatchAfterYield(epollop, timeout);
}

/** Whether Node's loop has something to do, or has waited for long. */
function mustYield(node: NodeLoop): boolean {
  // Reuses the loop's timestamp; a new object per turn would be garbage.
  const kept = (eventTv.tvSec - node.yielded.tvSec) * 1_000_000 + eventTv.tvUsec - node.yielded.tvUsec;
  return node.due || kept < 0 || kept >= YIELD_INTERVAL_US;
}

function epollPoll(arg: object): number {
  const epollop = arg as Epollop;
  if (mustYield(epollop.node)) return 0;
  const res = epollop.wait(0);
  if (res === 0) return 0;
  return dispatched(epollop, res) === -1 ? -1 : 1; // after EINTR, too: the turn ends, and Node runs the handler
}

/** Lets Node's loop run once, then waits for events, but no longer than until Node's next timer. */
async function dispatchAfterYield(epollop: Epollop, timeout: number): Promise<number> {
  const { node, system } = epollop;

  node.due = false;
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  node.yielded.tvSec = eventTv.tvSec;
  node.yielded.tvUsec = eventTv.tvUsec;

  // A signal handler may just have run.
  if (evsignalCaught || eventGotsig) return dispatched(epollop, epollop.wait(0));

  // We are inside an immediate, and libuv counts its loop as busy until the last immediate is unreferenced.
  setImmediate(() => {}).unref();
  node.hold.ref();
  const nodeTimeout = system.uvBackendTimeout();
  const res = epollop.wait(nodeTimeout === -1 ? timeout : Math.min(timeout, nodeTimeout));
  node.hold.unref();
  // Node's timer is due, or Node has changed what its descriptor reports.
  if (res === 0 && nodeTimeout !== -1 && nodeTimeout <= timeout) node.due = true;
  return dispatched(epollop, res);
}

// epoll.c: epoll_dispatch
/** The part after epoll_wait, which has returned `res`. */
function dispatched(epollop: Epollop, res: number): number {
  const { events, fds, node } = epollop;
  const error = errno;

  if (evsignalRecalc(epollop.evsigmask) === -1) return -1;

  if (res === -1) {
    if (error !== EINTR) {
      warn('epoll_wait');
      return -1;
    }

    node.due = true; // Node's loop runs the handler
    evsignalProcess();
    return 0;
  } else if (evsignalCaught) evsignalProcess();

  debugEpoll('epoll_wait reports %d', res);

  for (let i = 0; i < res; i++) {
    let which = 0;
    let evread: Event | null = null, evwrite: Event | null = null;

    const fd = events[i * EVENT_WORDS + DATA_WORD];
    if (fd === node.fd) {
      node.due = true;
      continue;
    }
    const evep = fds[fd];
    const what = events[i * EVENT_WORDS];
    // DEVIATION: EPOLLHUP and EPOLLERR make both directions ready [1.0]
    if (what & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
      evread = evep.evread;
      which |= EV_READ;
    }

    if (what & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
      evwrite = evep.evwrite;
      which |= EV_WRITE;
    }

    if (!which) continue;

    if (evread !== null && !(evread.evEvents & EV_PERSIST)) eventDel(evread);
    if (evwrite !== null && evwrite !== evread && !(evwrite.evEvents & EV_PERSIST)) eventDel(evwrite);

    if (evread !== null) eventActive(evread, EV_READ, 1);
    if (evwrite !== null) eventActive(evwrite, EV_WRITE, 1);
    // DEVIATION: what nobody waits for is taken out of the set
    if (evread === null && evwrite === null) watchOnly(epollop, fd);
  }

  return 0;
}

// epoll.c: epoll_add
function epollAdd(arg: object, ev: Event): number {
  const epollop = arg as Epollop;
  let op: number, events: number;

  if (ev.evEvents & EV_SIGNAL) return evsignalAdd(epollop.evsigmask, ev);

  const fd = ev.evFd;
  if (fd >= epollop.nfds) {
    // Extend the file descriptor array as necessary.
    if (epollRecalc(epollop, fd) === -1) return -1;
  }
  const evep = epollop.fds[fd];
  op = EPOLL_CTL_ADD;
  events = 0;
  if (evep.evread !== null) {
    events |= EPOLLIN;
    op = EPOLL_CTL_MOD;
  }
  if (evep.evwrite !== null) {
    events |= EPOLLOUT;
    op = EPOLL_CTL_MOD;
  }

  if (ev.evEvents & EV_READ) events |= EPOLLIN;
  if (ev.evEvents & EV_WRITE) events |= EPOLLOUT;

  // DEVIATION: where the kernel does not know the descriptor, that is taken as it is [2.0]
  if (epollCtl(epollop, op, ev.evFd, events) === -1 && addAnew(epollop, op, ev) === -1) return -1;

  // Update events responsible.
  if (ev.evEvents & EV_READ) evep.evread = ev;
  if (ev.evEvents & EV_WRITE) evep.evwrite = ev;

  return 0;
}

// epoll.c: epoll_del
function epollDel(arg: object, ev: Event): number {
  const epollop = arg as Epollop;
  let events: number, op: number;
  let needwritedelete = true, needreaddelete = true;

  if (ev.evEvents & EV_SIGNAL) return evsignalDel(epollop.evsigmask, ev);

  const fd = ev.evFd;
  if (fd >= epollop.nfds) return 0;
  const evep = epollop.fds[fd];

  op = EPOLL_CTL_DEL;
  events = 0;

  if (ev.evEvents & EV_READ) events |= EPOLLIN;
  if (ev.evEvents & EV_WRITE) events |= EPOLLOUT;

  if ((events & (EPOLLIN | EPOLLOUT)) !== (EPOLLIN | EPOLLOUT)) {
    if (events & EPOLLIN && evep.evwrite !== null) {
      needwritedelete = false;
      events = EPOLLOUT;
      op = EPOLL_CTL_MOD;
    } else if (events & EPOLLOUT && evep.evread !== null) {
      needreaddelete = false;
      events = EPOLLIN;
      op = EPOLL_CTL_MOD;
    }
  }

  // DEVIATION: an event that is deleted is forgotten, even if epoll_ctl fails [1.4]
  if (needreaddelete) evep.evread = null;
  if (needwritedelete) evep.evwrite = null;

  // DEVIATION: where the kernel does not know the descriptor, that is taken as it is [2.0]
  if (epollCtl(epollop, op, fd, events) === -1 && errno !== ENOENT) return -1;

  return 0;
}

/** Removes from the set what no event waits for: an earlier removal has failed. */
function watchOnly(epollop: Epollop, fd: number): void {
  const { evread, evwrite } = epollop.fds[fd];
  const events = (evread !== null ? EPOLLIN : 0) | (evwrite !== null ? EPOLLOUT : 0);
  epollCtl(epollop, events === 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, events);
}

/**
 * After epoll_ctl has failed with EEXIST or ENOENT: an earlier deletion has failed, and the descriptor may have been
 * closed and opened again since. Forgets its old events, and adds `ev` alone. -1 after another error, or if that fails.
 */
function addAnew(epollop: Epollop, op: number, ev: Event): number {
  const other = op === EPOLL_CTL_ADD ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (errno !== (op === EPOLL_CTL_ADD ? EEXIST : ENOENT)) return -1;
  const evep = epollop.fds[ev.evFd];
  evep.evread = evep.evwrite = null;
  const events = (ev.evEvents & EV_READ ? EPOLLIN : 0) | (ev.evEvents & EV_WRITE ? EPOLLOUT : 0);
  return epollCtl(epollop, other, ev.evFd, events);
}

/** epoll_ctl(2). C has the struct epoll_event on its stack, and in its data a pointer to fds[fd] instead of `fd`. */
function epollCtl(epollop: Epollop, op: number, fd: number, events: number): number {
  const { nevents } = epollop;
  epollop.events[nevents * EVENT_WORDS] = events;
  epollop.events[nevents * EVENT_WORDS + DATA_WORD] = fd;
  return epollop.ctl(op, fd);
}
