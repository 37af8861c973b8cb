// The system calls of the net backend. They check the arguments, let the descriptor's endpoint do the work, and turn
// its negated errno values into -1 and errno.
import { constants } from 'node:os';
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import {
  EADDRINUSE, EAFNOSUPPORT, EBADF, EINPROGRESS, EINVAL, EMFILE, ENOTCONN, EOPNOTSUPP, setErrno,
} from '../errno.h';
import { anyAddress, clash, portOf, withPort } from '../sockaddr';
import type { Bound } from '../sockaddr';
import {
  AF_INET, AF_INET6, AF_UNIX, F_GETFL, F_SETFL, IPPROTO_IPV6, IPPROTO_TCP, IPV6_V6ONLY, SHUT_RD, SHUT_RDWR, SHUT_WR,
  SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER, SO_REUSEADDR, SO_SNDBUF, TCP_NODELAY,
} from '../socket.h';
import type { Linger, Sockaddr, SockaddrRoom } from '../socket.h';
import { areWithin, gather, isWithin } from '../uio.h';
import type { Iovec } from '../uio.h';
import { isSockaddr } from './address';
import { Connection } from './connection';
import { Datagrams } from './datagrams';
import type { WriteBuffer } from './writebuffer';
import { Descriptor } from './descriptor';
import type { Descriptors } from './descriptors';
import { Orphans } from './orphans';
import { Listener } from './listener';
import { takePath } from './path';
import { probe } from './probe';
import { Unconnected } from './unconnected';

const { EALREADY, EFAULT, EISCONN, ENOPROTOOPT, EPROTONOSUPPORT } = constants.errno;

