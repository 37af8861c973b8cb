// inet_ntop(3) for those who tell addresses. Those of IPv6 are texts already.

export function inetNtoa(addr: number): string {
  return [addr >>> 24, (addr >>> 16) & 255, (addr >>> 8) & 255, addr & 255].join('.');
}
