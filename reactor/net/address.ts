// Converts addresses between struct sockaddr and node:net's strings.
import { isIPv6 } from 'node:net';
import { AF_INET, AF_INET6, INADDR_ANY } from '../socket.h';
import { familyOf } from '../sockaddr';
import type { Sockaddr, SockaddrIn, SockaddrIn6 } from '../socket.h';

/** inet_ntop(3): 0x7f000001 is '127.0.0.1'. */
export function inetNtop(sinAddr: number): string {
  return `${sinAddr >>> 24}.${(sinAddr >>> 16) & 0xff}.${(sinAddr >>> 8) & 0xff}.${sinAddr & 0xff}`;
}

/** inet_pton(3), for an address from node:net; INADDR_ANY if it is undefined. */
export function inetPton(address: string | undefined): number {
  if (address === undefined) return INADDR_ANY;
  return address.split('.').reduce((sum, byte) => (sum << 8 | Number(byte)) >>> 0, 0);
}

/** The address of a socket of node:net that has a port. */
export function sockaddrOf(address: string | undefined, port = 0): Sockaddr {
  if (address !== undefined && isIPv6(address)) return { sin6Family: AF_INET6, sin6Port: port, sin6Addr: address };
  return { sinFamily: AF_INET, sinPort: port, sinAddr: inetPton(address) };
}

export function hostOf(addr: SockaddrIn | SockaddrIn6): string {
  return 'sin6Addr' in addr ? addr.sin6Addr : inetNtop(addr.sinAddr);
}

/** For a message: '127.0.0.1:80', '[::1]:80', or a path. */
export function describe(addr: Sockaddr): string {
  if ('sunPath' in addr) return addr.sunPath;
  return 'sin6Addr' in addr ? `[${addr.sin6Addr}]:${addr.sin6Port}` : `${inetNtop(addr.sinAddr)}:${addr.sinPort}`;
}

/** Whether it is an address for a socket of `domain`. */
export function isSockaddr(addr: Sockaddr, domain: number): boolean {
  if (familyOf(addr) !== domain) return false;
  if ('sunPath' in addr) return addr.sunPath !== '';
  if ('sin6Addr' in addr) return isPort(addr.sin6Port) && isIPv6(addr.sin6Addr);
  return addr.sinFamily === AF_INET && isPort(addr.sinPort) && Number.isInteger(addr.sinAddr);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 0xffff;
}
