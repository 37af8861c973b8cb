// inet_ntop(3) for logs and stats, IPv4 only: IPv6 addresses are strings already.

export function inetNtoa(addr: number): string {
  return [addr >>> 24, (addr >>> 16) & 255, (addr >>> 8) & 255, addr & 255].join('.');
}
