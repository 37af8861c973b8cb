// <arpa/inet.h>: inet_aton.
import type { Ref } from './stdio';

/**
 * inet_aton(3): converts `cp`, an IPv4 address of one to four parts (decimal, 0x… or 0…), to `inp`, in host byte order.
 * Returns 1, or 0 if it is no address.
 */
export function inetAton(cp: string, inp: Ref): number {
  const parts = cp.split('.');
  if (parts.length > 4) return 0;
  let value = 0;
  for (const [i, part] of parts.entries()) {
    if (!/^(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.test(part)) return 0;
    const number = /^0[0-7]+$/.test(part) ? parseInt(part, 8) : Number(part);
    const last = i === parts.length - 1;
    const bits = last ? 8 * (5 - parts.length) : 8;
    if (number >= 2 ** bits) return 0;
    value += last ? number : number * 2 ** (8 * (3 - i));
  }
  inp.value = value;
  return 1;
}
