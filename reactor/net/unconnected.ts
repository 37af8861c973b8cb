// A socket that is neither connected nor listening. It may have a local address.
import { EV_READ, EV_WRITE } from '../event.h';
import { EINVAL, ENOTCONN, EPIPE } from '../errno.h';
import { anyAddress, fillSockaddr } from '../sockaddr';
import type { Sockaddr, SockaddrRoom } from '../socket.h';
import type { Endpoint } from './descriptor';
import { givePathUp } from './path';

export class Unconnected implements Endpoint {
  bound: Sockaddr | null = null;

  constructor(private readonly domain: number) {}

  // Linux reports EPOLLHUP | EPOLLOUT.
  poll(): number {
    return EV_READ | EV_WRITE;
  }

  getsockname(addr: SockaddrRoom): number {
    fillSockaddr(addr, this.bound ?? anyAddress(this.domain));
    return 0;
  }

  accept(): number {
    return -EINVAL;
  }

  read(): number {
    return -ENOTCONN;
  }

  write(): number {
    return -EPIPE;
  }

  shutdown(): number {
    return -ENOTCONN;
  }

  setOptions(): void {}

  close(): void {
    if (this.bound !== null && 'sunPath' in this.bound) givePathUp(this.bound.sunPath);
  }
}
