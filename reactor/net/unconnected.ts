// A socket that is neither connected nor listening. It may have a local address.
import { EV_READ, EV_WRITE } from '../event.h';
import { EINVAL, ENOTCONN, EPIPE } from '../errno.h';
import type { SockaddrIn } from '../socket.h';
import { setSockaddrIn } from './address';
import type { Endpoint } from './descriptor';

export class Unconnected implements Endpoint {
  bound: SockaddrIn | null = null;

  // Linux reports EPOLLHUP | EPOLLOUT.
  poll(): number {
    return EV_READ | EV_WRITE;
  }

  getsockname(addr: SockaddrIn): number {
    setSockaddrIn(addr, undefined, undefined);
    Object.assign(addr, this.bound);
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

  close(): void {}
}
