// HalfSipHash-c-d by its authors' paper and reference code, for any bytes: the port's hash is checked against it.

/** `rounds`: [c, d]. The key is two words. 32 bits. */
export function halfSipHash(data: Uint8Array, [k0, k1]: [number, number], [c, d]: [number, number]): number {
  const v = Uint32Array.of(k0, k1, 0x6c796765 ^ k0, 0x74656462 ^ k1);
  const rotl = (i: number, bits: number): void => {
    v[i] = (v[i] << bits) | (v[i] >>> (32 - bits));
  };
  const rounds = (n: number): void => {
    for (let i = 0; i < n; i++) {
      v[0] += v[1];
      rotl(1, 5);
      v[1] ^= v[0];
      rotl(0, 16);
      v[2] += v[3];
      rotl(3, 8);
      v[3] ^= v[2];
      v[0] += v[3];
      rotl(3, 7);
      v[3] ^= v[0];
      v[2] += v[1];
      rotl(1, 13);
      v[1] ^= v[2];
      rotl(2, 16);
    }
  };
  // Whole little-endian words, and a last word of the remaining bytes, with the length in its highest byte.
  const padded = Buffer.alloc((data.length & ~3) + 4);
  padded.set(data);
  padded[padded.length - 1] = data.length;
  for (let at = 0; at < padded.length; at += 4) {
    const word = padded.readUInt32LE(at);
    v[3] ^= word;
    rounds(c);
    v[0] ^= word;
  }
  v[2] ^= 0xff;
  rounds(d);
  return (v[1] ^ v[3]) >>> 0;
}
