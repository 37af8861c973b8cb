// The simulated kernel: system calls on simulated sockets, and the table of descriptors.
import { constants } from 'node:os';
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import {
  EAFNOSUPPORT, EAGAIN, EBADF, ECONNRESET, EINPROGRESS, EINVAL, EMFILE, ENOTCONN, EOPNOTSUPP, EPIPE,
  ETIMEDOUT,
} from '../errno.h';
import { fillSockaddr, portOf } from '../sockaddr';
import {
  AF_INET, AF_INET6, AF_UNIX, F_GETFL, F_SETFL, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_DGRAM, SOCK_STREAM,
} from '../socket.h';
import type { Linger, Sockaddr, SockaddrRoom } from '../socket.h';
import { gather } from '../uio.h';
import type { Iovec } from '../uio.h';
import { loopBatch } from './batch';
import type { Call } from './calls';
import type { Clock } from './clock';
import { SimSocket } from './socket';
import type { CallGate } from './gate';
import { seenBy } from './network';
import type { Network } from './network';
import { Pollset } from './pollset';
import type { ReadyEvent } from './pollset';
import type { Random } from './random';

const { EALREADY } = constants.errno;

const FIRST_FD = 3;
const SOCK_TYPE_MASK = 0xf;
/** The access mode, which fcntl does not change. */
const O_ACCMODE = 3;

export interface KernelOptions {
  clock: Clock;
  network: Network;
  gate: CallGate;
  /** Draws how much each read, write and turn's accepts move; null if they move as much as they can. */
  shortIo: Random | null;
  entropy: Random;
  /** RLIMIT_NOFILE: every descriptor is below it. */
  maxFds: number;
  /** Called when a descriptor may have become ready. */
  onCandidate: () => void;
}

export class Kernel implements Syscalls {
  private pollset: Pollset;
  private readonly sockets: (SimSocket | null)[] = [];
  /** No descriptor below this is free. */
  private firstFree = FIRST_FD;
  private nextSerial = 1;
  readonly lingering = 0;
  readonly seesAllInput = true;
  readonly batch = loopBatch(this);

  constructor(private readonly options: KernelOptions) {
    this.pollset = new Pollset(options.onCandidate);
  }

  /** Watches nothing afterwards, as a new epoll descriptor does. */
  epollCreate(): void {
    this.pollset = new Pollset(this.options.onCandidate);
  }

