// The system calls on simulated sockets, and the descriptors that they are made on.
import { constants } from 'node:os';
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import {
  EAGAIN, EBADF, ECONNRESET, EINPROGRESS, EINVAL, EMFILE, ENOTCONN, EPIPE, ETIMEDOUT,
} from '../errno.h';
import { AF_INET, F_GETFL, F_SETFL, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_STREAM } from '../socket.h';
import type { Linger, SockaddrIn } from '../socket.h';
import { gather } from '../uio.h';
import type { Iovec } from '../uio.h';
import { loopBatch } from './batch';
import type { Call } from './calls';
import type { Clock } from './clock';
import type { Address } from './endpoint';
import { SocketFile } from './file';
import type { CallGate } from './gate';
import type { Network } from './network';
import { Pollset } from './pollset';
import type { ReadyEvent } from './pollset';
import type { Random } from './random';

const { EAFNOSUPPORT, EALREADY } = constants.errno;

const FIRST_FD = 3;
const SOCK_TYPE_MASK = 0xf;
/** The access mode of flags, which fcntl does not change. */
const O_ACCMODE = 3;

export interface KernelOptions {
  clock: Clock;
  network: Network;
  gate: CallGate;
  /** Draws sizes of reads, writes and batches of accept; null where each is as large as can be. */
  shortIo: Random | null;
  entropy: Random;
  /** RLIMIT_NOFILE: descriptors are below it. */
  maxFds: number;
  /** Told when a descriptor may have become ready. */
  onCandidate: () => void;
}

export class Kernel implements Syscalls {
  private pollset: Pollset;
  private readonly files: (SocketFile | null)[] = [];
  /** No descriptor below is free. */
  private firstFree = FIRST_FD;
  private nextSerial = 1;
  readonly lingering = 0;
  readonly seesAllInput = true;
  readonly batch = loopBatch(this);

  constructor(private readonly options: KernelOptions) {
    this.pollset = new Pollset(options.onCandidate);
  }

  /** Forgets what was watched, as a new epoll descriptor would. */
  epollCreate(): void {
    this.pollset = new Pollset(this.options.onCandidate);
  }

  /** epoll_ctl(2) on the only epoll descriptor. */
  epollCtl(op: number, fd: number, events: number): number {
    const file = this.file(fd);
    return this.run(file, { name: 'epoll_ctl', fd, args: [op, events], length: 0, available: 0 }, () => {
      return file === null ? -EBADF : this.pollset.ctl(op, file, events);
    });
  }

