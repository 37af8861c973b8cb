// The system calls of the net backend. They check the arguments, let the descriptor's endpoint do the work, and turn
// its negated errno values into -1 and errno.
import { constants } from 'node:os';
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import { EADDRINUSE, EBADF, EINPROGRESS, EINVAL, EMFILE, setErrno } from '../errno.h';
import {
  AF_INET, F_GETFL, F_SETFL, INADDR_ANY, IPPROTO_TCP, SHUT_RD, SHUT_RDWR, SHUT_WR, SOCK_STREAM, SOL_SOCKET,
  SO_KEEPALIVE, SO_LINGER, SO_REUSEADDR, TCP_NODELAY,
} from '../socket.h';
import type { Linger, SockaddrIn } from '../socket.h';
import { gather, isWithin } from '../uio.h';
import type { Iovec } from '../uio.h';
import { isSockaddrIn } from './address';
import { Connection } from './connection';
import type { WriteBuffer } from './writebuffer';
import { Descriptor } from './descriptor';
import type { Descriptors } from './descriptors';
import { Orphans } from './orphans';
import { Listener } from './listener';
import { probe } from './probe';
import { Unconnected } from './unconnected';

const { EAFNOSUPPORT, EALREADY, EFAULT, EISCONN, ENOPROTOOPT, EPROTONOSUPPORT } = constants.errno;

export class Calls implements Syscalls {
  /** The kernel may have more input than Node has read so far. */
  readonly seesAllInput = false;
  readonly batch = null;
  private readonly orphans = new Orphans();
  /** How many sockets may be open (RLIMIT_NOFILE). */
  maxSockets = Infinity;

  constructor(
    private readonly descriptors: Descriptors,
    private readonly writeBuffer: WriteBuffer,
    private readonly onChanged: (descriptor: Descriptor) => void,
    private readonly onLost: (message: string) => void,
  ) {}

  /** How many closed connections still have bytes to send. */
  get lingering(): number {
    return this.orphans.count;
  }

  socket(domain: number, type: number, protocol: number): number {
    if (domain !== AF_INET) return fail(EAFNOSUPPORT);
    if (type !== SOCK_STREAM || (protocol !== 0 && protocol !== IPPROTO_TCP)) return fail(EPROTONOSUPPORT);
    if (this.isFull()) return fail(EMFILE);
    return this.descriptors.open(new Descriptor(new Unconnected(), this.onChanged));
  }

