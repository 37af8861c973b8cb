// Passes every system call on to the kernel. A layer that changes some of them extends it.
import type { Linger, Sockaddr, SockaddrRoom } from '../socket.h';
import type { Batch, Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import type { Iovec } from '../uio.h';

export class PassThrough implements Syscalls {
  /** Nothing sits above this layer, so nobody would use it. */
  readonly batch: Batch | null = null;

  constructor(protected readonly kernel: Syscalls) {}

  get lingering(): number {
    return this.kernel.lingering;
  }

  get seesAllInput(): boolean {
    return this.kernel.seesAllInput;
  }

  /** The descriptor to pass to the kernel for the program's `fd`. */
  protected given(fd: number): number {
    return fd;
  }

  socket(domain: number, type: number, protocol: number): number {
    return this.kernel.socket(domain, type, protocol);
  }

  bind(fd: number, addr: Sockaddr): number {
    return this.kernel.bind(this.given(fd), addr);
  }

  listen(fd: number, backlog: number): number {
    return this.kernel.listen(this.given(fd), backlog);
  }

  accept(fd: number, addr: SockaddrRoom | null): number {
    return this.kernel.accept(this.given(fd), addr);
  }

  connect(fd: number, addr: Sockaddr): number {
    return this.kernel.connect(this.given(fd), addr);
  }

  getsockname(fd: number, addr: SockaddrRoom): number {
    return this.kernel.getsockname(this.given(fd), addr);
  }

  getpeername(fd: number, addr: SockaddrRoom): number {
    return this.kernel.getpeername(this.given(fd), addr);
  }

  fcntl(fd: number, cmd: number, arg: number): number {
    return this.kernel.fcntl(this.given(fd), cmd, arg);
  }

  setsockopt(fd: number, level: number, optname: number, optval: number | Linger): number {
    return this.kernel.setsockopt(this.given(fd), level, optname, optval);
  }

  read(fd: number, buf: Uint8Array, offset: number, length: number): number {
    return this.kernel.read(this.given(fd), buf, offset, length);
  }

  write(fd: number, buf: Uint8Array, offset: number, length: number): number {
    return this.kernel.write(this.given(fd), buf, offset, length);
  }

  send(fd: number, buf: Uint8Array, offset: number, length: number, flags: number): number {
    return this.kernel.send(this.given(fd), buf, offset, length, flags);
  }

  sendmsg(fd: number, iov: readonly Iovec[], flags: number): number {
    return this.kernel.sendmsg(this.given(fd), iov, flags);
  }

  recvfrom(fd: number, buf: Uint8Array, offset: number, length: number, addr: SockaddrRoom | null): number {
    return this.kernel.recvfrom(this.given(fd), buf, offset, length, addr);
  }

  sendto(fd: number, buf: Uint8Array, offset: number, length: number, addr: Sockaddr): number {
    return this.kernel.sendto(this.given(fd), buf, offset, length, addr);
  }

  shutdown(fd: number, how: number): number {
    return this.kernel.shutdown(this.given(fd), how);
  }

  close(fd: number): number {
    return this.kernel.close(this.given(fd));
  }

  gettimeofday(tv: Timeval): number {
    return this.kernel.gettimeofday(tv);
  }

  time(): number {
    return this.kernel.time();
  }

  monotonic(): number {
    return this.kernel.monotonic();
  }

  getrandom(buf: Uint8Array): number {
    return this.kernel.getrandom(buf);
  }
}
