// The system calls of a kernel as they are, for a layer that changes some of them.
import type { Linger, SockaddrIn } from '../socket.h';
import type { Batch, Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import type { Iovec } from '../uio.h';

export class PassThrough implements Syscalls {
  /** That of the kernel is for the layer itself. */
  readonly batch: Batch | null = null;

  constructor(protected readonly kernel: Syscalls) {}

  get lingering(): number {
    return this.kernel.lingering;
  }

  socket(domain: number, type: number, protocol: number): number {
    return this.kernel.socket(domain, type, protocol);
  }

  bind(fd: number, addr: SockaddrIn): number {
    return this.kernel.bind(fd, addr);
  }

  listen(fd: number, backlog: number): number {
    return this.kernel.listen(fd, backlog);
  }

  accept(fd: number, addr: SockaddrIn | null): number {
    return this.kernel.accept(fd, addr);
  }

  connect(fd: number, addr: SockaddrIn): number {
    return this.kernel.connect(fd, addr);
  }

  getsockname(fd: number, addr: SockaddrIn): number {
    return this.kernel.getsockname(fd, addr);
  }

  fcntl(fd: number, cmd: number, arg: number): number {
    return this.kernel.fcntl(fd, cmd, arg);
  }

  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    return this.kernel.setsockopt(fd, level, optname, optval);
  }

  read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    return this.kernel.read(fd, buf, offset, length);
  }

  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    return this.kernel.write(fd, buf, offset, length);
  }

  send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    return this.kernel.send(fd, buf, offset, length, flags);
  }

  sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    return this.kernel.sendmsg(fd, iov, flags);
  }

  shutdown(fd: number, how: number): number {
    return this.kernel.shutdown(fd, how);
  }

  close(fd: number): number {
    return this.kernel.close(fd);
  }

  gettimeofday(tv: Timeval): number {
    return this.kernel.gettimeofday(tv);
  }

  time(): number {
    return this.kernel.time();
  }

  getrandom(buf: Uint8Array): number {
    return this.kernel.getrandom(buf);
  }
}