  /** epoll_ctl(2) on the only epoll descriptor. */
  epollCtl(op: number, fd: number, events: number): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'epoll_ctl', fd, args: [op, events], length: 0, available: 0 }, () => {
      return socket === null ? -EBADF : this.pollset.ctl(op, socket, events);
    });
  }

  /** Begins epoll_wait(2), with a timeout in milliseconds. 0, or -1 if the hook makes it fail. */
  enterEpollWait(timeout: number): number {
    const { gate, network, shortIo } = this.options;
    gate.newTurn();
    if (shortIo !== null) {
      network.forEachListener((listener) => {
        listener.acceptsLeft = 1 + shortIo.int(listener.pending.length);
      });
    }
    const call: Call = { name: 'epoll_wait', fd: -1, args: [timeout], length: 0, available: 0 };
    const intervention = gate.enter(call);
    return intervention !== undefined && 'errno' in intervention ? gate.leave(call, 0, -intervention.errno) : 0;
  }

  hasReady(): boolean {
    return this.pollset.hasReady();
  }

  ready(): ReadyEvent[] {
    return this.pollset.collect();
  }

  /** Ends epoll_wait(2). `res`: how many are ready, or a negated errno value. */
  leaveEpollWait(res: number): number {
    return this.options.gate.leave({ name: 'epoll_wait', fd: -1, args: [], length: 0, available: 0 }, 0, res);
  }

  /** socketpair(2): two connected descriptors. */
  socketpair(): [number, number] {
    const fds = this.options.network.pair().map((endpoint) => {
      const socket = this.open(AF_INET);
      if (socket === null) throw new Error('socketpair: EMFILE');
      socket.attach(endpoint);
      return socket.fd;
    });
    return [fds[0], fds[1]];
  }

  openFds(): number[] {
    return this.sockets.filter((socket) => socket !== null).map((socket) => socket.fd);
  }

  sockopt(fd: number, level: number, optname: number): number | Linger | undefined {
    return this.find(fd)?.options.get(`${level}:${optname}`);
  }

  // The calls of Syscalls, in its order.

  socket(domain: number, type: number, protocol: number): number {
    let socket: SimSocket | null = null;
    const call: Call = { name: 'socket', fd: -1, args: [domain, type, protocol], length: 0, available: 0 };
    return this.run(() => socket, call, () => {
      if (domain !== AF_INET && domain !== AF_INET6 && domain !== AF_UNIX) return -EAFNOSUPPORT;
      const kind = type & SOCK_TYPE_MASK;
      if (kind !== SOCK_STREAM && (kind !== SOCK_DGRAM || domain === AF_UNIX)) return -EINVAL;
      socket = this.open(domain, kind);
      if (socket === null) return -EMFILE;
      socket.flags |= type & ~SOCK_TYPE_MASK;
      return socket.fd;
    });
  }

  bind(fd: number, addr: Sockaddr): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'bind', fd, args: [portOf(addr)], length: 0, available: 0 }, () => {
      return socket === null ? -EBADF : this.options.network.bind(socket, addr);
    });
  }

  listen(fd: number, backlog: number): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'listen', fd, args: [backlog], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      return socket.datagrams === null ? this.options.network.listen(socket, backlog) : -EOPNOTSUPP;
    });
  }

  accept(fd: number, addr: SockaddrRoom | null): number {
    const listener = this.find(fd);
    let socket: SimSocket | null = null;
    const call: Call = { name: 'accept', fd, args: [], length: 0, available: listener?.pending.length ?? 0 };
    return this.run(() => socket, call, () => {
      if (listener === null) return -EBADF;
      if (!listener.listening) return -EINVAL;
      if (this.lowestFree() === -1) return -EMFILE;
      const endpoint = listener.acceptsLeft > 0 ? listener.dequeue() : null;
      if (endpoint === null) return -EAGAIN;
      listener.acceptsLeft--;
      socket = this.open(listener.domain);
      if (socket === null) return -EMFILE;
      for (const [option, value] of listener.options) socket.options.set(option, value);
      socket.attach(endpoint);
      if (addr !== null) fillSockaddr(addr, seenBy(listener.domain, endpoint.peer.address));
      return socket.fd;
    });
  }

  connect(fd: number, addr: Sockaddr): number {
    const socket = this.find(fd);
    const { clock, network } = this.options;
    return this.run(socket, { name: 'connect', fd, args: [portOf(addr)], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      if (socket.connecting) return -EALREADY;
      if (socket.error !== 0) return socket.takeError(0);
      const res = network.startConnect(socket);
      if (res < 0) return res;
      const to = { ...addr };
      clock.at(clock.elapsed, () => {
        if (this.find(fd) !== socket) return;
        const endpoint = network.finishConnect(socket, to);
        if (endpoint === null) socket.onChange(socket);
        else socket.attach(endpoint);
      });
      return -EINPROGRESS;
    });
  }

  getsockname(fd: number, addr: SockaddrRoom): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'getsockname', fd, args: [], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      fillSockaddr(addr, socket.address);
      return 0;
    });
  }

  getpeername(fd: number, addr: SockaddrRoom): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'getpeername', fd, args: [], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      if (socket.endpoint === null || socket.endpoint.dead) return -ENOTCONN;
      fillSockaddr(addr, seenBy(socket.domain, socket.endpoint.peer.address));
      return 0;
    });
  }

  fcntl(fd: number, cmd: number, arg: number): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'fcntl', fd, args: [cmd, arg], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      if (cmd === F_GETFL) return socket.flags;
      if (cmd !== F_SETFL) return -EINVAL;
      socket.flags = (socket.flags & O_ACCMODE) | (arg & ~O_ACCMODE);
      return 0;
    });
  }

  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'setsockopt', fd, args: [level, optname], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      socket.options.set(`${level}:${optname}`, typeof optval === 'number' ? optval : { ...optval });
      return 0;
    });
  }

  read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    checkRange(buf, offset, length);
    const socket = this.find(fd);
    const available = socket?.endpoint?.received.length ?? 0;
    return this.run(socket, { name: 'read', fd, args: [], length, available }, (limit) => {
      if (socket === null) return -EBADF;
      if (length === 0) return 0; // Linux looks no further
      if (socket.connecting) return -EAGAIN;
      if (socket.endpoint === null) return socket.takeError(-ENOTCONN);
      return socket.endpoint.recv(buf, offset, this.ioSize(Math.min(length, limit), available));
    });
  }

  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    return this.send(fd, buf, offset, length, 0);
  }

  sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    for (const { buf, offset, length } of iov) checkRange(buf, offset, length);
    const bytes = gather(iov);
    return this.send(fd, bytes, 0, bytes.length, flags);
  }

  /** The record has it as a write, with the flags as an argument if there are any. */
  send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    checkRange(buf, offset, length);
    const socket = this.find(fd);
    const available = socket?.endpoint?.space ?? 0;
    const args = flags === 0 ? [] : [flags];
    return this.run(socket, { name: 'write', fd, args, length, available }, (limit) => {
      if (socket === null) return -EBADF;
      if (socket.connecting) return -EAGAIN;
      if (socket.endpoint === null) return socket.takeError(-EPIPE);
      return socket.endpoint.send(buf, offset, this.ioSize(Math.min(length, limit), available));
    });
  }

  recvfrom(fd: number, buf: Uint8Array, offset: number, length: number, addr: SockaddrRoom | null): number {
    checkRange(buf, offset, length);
    const socket = this.find(fd);
    const available = socket?.datagrams?.at(0)?.bytes.length ?? 0;
    return this.run(socket, { name: 'recvfrom', fd, args: [], length, available }, () => {
      if (socket === null) return -EBADF;
      if (socket.datagrams === null) return -EOPNOTSUPP;
      const datagram = socket.datagrams.shift();
      if (datagram === undefined) return -EAGAIN;
      if (addr !== null) fillSockaddr(addr, datagram.from);
      const bytes = datagram.bytes.subarray(0, length);
      buf.set(bytes, offset);
      return bytes.length;
    });
  }

  sendto(fd: number, buf: Uint8Array, offset: number, length: number, addr: Sockaddr): number {
    checkRange(buf, offset, length);
    const socket = this.find(fd);
    return this.run(socket, { name: 'sendto', fd, args: [portOf(addr)], length, available: length }, () => {
      if (socket === null) return -EBADF;
      if (socket.datagrams === null) return -EOPNOTSUPP;
      this.options.network.send(addr, Buffer.from(buf.subarray(offset, offset + length)));
      return length;
    });
  }

  shutdown(fd: number, how: number): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'shutdown', fd, args: [how], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) return -EINVAL;
      if (socket.endpoint === null || socket.endpoint.dead) return -ENOTCONN;
      socket.endpoint.shutdown(how !== SHUT_WR, how !== SHUT_RD);
      return 0;
    });
  }

  close(fd: number): number {
    const socket = this.find(fd);
    return this.run(socket, { name: 'close', fd, args: [], length: 0, available: 0 }, () => {
      if (socket === null) return -EBADF;
      this.sockets[fd] = null;
      this.firstFree = Math.min(this.firstFree, fd);
      this.pollset.forget(socket);
      this.options.network.close(socket);
      socket.endpoint?.close(socket.aborts);
      return 0;
    });
  }

  /** Passes no gate: on Linux this is no system call. */
  gettimeofday(tv: Timeval): number {
    this.options.clock.gettimeofday(tv);
    return 0;
  }

  time(): number {
    return Math.floor(this.options.clock.now);
  }

  monotonic(): number {
    return this.options.clock.look();
  }

  getrandom(buf: Uint8Array): number {
    return this.run(null, { name: 'getrandom', fd: -1, args: [], length: buf.length, available: 0 }, () => {
      for (let i = 0; i < buf.length; i++) buf[i] = this.options.entropy.next();
      return buf.length;
    });
  }

  /** Makes one call on `socket`: enters the gate, does `work`, which returns the kernel's result, leaves the gate. */
  private run(
    socket: SimSocket | null | (() => SimSocket | null), call: Call, work: (limit: number) => number,
  ): number {
    const { gate } = this.options;
    const intervention = gate.enter(call);
    let res: number;
    if (intervention !== undefined && 'errno' in intervention) {
      res = -intervention.errno;
      if (breaksConnection(call, intervention.errno)) this.find(call.fd)?.endpoint?.breakDown();
    } else res = work(Math.max(1, intervention?.limit ?? Infinity));
    const about = typeof socket === 'function' ? socket() : socket;
    return gate.leave(call, about?.serial ?? 0, res);
  }

  private find(fd: number): SimSocket | null {
    return this.sockets[fd] ?? null;
  }

  private lowestFree(): number {
    while (this.find(this.firstFree) !== null) this.firstFree++;
    return this.firstFree < this.options.maxFds ? this.firstFree : -1;
  }

  private open(domain: number, type = SOCK_STREAM): SimSocket | null {
    const fd = this.lowestFree();
    if (fd === -1) return null;
    while (this.sockets.length < fd) this.sockets.push(null);
    const socket = new SimSocket(fd, this.nextSerial++, domain, (changed) => {
      this.pollset.changed(changed);
    }, type);
    this.sockets[fd] = socket;
    return socket;
  }

  /** How many bytes a read or write may move: all, or fewer by chance. */
  private ioSize(length: number, available: number): number {
    const most = Math.min(length, available);
    const { shortIo } = this.options;
    return shortIo === null || most < 2 ? length : 1 + shortIo.int(most);
  }
}

/** Whether a call that fails with this error also breaks its connection. */
function breaksConnection({ name }: Call, errnum: number): boolean {
  return (name === 'read' || name === 'write') && (errnum === ECONNRESET || errnum === EPIPE || errnum === ETIMEDOUT);
}

/** Throws instead of giving EFAULT, since a program that names bytes outside of its buffer has a bug. */
function checkRange(buf: Uint8Array, offset: number, length: number): void {
  const whole = Number.isInteger(offset) && Number.isInteger(length);
  if (!whole || offset < 0 || length < 0 || offset + length > buf.length) {
    throw new RangeError(`${length} bytes at ${offset} are not within a buffer of ${buf.length}`);
  }
}
