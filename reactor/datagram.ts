// UDP requests as connections: a datagram socket on which the program calls listen(2) accepts them, and each request is
// a connection. Reads return the bytes of the request, then the end; writes build the answer, which is sent at
// close(2). datagram/request.ts has the format of both. The program need not know.
//
// This is a layer above a backend and its economy, present only in a program that calls `serveDatagrams`.
import { EV_PERSIST, EV_READ, EV_SIGNAL, EV_WRITE } from './event.h';
import type { Event, Eventop } from './event.h';
import { eventActive, eventDel, layOver } from './event';
import { EAGAIN, EINVAL, EISCONN, setErrno } from './errno.h';
import { RequestSocket } from './datagram/requestsocket';
import type { Request } from './datagram/request';
import { PassThrough } from './economy/passthrough';
import { fillSockaddr } from './sockaddr';
import { AF_INET, F_GETFL, O_NONBLOCK, SOCK_DGRAM } from './socket.h';
import type { Linger, Sockaddr, SockaddrRoom } from './socket.h';
import type { Timeval } from './time';
import { gather } from './uio.h';
import type { Iovec } from './uio.h';

const NO_WAIT: Readonly<Timeval> = { tvSec: 0, tvUsec: 0 };
const O_RDWR = 2;
const SOCK_TYPE_MASK = 0xf;
/** How many descriptors are kept for further requests. */
const SPARE_MAX = 16;

/** After eventInit: from now on a program can serve requests by UDP. */
export function serveDatagrams(): void {
  layOver((base) => {
    const layer = new Datagrams(base.syscalls);
    return { ...layer.events(base), syscalls: layer };
  });
}

class Datagrams extends PassThrough {
  /** Datagram sockets on which the program has not called listen(2). */
  private readonly plain = new Set<number>();
  private readonly sockets = new Map<number, RequestSocket>();
  /** The requests that the program has accepted, and their sockets, by descriptor. */
  private readonly requests = new Map<number, Request>();
  private readonly socketOf = new Map<number, RequestSocket>();
  /** Sockets that only reserve their numbers, which serve as the descriptors of requests. */
  private readonly spare: number[] = [];

  /** `base`, which also reports requests. */
  events(base: Eventop): Omit<Eventop, 'syscalls'> {
    const dispatched = (res: number): number => {
      if (res !== -1) this.wakeAll();
      return res;
    };
    return {
      name: base.name,
      init: () => base.init(),
      add: (arg, ev) => this.add(ev) ?? base.add(arg, ev),
      del: (arg, ev) => this.del(ev) ?? base.del(arg, ev),
      recalc: (arg, max) => base.recalc(arg, max),
      endTurn: (arg) => base.endTurn(arg),
      dispatch: (arg, tv) => {
        const res = base.dispatch(arg, this.isAwaited() ? NO_WAIT : tv);
        return typeof res === 'number' ? dispatched(res) : res.then(dispatched);
      },
    };
  }

  override socket(domain: number, type: number, protocol: number): number {
    const fd = this.kernel.socket(domain, type, protocol);
    if (fd !== -1 && (type & SOCK_TYPE_MASK) === SOCK_DGRAM) this.plain.add(fd);
    return fd;
  }

  override listen(fd: number, backlog: number): number {
    if (this.requests.has(fd)) return fail(EINVAL);
    if (this.sockets.has(fd)) return 0;
    if (!this.plain.delete(fd)) return this.kernel.listen(fd, backlog);
    this.sockets.set(fd, new RequestSocket(this.kernel, fd, wakeListener));
    return 0;
  }

  override accept(fd: number, addr: SockaddrRoom | null): number {
    const socket = this.sockets.get(fd);
    if (socket === undefined) return this.requests.has(fd) ? fail(EINVAL) : this.kernel.accept(fd, addr);
    if (socket.queue.length === 0) socket.receive();
    const request = socket.queue.shift();
    if (request === undefined) return fail(EAGAIN);
    const sfd = this.spare.pop() ?? this.kernel.socket(AF_INET, SOCK_DGRAM, 0);
    if (sfd === -1) return -1; // drops the request, as datagrams may be: else it would wake the program all the time
    request.fd = sfd;
    this.requests.set(sfd, request);
    this.socketOf.set(sfd, socket);
    if (addr !== null) fillSockaddr(addr, request.peer);
    if (socket.queue.length > 0) wakeListener(socket);
    return sfd;
  }

