// The system calls, as the program makes them: each goes to the backend that event_init chose.
import type { Timeval } from './time';
import { evcalls } from './event';
import type { Linger, SockaddrIn } from './socket.h';

export function socket(domain: number, type: number, protocol: number): number {
  return evcalls.socket(domain, type, protocol);
}

export function bind(fd: number, addr: SockaddrIn): number {
  return evcalls.bind(fd, addr);
}

export function listen(fd: number, backlog: number): number {
  return evcalls.listen(fd, backlog);
}

export function accept(fd: number, addr: SockaddrIn | null): number {
  return evcalls.accept(fd, addr);
}

export function connect(fd: number, addr: SockaddrIn): number {
  return evcalls.connect(fd, addr);
}

export function getsockname(fd: number, addr: SockaddrIn): number {
  return evcalls.getsockname(fd, addr);
}

export function fcntl(fd: number, cmd: number, arg: number): number {
  return evcalls.fcntl(fd, cmd, arg);
}

export function setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
  return evcalls.setsockopt(fd, level, optname, optval);
}

export function read(fd: number, buf: Uint8Array, offset: number, length: number): number {
  return evcalls.read(fd, buf, offset, length);
}

export function write(fd: number, buf: Uint8Array, offset: number, length: number): number {
  return evcalls.write(fd, buf, offset, length);
}

export function shutdown(fd: number, how: number): number {
  return evcalls.shutdown(fd, how);
}

export function close(fd: number): number {
  return evcalls.close(fd);
}

export function gettimeofday(tv: Timeval): number {
  return evcalls.gettimeofday(tv);
}

export function time(): number {
  return evcalls.time();
}

export function getrandom(buf: Uint8Array): number {
  return evcalls.getrandom(buf);
}

/** How many descriptors the program has closed that are still open, because not all that it wrote has arrived. */
export function lingering(): number {
  return evcalls.lingering;
}