  /** The question before epoll_wait(2), with a timeout in milliseconds: 0, or -1 where it shall fail. */
  enterEpollWait(timeout: number): number {
    const { gate, network, shortIo } = this.options;
    gate.newTurn();
    if (shortIo !== null) {
      network.forEachListener((listener) => {
        listener.batch = 1 + shortIo.int(listener.pending.length);
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

  /** The result of epoll_wait(2): how many are ready, or an errno value negated. */
  leaveEpollWait(res: number): number {
    return this.options.gate.leave({ name: 'epoll_wait', fd: -1, args: [], length: 0, available: 0 }, 0, res);
  }

  /** Two descriptors that are connected, as socketpair(2) makes them. */
  socketpair(): [number, number] {
    const fds = this.options.network.pair().map((endpoint) => {
      const file = this.open();
      if (file === null) throw new Error('socketpair: EMFILE');
      file.attach(endpoint);
      return file.fd;
    });
    return [fds[0], fds[1]];
  }

  openFds(): number[] {
    return this.files.filter((file) => file !== null).map((file) => file.fd);
  }

  sockopt(fd: number, level: number, optname: number): number | Linger | undefined {
    return this.file(fd)?.options.get(`${level}:${optname}`);
  }

  // The calls of Syscalls, in its order.

  socket(domain: number, type: number, protocol: number): number {
    let file: SocketFile | null = null;
    const call: Call = { name: 'socket', fd: -1, args: [domain, type, protocol], length: 0, available: 0 };
    return this.run(() => file, call, () => {
      if (domain !== AF_INET) return -EAFNOSUPPORT;
      if ((type & SOCK_TYPE_MASK) !== SOCK_STREAM) return -EINVAL;
      file = this.open();
      if (file === null) return -EMFILE;
      file.flags |= type & ~SOCK_TYPE_MASK;
      return file.fd;
    });
  }

  bind(fd: number, addr: SockaddrIn): number {
    const file = this.file(fd);
    return this.run(file, { name: 'bind', fd, args: [addr.sinPort], length: 0, available: 0 }, () => {
      return file === null ? -EBADF : this.options.network.bind(file, addr.sinAddr, addr.sinPort);
    });
  }

  listen(fd: number, backlog: number): number {
    const file = this.file(fd);
    return this.run(file, { name: 'listen', fd, args: [backlog], length: 0, available: 0 }, () => {
      return file === null ? -EBADF : this.options.network.listen(file, backlog);
    });
  }

  accept(fd: number, addr: SockaddrIn | null): number {
    const listener = this.file(fd);
    let file: SocketFile | null = null;
    const call: Call = { name: 'accept', fd, args: [], length: 0, available: listener?.pending.length ?? 0 };
    return this.run(() => file, call, () => {
      if (listener === null) return -EBADF;
      if (!listener.listening) return -EINVAL;
      if (this.lowestFree() === -1) return -EMFILE;
      const endpoint = listener.batch > 0 ? listener.dequeue() : null;
      if (endpoint === null) return -EAGAIN;
      listener.batch--;
      file = this.open();
      if (file === null) return -EMFILE;
      for (const [option, value] of listener.options) file.options.set(option, value);
      file.attach(endpoint);
      if (addr !== null) putAddress(addr, endpoint.peer.address);
      return file.fd;
    });
  }

  connect(fd: number, addr: SockaddrIn): number {
    const file = this.file(fd);
    const { clock, network } = this.options;
    return this.run(file, { name: 'connect', fd, args: [addr.sinPort], length: 0, available: 0 }, () => {
      if (file === null) return -EBADF;
      if (file.connecting) return -EALREADY;
      if (file.error !== 0) return file.takeError(0);
      const res = network.startConnect(file);
      if (res < 0) return res;
      const { sinPort } = addr;
      clock.at(clock.elapsed, () => {
        if (this.file(fd) !== file) return;
        const endpoint = network.finishConnect(file, sinPort);
        if (endpoint === null) file.onChange(file);
        else file.attach(endpoint);
      });
      return -EINPROGRESS;
    });
  }

  getsockname(fd: number, addr: SockaddrIn): number {
    const file = this.file(fd);
    return this.run(file, { name: 'getsockname', fd, args: [], length: 0, available: 0 }, () => {
      if (file === null) return -EBADF;
      putAddress(addr, file.address);
      return 0;
    });
  }

  fcntl(fd: number, cmd: number, arg: number): number {
    const file = this.file(fd);
    return this.run(file, { name: 'fcntl', fd, args: [cmd, arg], length: 0, available: 0 }, () => {
      if (file === null) return -EBADF;
      if (cmd === F_GETFL) return file.flags;
      if (cmd !== F_SETFL) return -EINVAL;
      file.flags = (file.flags & O_ACCMODE) | (arg & ~O_ACCMODE);
      return 0;
    });
  }

  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    const file = this.file(fd);
    return this.run(file, { name: 'setsockopt', fd, args: [level, optname], length: 0, available: 0 }, () => {
      if (file === null) return -EBADF;
      file.options.set(`${level}:${optname}`, typeof optval === 'number' ? optval : { ...optval });
      return 0;
    });
  }

  read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    checkRange(buf, offset, length);
    const file = this.file(fd);
    const available = file?.endpoint?.received.length ?? 0;
    return this.run(file, { name: 'read', fd, args: [], length, available }, (limit) => {
      if (file === null) return -EBADF;
      if (file.connecting) return -EAGAIN;
      if (file.endpoint === null) return file.takeError(-ENOTCONN);
      return file.endpoint.recv(buf, offset, this.ioSize(Math.min(length, limit), available));
    });
  }

  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    return this.send(fd, buf, offset, length, 0);
  }

  sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    const bytes = gather(iov);
    return this.send(fd, bytes, 0, bytes.length, flags);
  }