  bind(fd: number, addr: SockaddrIn): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint } = descriptor;
    if (!(endpoint instanceof Unconnected) || endpoint.bound !== null || !isSockaddrIn(addr)) return fail(EINVAL);
    if (this.isTaken(addr)) return fail(EADDRINUSE);
    const port = probe(addr);
    if (port < 0) return fail(-port);
    endpoint.bound = { ...addr, sinPort: port };
    return 0;
  }

  listen(fd: number, backlog: number): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint } = descriptor;
    if (endpoint instanceof Listener) return 0;
    if (!(endpoint instanceof Unconnected)) return fail(EINVAL);
    const any = { sinFamily: AF_INET, sinPort: 0, sinAddr: INADDR_ANY };
    if (endpoint.bound === null && this.bind(fd, any) === -1) return -1;
    if (endpoint.bound === null) return fail(EADDRINUSE);
    descriptor.endpoint = new Listener(endpoint.bound, Math.max(backlog, 1), descriptor, this.writeBuffer, this.onLost);
    return 0;
  }

  accept(fd: number, addr: SockaddrIn | null): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint } = descriptor;
    if (endpoint instanceof Listener && endpoint.poll() !== 0 && this.isFull()) return fail(EMFILE);
    const connection = endpoint.accept();
    if (typeof connection === 'number') return fail(-connection);
    const accepted = new Descriptor(connection, this.onChanged);
    // As on Linux, a connection inherits the options of the listening socket.
    Object.assign(accepted.options, descriptor.options);
    connection.setOptions(accepted.options);
    connection.open(accepted);
    if (addr !== null) connection.getpeername(addr);
    return this.descriptors.open(accepted);
  }

  connect(fd: number, addr: SockaddrIn): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    if (!isSockaddrIn(addr)) return fail(EINVAL);
    const { endpoint, options } = descriptor;
    if (endpoint instanceof Connection) return fail(endpoint.connecting ? EALREADY : endpoint.takeError() || EISCONN);
    if (!(endpoint instanceof Unconnected)) return fail(EISCONN);
    const connection = Connection.connect(addr, endpoint.bound, this.writeBuffer);
    connection.setOptions(options);
    connection.open(descriptor);
    descriptor.endpoint = connection;
    return fail(EINPROGRESS);
  }

  getsockname(fd: number, addr: SockaddrIn): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    descriptor.endpoint.getsockname(addr);
    return 0;
  }

  fcntl(fd: number, cmd: number, arg: number): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    switch (cmd) {
      case F_GETFL:
        return descriptor.flags;
      case F_SETFL:
        descriptor.setStatusFlags(arg);
        return 0;
      default:
        return fail(EINVAL);
    }
  }

  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint, options } = descriptor;
    const isLinger = level === SOL_SOCKET && optname === SO_LINGER;
    if (typeof optval === 'number') {
      if (isLinger) return fail(EINVAL);
      if (level === IPPROTO_TCP && optname === TCP_NODELAY) options.noDelay = optval !== 0;
      else if (level === SOL_SOCKET && optname === SO_KEEPALIVE) options.keepAlive = optval !== 0;
      // SO_REUSEADDR: libuv sets it for every listening socket.
      else if (level !== SOL_SOCKET || optname !== SO_REUSEADDR) return fail(ENOPROTOOPT);
    } else {
      if (!isLinger) return fail(EINVAL);
      options.lingerReset = optval.lOnoff !== 0 && optval.lLinger === 0;
    }
    endpoint.setOptions(options);
    return 0;
  }

  read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    if (!isWithin(buf, offset, length)) return fail(EFAULT);
    const res = descriptor.endpoint.read(buf, offset, length);
    return res < 0 ? fail(-res) : res;
  }

  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    if (!isWithin(buf, offset, length)) return fail(EFAULT);
    const res = descriptor.endpoint.write(buf, offset, length);
    return res < 0 ? fail(-res) : res;
  }

  send(fd: number, buf: Uint8Array, offset: number, length: number, _flags: number): number {
    return this.write(fd, buf, offset, length);
  }

  sendmsg(fd: number, iov: readonly Iovec[], _flags: number): number {
    const bytes = gather(iov);
    return this.write(fd, bytes, 0, bytes.length);
  }

  shutdown(fd: number, how: number): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) return fail(EINVAL);
    const res = descriptor.endpoint.shutdown(how);
    return res < 0 ? fail(-res) : res;
  }

  close(fd: number): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    this.descriptors.close(fd);
    // As with epoll(7), events that the program did not delete get nothing any more.
    descriptor.evread = descriptor.evwrite = null;
    descriptor.endpoint.close(descriptor.options.lingerReset, this.orphans);
    return 0;
  }

  gettimeofday(tv: Timeval): number {
    const now = Date.now();
    tv.tvSec = Math.floor(now / 1000);
    tv.tvUsec = (now - tv.tvSec * 1000) * 1000;
    return 0;
  }

  time(): number {
    return Math.floor(Date.now() / 1000);
  }

  monotonic(): number {
    return performance.now() / 1000;
  }

  getrandom(buf: Uint8Array): number {
    // getRandomValues fills 65,536 bytes at most.
    for (let i = 0; i < buf.length; i += 65536) crypto.getRandomValues(buf.subarray(i, i + 65536));
    return buf.length;
  }

  private isFull(): boolean {
    return this.descriptors.count + this.orphans.count >= this.maxSockets;
  }

  /** Whether another socket of this process has bound the port. The probe sees only sockets that listen already. */
  private isTaken({ sinPort, sinAddr }: SockaddrIn): boolean {
    for (const { endpoint: { bound } } of this.descriptors) {
      if (bound === null || bound.sinPort !== sinPort || sinPort === 0) continue;
      if (bound.sinAddr === sinAddr || bound.sinAddr === INADDR_ANY || sinAddr === INADDR_ANY) return true;
    }
    return false;
  }
}

function fail(error: number): -1 {
  setErrno(error);
  return -1;
}
