// Helpers of the backends and the program for addresses of any family.
import { AF_INET, AF_INET6, AF_UNIX, INADDR_ANY } from './socket.h';
import type { Sockaddr, SockaddrRoom, SockaddrStorage } from './socket.h';

/** An empty struct sockaddr_storage. */
export function sockaddrStorage(): SockaddrStorage {
  return {
    ssFamily: 0,
    in: { sinFamily: 0, sinPort: 0, sinAddr: INADDR_ANY },
    in6: { sin6Family: 0, sin6Port: 0, sin6Addr: '::' },
    un: { sunFamily: 0, sunPath: '' },
  };
}

/** The address that a new socket of `domain` has. */
export function anyAddress(domain: number): Sockaddr {
  if (domain === AF_UNIX) return { sunFamily: AF_UNIX, sunPath: '' };
  if (domain === AF_INET6) return { sin6Family: AF_INET6, sin6Port: 0, sin6Addr: '::' };
  return { sinFamily: AF_INET, sinPort: 0, sinAddr: INADDR_ANY };
}

/** The family, by the shape of the address. */
export function familyOf(addr: Sockaddr): number {
  if ('sunPath' in addr) return AF_UNIX;
  return 'sin6Addr' in addr ? AF_INET6 : AF_INET;
}

/** The port; 0 if the family has none. */
export function portOf(addr: Sockaddr): number {
  if ('sunPath' in addr) return 0;
  return 'sin6Addr' in addr ? addr.sin6Port : addr.sinPort;
}

/** A copy of `addr` with another port. */
export function withPort(addr: Sockaddr, port: number): Sockaddr {
  if ('sunPath' in addr) return { ...addr };
  return 'sin6Addr' in addr ? { ...addr, sin6Port: port } : { ...addr, sinPort: port };
}

/** Fills `room` in with `addr`. */
export function fillSockaddr(room: SockaddrRoom, addr: Sockaddr): void {
  const family = familyOf(addr);
  if ('sinAddr' in room) {
    room.sinFamily = family;
    room.sinPort = portOf(addr);
    room.sinAddr = 'sinAddr' in addr ? addr.sinAddr : INADDR_ANY;
    return;
  }
  room.ssFamily = family;
  if ('sunPath' in addr) room.un = { ...addr };
  else if ('sin6Addr' in addr) room.in6 = { ...addr };
  else room.in = { ...addr };
}

/** An address that a socket has bound, and whether it has IPV6_V6ONLY. */
export interface Bound {
  addr: Sockaddr;
  v6Only: boolean;
}

/** Whether two sockets cannot have both addresses at once. */
export function clash(a: Bound, b: Bound): boolean {
  if ('sunPath' in a.addr || 'sunPath' in b.addr) {
    return 'sunPath' in a.addr && 'sunPath' in b.addr && a.addr.sunPath === b.addr.sunPath;
  }
  if (portOf(a.addr) !== portOf(b.addr)) return false;
  if ('sin6Addr' in a.addr && 'sin6Addr' in b.addr) {
    return a.addr.sin6Addr === b.addr.sin6Addr || isAny(a.addr) || isAny(b.addr);
  }
  if ('sinAddr' in a.addr && 'sinAddr' in b.addr) {
    return a.addr.sinAddr === b.addr.sinAddr || isAny(a.addr) || isAny(b.addr);
  }
  // One of each family: they clash if the IPv6 socket takes all IPv4 addresses, too.
  const six = 'sin6Addr' in a.addr ? a : b;
  return isAny(six.addr) && !six.v6Only;
}

/** Whether it stands for all interfaces. */
function isAny(addr: Sockaddr): boolean {
  return 'sin6Addr' in addr ? addr.sin6Addr === '::' : 'sinAddr' in addr && addr.sinAddr === INADDR_ANY;
}