  override read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const request = this.requests.get(fd);
    if (request === undefined) return this.kernel.read(fd, buf, offset, length);
    return result(request.read(buf, offset, length));
  }

  override write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const request = this.requests.get(fd);
    if (request === undefined) return this.kernel.write(fd, buf, offset, length);
    return result(request.write(buf, offset, length));
  }

  override send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    const request = this.requests.get(fd);
    if (request === undefined) return this.kernel.send(fd, buf, offset, length, flags);
    return result(request.write(buf, offset, length));
  }

  override sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    if (!this.requests.has(fd)) return this.kernel.sendmsg(fd, iov, flags);
    const bytes = gather(iov);
    return this.write(fd, bytes, 0, bytes.length);
  }

  override close(fd: number): number {
    const request = this.requests.get(fd);
    if (request !== undefined) return this.closeRequest(request);
    this.plain.delete(fd);
    this.sockets.get(fd)?.close();
    this.sockets.delete(fd);
    return this.kernel.close(fd);
  }

  override bind(fd: number, addr: Sockaddr): number {
    return this.requests.has(fd) ? fail(EINVAL) : this.kernel.bind(fd, addr);
  }

  override connect(fd: number, addr: Sockaddr): number {
    return this.requests.has(fd) ? fail(EISCONN) : this.kernel.connect(fd, addr);
  }

  override getsockname(fd: number, addr: SockaddrRoom): number {
    return this.kernel.getsockname(this.socketOf.get(fd)?.fd ?? fd, addr);
  }

  override getpeername(fd: number, addr: SockaddrRoom): number {
    const request = this.requests.get(fd);
    if (request === undefined) return this.kernel.getpeername(fd, addr);
    fillSockaddr(addr, request.peer);
    return 0;
  }

  override fcntl(fd: number, cmd: number, arg: number): number {
    if (!this.requests.has(fd)) return this.kernel.fcntl(fd, cmd, arg);
    return cmd === F_GETFL ? O_RDWR | O_NONBLOCK : 0;
  }

  override setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    return this.requests.has(fd) ? 0 : this.kernel.setsockopt(fd, level, optname, optval);
  }

  override shutdown(fd: number, how: number): number {
    return this.requests.has(fd) ? 0 : this.kernel.shutdown(fd, how);
  }

  /** Sends the answer. */
  private closeRequest(request: Request): number {
    const { fd } = request;
    this.socketOf.get(fd)?.answer(request);
    this.requests.delete(fd);
    this.socketOf.delete(fd);
    if (this.spare.length >= SPARE_MAX) return this.kernel.close(fd);
    this.spare.push(fd);
    return 0;
  }

  /** Adds `ev`: 0 or -1, or null if it is the backend's. */
  private add(ev: Event): number | null {
    if (ev.evEvents & EV_SIGNAL) return null;
    const request = this.requests.get(ev.evFd);
    if (request !== undefined) {
      if (ev.evEvents & EV_READ) request.evread = ev;
      if (ev.evEvents & EV_WRITE) request.evwrite = ev;
      wake(request);
      return 0;
    }
    const socket = this.sockets.get(ev.evFd);
    if (socket === undefined || socket.owns(ev)) return null;
    if (ev.evEvents & EV_WRITE) return fail(EINVAL);
    const res = socket.watch(ev);
    if (res !== -1 && socket.queue.length > 0) wakeListener(socket);
    return res;
  }

  private del(ev: Event): number | null {
    if (ev.evEvents & EV_SIGNAL) return null;
    const request = this.requests.get(ev.evFd);
    if (request !== undefined) {
      if (ev.evEvents & EV_READ) request.evread = null;
      if (ev.evEvents & EV_WRITE) request.evwrite = null;
      return 0;
    }
    const socket = this.sockets.get(ev.evFd);
    return socket === undefined || socket.owns(ev) ? null : socket.unwatch();
  }

  /** Whether an event waits for an open request or a queued one. */
  private isAwaited(): boolean {
    for (const { evread, evwrite } of this.requests.values()) if (evread !== null || evwrite !== null) return true;
    for (const { evread, queue } of this.sockets.values()) if (evread !== null && queue.length > 0) return true;
    return false;
  }

  private wakeAll(): void {
    for (const request of this.requests.values()) wake(request);
    for (const socket of this.sockets.values()) if (socket.queue.length > 0) wakeListener(socket);
  }
}

/** A request is always readable, if only for its end, and writable. */
function wake({ evread, evwrite }: Request): void {
  if (evread !== null) activate(evread, EV_READ);
  if (evwrite !== null) activate(evwrite, EV_WRITE);
}

function wakeListener({ evread }: RequestSocket): void {
  if (evread !== null) activate(evread, EV_READ);
}

function activate(ev: Event, what: number): void {
  if (!(ev.evEvents & EV_PERSIST)) eventDel(ev);
  eventActive(ev, what, 1);
}

function result(res: number): number {
  return res < 0 ? fail(-res) : res;
}

function fail(error: number): -1 {
  setErrno(error);
  return -1;
}
