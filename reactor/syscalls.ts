// The system calls, as the program makes them: each goes to the backend that event_init chose.
import type { Timeval } from './event.h';
import { evsel } from './event';
import type { Linger, SockaddrIn } from './socket.h';

export function socket(domain: number, type: number, protocol: number): number {
  return evsel.syscalls.socket(domain, type, protocol);
}

export function bind(fd: number, addr: SockaddrIn): number {
  return evsel.syscalls.bind(fd, addr);
}

export function listen(fd: number, backlog: number): number {
  return evsel.syscalls.listen(fd, backlog);
}

export function accept(fd: number, addr: SockaddrIn | null): number {
  return evsel.syscalls.accept(fd, addr);
}

export function connect(fd: number, addr: SockaddrIn): number {
  return evsel.syscalls.connect(fd, addr);
}

export function getsockname(fd: number, addr: SockaddrIn): number {
  return evsel.syscalls.getsockname(fd, addr);
}

export function fcntl(fd: number, cmd: number, arg: number): number {
  return evsel.syscalls.fcntl(fd, cmd, arg);
}

export function setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
  return evsel.syscalls.setsockopt(fd, level, optname, optval);
}

export function read(fd: number, buf: Uint8Array, offset: number, length: number): number {
  return evsel.syscalls.read(fd, buf, offset, length);
}

export function write(fd: number, buf: Uint8Array, offset: number, length: number): number {
  return evsel.syscalls.write(fd, buf, offset, length);
}

export function shutdown(fd: number, how: number): number {
  return evsel.syscalls.shutdown(fd, how);
}

export function close(fd: number): number {
  return evsel.syscalls.close(fd);
}

export function gettimeofday(tv: Timeval): number {
  return evsel.syscalls.gettimeofday(tv);
}

export function getrandom(buf: Uint8Array): number {
  return evsel.syscalls.getrandom(buf);
}
