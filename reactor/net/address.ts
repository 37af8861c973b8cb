// Converts IPv4 addresses between struct sockaddr_in and node:net's strings.
import { AF_INET, INADDR_ANY } from '../socket.h';
import type { SockaddrIn } from '../socket.h';

/** inet_ntop(3): 0x7f000001 is '127.0.0.1'. */
export function inetNtop(sinAddr: number): string {
  return `${sinAddr >>> 24}.${(sinAddr >>> 16) & 0xff}.${(sinAddr >>> 8) & 0xff}.${sinAddr & 0xff}`;
}

/** inet_pton(3), for an address from node:net; INADDR_ANY if it is undefined. */
export function inetPton(address: string | undefined): number {
  if (address === undefined) return INADDR_ANY;
  return address.split('.').reduce((sum, byte) => (sum << 8 | Number(byte)) >>> 0, 0);
}

export function setSockaddrIn(addr: SockaddrIn, address: string | undefined, port: number | undefined): void {
  addr.sinFamily = AF_INET;
  addr.sinPort = port ?? 0;
  addr.sinAddr = inetPton(address);
}

export function isSockaddrIn({ sinFamily, sinPort, sinAddr }: SockaddrIn): boolean {
  return sinFamily === AF_INET && Number.isInteger(sinPort) && sinPort >= 0 && sinPort <= 0xffff &&
    Number.isInteger(sinAddr);
}
