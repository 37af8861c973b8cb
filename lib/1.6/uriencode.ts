// util.c: uriencode. Encodes keys for dumps and `watch`, because a key may have any bytes.
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';

/** By byte, whether it stands for itself in a URI. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) => Number(/[\w.~-]/.test(String.fromCharCode(byte))));
const HEX = Buffer.from('0123456789ABCDEF');

// util.c: uriencode_p
/** Writes the `n` bytes at `text`, encoded to at most three times as many. Returns the end. */
export function putUriencoded(dst: Ptr, text: Ptr, n: number): Ptr {
  let p = dst;
  for (let i = 0; i < n; i++) {
    const byte = u8[text + i];
    if (plain[byte] === 1) {
      u8[p++] = byte;
    } else {
      u8[p] = 0x25; u8[p + 1] = HEX[byte >>> 4]; u8[p + 2] = HEX[byte & 15];
      p += 3;
    }
  }
  return p;
}
