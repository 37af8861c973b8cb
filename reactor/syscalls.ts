// The system calls as functions for the program. Each calls the backend that event_init chose.
import { evcalls } from './event';
import type { Syscalls } from './syscalls.h';

export const socket: Syscalls['socket'] = (domain, type, protocol) => evcalls.socket(domain, type, protocol);
export const bind: Syscalls['bind'] = (fd, addr) => evcalls.bind(fd, addr);
export const listen: Syscalls['listen'] = (fd, backlog) => evcalls.listen(fd, backlog);
export const accept: Syscalls['accept'] = (fd, addr) => evcalls.accept(fd, addr);
export const connect: Syscalls['connect'] = (fd, addr) => evcalls.connect(fd, addr);
export const getsockname: Syscalls['getsockname'] = (fd, addr) => evcalls.getsockname(fd, addr);
export const getpeername: Syscalls['getpeername'] = (fd, addr) => evcalls.getpeername(fd, addr);
export const fcntl: Syscalls['fcntl'] = (fd, cmd, arg) => evcalls.fcntl(fd, cmd, arg);
export const setsockopt: Syscalls['setsockopt'] = (fd, level, optname, optval) => {
  return evcalls.setsockopt(fd, level, optname, optval);
};
export const read: Syscalls['read'] = (fd, buf, offset, length) => evcalls.read(fd, buf, offset, length);
export const write: Syscalls['write'] = (fd, buf, offset, length) => evcalls.write(fd, buf, offset, length);
export const sendmsg: Syscalls['sendmsg'] = (fd, iov, flags) => evcalls.sendmsg(fd, iov, flags);
export const recvfrom: Syscalls['recvfrom'] = (fd, buf, offset, length, addr) => {
  return evcalls.recvfrom(fd, buf, offset, length, addr);
};
export const sendto: Syscalls['sendto'] = (fd, buf, offset, length, addr) => {
  return evcalls.sendto(fd, buf, offset, length, addr);
};
export const shutdown: Syscalls['shutdown'] = (fd, how) => evcalls.shutdown(fd, how);
export const close: Syscalls['close'] = (fd) => evcalls.close(fd);
export const gettimeofday: Syscalls['gettimeofday'] = (tv) => evcalls.gettimeofday(tv);
export const time: Syscalls['time'] = () => evcalls.time();
export const monotonic: Syscalls['monotonic'] = () => evcalls.monotonic();
export const getrandom: Syscalls['getrandom'] = (buf) => evcalls.getrandom(buf);

/** How many descriptors the program has closed that are still open. */
export const lingering = (): number => evcalls.lingering;