/** Node's unix sockets on Windows are named pipes, which have no file. */
const DOMAINS = process.platform === 'win32' ? [AF_INET, AF_INET6] : [AF_INET, AF_INET6, AF_UNIX];

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
    if (!DOMAINS.includes(domain)) return fail(EAFNOSUPPORT);
    if (type === SOCK_DGRAM) return this.datagramSocket(domain, protocol);
    const isOwn = protocol === 0 || (protocol === IPPROTO_TCP && domain !== AF_UNIX);
    if (type !== SOCK_STREAM || !isOwn) return fail(EPROTONOSUPPORT);
    if (this.isFull()) return fail(EMFILE);
    return this.descriptors.open(new Descriptor(new Unconnected(domain), this.onChanged, domain));
  }

  bind(fd: number, addr: Sockaddr): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint, domain, options } = descriptor;
    const { v6Only } = options;
    const isDatagrams = endpoint instanceof Datagrams;
    if (!isDatagrams && !(endpoint instanceof Unconnected)) return fail(EINVAL);
    if (endpoint.bound !== null || !isSockaddr(addr, domain)) return fail(EINVAL);
    if (this.isTaken({ addr, v6Only }, isDatagrams)) return fail(EADDRINUSE);
    const type = isDatagrams ? SOCK_DGRAM : SOCK_STREAM;
    const res = 'sunPath' in addr ? takePath(addr.sunPath) : probe(addr, v6Only, type);
    if (res < 0) return fail(-res);
    if (isDatagrams) endpoint.bind(withPort(addr, res), options);
    else endpoint.bound = withPort(addr, res);
    return 0;
  }

  listen(fd: number, backlog: number): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint } = descriptor;
    if (endpoint instanceof Listener) return 0;
    if (endpoint instanceof Datagrams) return fail(EOPNOTSUPP);
    if (!(endpoint instanceof Unconnected)) return fail(EINVAL);
    const { domain, options: { v6Only } } = descriptor;
    if (endpoint.bound === null && this.bind(fd, anyAddress(domain)) === -1) return -1;
    if (endpoint.bound === null) return fail(EADDRINUSE);
    const { bound } = endpoint;
    const listener = new Listener(bound, v6Only, Math.max(backlog, 1), descriptor, this.writeBuffer, this.onLost);
    const res = listener.start();
    if (res < 0) return fail(-res);
    descriptor.endpoint = listener;
    return 0;
  }

  accept(fd: number, addr: SockaddrRoom | null): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint } = descriptor;
    if (endpoint instanceof Listener && endpoint.poll() !== 0 && this.isFull()) return fail(EMFILE);
    const connection = endpoint.accept();
    if (typeof connection === 'number') return fail(-connection);
    const accepted = new Descriptor(connection, this.onChanged, descriptor.domain);
    // As on Linux, a connection inherits the options of the listening socket.
    Object.assign(accepted.options, descriptor.options);
    connection.setOptions(accepted.options);
    connection.open(accepted);
    if (addr !== null) connection.getpeername(addr);
    return this.descriptors.open(accepted);
  }

  connect(fd: number, addr: Sockaddr): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    if (!isSockaddr(addr, descriptor.domain)) return fail(EINVAL);
    const { endpoint, options } = descriptor;
    if (endpoint instanceof Connection) return fail(endpoint.connecting ? EALREADY : endpoint.takeError() || EISCONN);
    if (!(endpoint instanceof Unconnected)) return fail(EISCONN);
    const connection = Connection.connect(addr, endpoint.bound, this.writeBuffer);
    connection.setOptions(options);
    connection.open(descriptor);
    descriptor.endpoint = connection;
    return fail(EINPROGRESS);
  }

  getsockname(fd: number, addr: SockaddrRoom): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    descriptor.endpoint.getsockname(addr);
    return 0;
  }

  getpeername(fd: number, addr: SockaddrRoom): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint } = descriptor;
    const res = endpoint instanceof Connection ? endpoint.getpeername(addr) : -ENOTCONN;
    return res < 0 ? fail(-res) : res;
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
    const { domain, endpoint, options } = descriptor;
    const isLinger = level === SOL_SOCKET && optname === SO_LINGER;
    if (typeof optval === 'number') {
      if (isLinger) return fail(EINVAL);
      if (domain === AF_UNIX && level !== SOL_SOCKET) return fail(EOPNOTSUPP);
      if (level === IPPROTO_IPV6 && optname === IPV6_V6ONLY && domain === AF_INET6) {
        const mayBind = endpoint instanceof Unconnected || endpoint instanceof Datagrams;
        if (!mayBind || endpoint.bound !== null) return fail(EINVAL);
        options.v6Only = optval !== 0;
      } else if (level === IPPROTO_TCP && optname === TCP_NODELAY) options.noDelay = optval !== 0;
      else if (level === SOL_SOCKET && optname === SO_KEEPALIVE) options.keepAlive = optval !== 0;
      else if (level === SOL_SOCKET && optname === SO_SNDBUF) options.sendBuffer = optval;
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
    if (length === 0) return 0; // Linux looks no further
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
    if (!areWithin(iov)) return fail(EFAULT);
    const bytes = gather(iov);
    return this.write(fd, bytes, 0, bytes.length);
  }

  recvfrom(fd: number, buf: Uint8Array, offset: number, length: number, addr: SockaddrRoom | null): number {
    const endpoint = this.descriptors.get(fd)?.endpoint;
    if (endpoint === undefined) return fail(EBADF);
    if (!isWithin(buf, offset, length)) return fail(EFAULT);
    if (!(endpoint instanceof Datagrams)) return fail(EOPNOTSUPP);
    const res = endpoint.recvfrom(buf, offset, length, addr);
    return res < 0 ? fail(-res) : res;
  }

  sendto(fd: number, buf: Uint8Array, offset: number, length: number, addr: Sockaddr): number {
    const descriptor = this.descriptors.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    if (!isWithin(buf, offset, length)) return fail(EFAULT);
    const { endpoint, domain } = descriptor;
    if (!(endpoint instanceof Datagrams)) return fail(EOPNOTSUPP);
    if (!isSockaddr(addr, domain)) return fail(EINVAL);
    const res = endpoint.sendto(buf, offset, length, addr);
    return res < 0 ? fail(-res) : res;
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

  private datagramSocket(domain: number, protocol: number): number {
    if (domain === AF_UNIX || protocol !== 0) return fail(EPROTONOSUPPORT);
    if (this.isFull()) return fail(EMFILE);
    const endpoint = new Datagrams(domain, this.onLost);
    endpoint.descriptor = new Descriptor(endpoint, this.onChanged, domain);
    return this.descriptors.open(endpoint.descriptor);
  }

  private isFull(): boolean {
    return this.descriptors.count + this.orphans.count >= this.maxSockets;
  }

  /**
   * Whether another socket of this process, of the same type, has bound the port. The probe sees only sockets that
   * listen already.
   */
  private isTaken(wanted: Bound, isDatagrams: boolean): boolean {
    // The system knows which paths are taken.
    if ('sunPath' in wanted.addr || portOf(wanted.addr) === 0) return false;
    for (const { endpoint, options: { v6Only } } of this.descriptors) {
      const { bound } = endpoint;
      if (endpoint instanceof Datagrams !== isDatagrams) continue;
      if (bound !== null && clash({ addr: bound, v6Only }, wanted)) return true;
    }
    return false;
  }
}

function fail(error: number): -1 {
  setErrno(error);
  return -1;
}