  /** Recorded as a write, with the flags that there are for an argument. */
  send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    checkRange(buf, offset, length);
    const file = this.file(fd);
    const available = file?.endpoint?.space ?? 0;
    const args = flags === 0 ? [] : [flags];
    return this.run(file, { name: 'write', fd, args, length, available }, (limit) => {
      if (file === null) return -EBADF;
      if (file.connecting) return -EAGAIN;
      if (file.endpoint === null) return file.takeError(-EPIPE);
      return file.endpoint.send(buf, offset, this.ioSize(Math.min(length, limit), available));
    });
  }

  shutdown(fd: number, how: number): number {
    const file = this.file(fd);
    return this.run(file, { name: 'shutdown', fd, args: [how], length: 0, available: 0 }, () => {
      if (file === null) return -EBADF;
      if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) return -EINVAL;
      if (file.endpoint === null || file.endpoint.dead) return -ENOTCONN;
      file.endpoint.shutdown(how !== SHUT_WR, how !== SHUT_RD);
      return 0;
    });
  }

  close(fd: number): number {
    const file = this.file(fd);
    return this.run(file, { name: 'close', fd, args: [], length: 0, available: 0 }, () => {
      if (file === null) return -EBADF;
      this.files[fd] = null;
      this.firstFree = Math.min(this.firstFree, fd);
      this.pollset.forget(file);
      this.options.network.close(file);
      file.endpoint?.close(file.aborts);
      return 0;
    });
  }

  /** Neither asked about nor recorded: on Linux it is no system call. */
  gettimeofday(tv: Timeval): number {
    this.options.clock.gettimeofday(tv);
    return 0;
  }

  time(): number {
    return Math.floor(this.options.clock.now);
  }

  getrandom(buf: Uint8Array): number {
    return this.run(null, { name: 'getrandom', fd: -1, args: [], length: buf.length, available: 0 }, () => {
      for (let i = 0; i < buf.length; i++) buf[i] = this.options.entropy.next();
      return buf.length;
    });
  }

  /** One call about the socket `file`: the question, then `work`, which gives the kernel's result, then the record. */
  private run(
    file: SocketFile | null | (() => SocketFile | null), call: Call, work: (limit: number) => number,
  ): number {
    const { gate } = this.options;
    const intervention = gate.enter(call);
    let res: number;
    if (intervention !== undefined && 'errno' in intervention) {
      res = -intervention.errno;
      if (breaksConnection(call, intervention.errno)) this.file(call.fd)?.endpoint?.breakDown();
    } else res = work(Math.max(1, intervention?.limit ?? Infinity));
    const about = typeof file === 'function' ? file() : file;
    return gate.leave(call, about?.serial ?? 0, res);
  }

  private file(fd: number): SocketFile | null {
    return this.files[fd] ?? null;
  }

  private lowestFree(): number {
    while (this.file(this.firstFree) !== null) this.firstFree++;
    return this.firstFree < this.options.maxFds ? this.firstFree : -1;
  }

  private open(): SocketFile | null {
    const fd = this.lowestFree();
    if (fd === -1) return null;
    while (this.files.length < fd) this.files.push(null);
    const file = new SocketFile(fd, this.nextSerial++, (changed) => {
      this.pollset.changed(changed);
    });
    this.files[fd] = file;
    return file;
  }

  /** How many bytes a read or write moves at most: all, or fewer by chance. */
  private ioSize(length: number, available: number): number {
    const most = Math.min(length, available);
    const { shortIo } = this.options;
    return shortIo === null || most < 2 ? length : 1 + shortIo.int(most);
  }
}

/** Whether a connection is at its end when a call on it fails like that. */
function breaksConnection({ name }: Call, errnum: number): boolean {
  return (name === 'read' || name === 'write') && (errnum === ECONNRESET || errnum === EPIPE || errnum === ETIMEDOUT);
}

function putAddress(addr: SockaddrIn, { addr: sinAddr, port }: Address): void {
  addr.sinFamily = AF_INET;
  addr.sinPort = port;
  addr.sinAddr = sinAddr;
}

/** Throws: a program that names bytes outside its buffer is wrong, whatever EFAULT would tell it. */
function checkRange(buf: Uint8Array, offset: number, length: number): void {
  const whole = Number.isInteger(offset) && Number.isInteger(length);
  if (!whole || offset < 0 || length < 0 || offset + length > buf.length) {
    throw new RangeError(`${length} bytes at ${offset} are not within a buffer of ${buf.length}`);
  }
}
