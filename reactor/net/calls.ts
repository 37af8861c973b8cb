// The system calls of the net backend: the arguments checked, the work done by what is behind the descriptor, and its
// negated errno values made -1 and errno.
import { randomFillSync } from 'node:crypto';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import type { Syscalls, Timeval } from '../event.h';
import { EADDRINUSE, EBADF, EINVAL, setErrno } from '../errno.h';
import {
  AF_INET, F_GETFL, F_SETFL, INADDR_ANY, IPPROTO_TCP, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER, SO_REUSEADDR,
  TCP_NODELAY,
} from '../socket.h';
import type { Linger, SockaddrIn } from '../socket.h';
import { inetNtop, isSockaddrIn } from './address';
import { Connection } from './connection';
import type { Cork } from './cork';
import { Descriptor } from './descriptor';
import type { Files } from './files';
import { Listener } from './listener';
import { probe } from './probe';
import { Unconnected } from './unconnected';

const { EAFNOSUPPORT, EALREADY, EFAULT, EISCONN, ENOPROTOOPT, EPROTONOSUPPORT } = constants.errno;

export class Calls implements Syscalls {
  constructor(
    private readonly files: Files,
    private readonly cork: Cork,
    private readonly onChanged: (descriptor: Descriptor) => void,
  ) {}

  socket(domain: number, type: number, protocol: number): number {
    if (domain !== AF_INET) return fail(EAFNOSUPPORT);
    if (type !== SOCK_STREAM || (protocol !== 0 && protocol !== IPPROTO_TCP)) return fail(EPROTONOSUPPORT);
    return this.files.open(new Descriptor(new Unconnected(), this.onChanged));
  }

  bind(fd: number, addr: SockaddrIn): number {
    const descriptor = this.files.get(fd);
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
    const descriptor = this.files.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const { endpoint } = descriptor;
    if (endpoint instanceof Listener) return 0;
    if (!(endpoint instanceof Unconnected)) return fail(EINVAL);
    if (endpoint.bound === null && this.bind(fd, { sinFamily: AF_INET, sinPort: 0, sinAddr: INADDR_ANY }) === -1) return -1;
    if (endpoint.bound === null) return fail(EADDRINUSE);
    descriptor.endpoint = new Listener(endpoint.bound, Math.max(backlog, 1), descriptor, this.cork);
    return 0;
  }

  accept(fd: number, addr: SockaddrIn | null): number {
    const descriptor = this.files.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    const connection = descriptor.endpoint.accept();
    if (typeof connection === 'number') return fail(-connection);
    const accepted = new Descriptor(connection, this.onChanged);
    // As in Linux, they come from the listening socket.
    Object.assign(accepted.options, descriptor.options);
    connection.setOptions(accepted.options);
    connection.open(accepted);
    if (addr !== null) connection.getpeername(addr);
    return this.files.open(accepted);
  }

  connect(fd: number, addr: SockaddrIn): number {
    const descriptor = this.files.get(fd);
    if (descriptor === undefined) return fail(EBADF);
    if (!isSockaddrIn(addr)) return fail(EINVAL);
    const { endpoint, options } = descriptor;
    if (endpoint instanceof Connection) return fail(endpoint.connecting ? EALREADY : EISCONN);
    if (!(endpoint instanceof Unconnected)) return fail(EISCONN);
    const socket = new Socket({ allowHalfOpen: true });
    const connection = new Connection(socket, this.cork);
    connection.setOptions(options);
    descriptor.endpoint = connection;
    ...
  }
