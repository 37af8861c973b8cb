// Copies short runs of bytes a word at a time: a call of the engine's own copy costs more, and a view for it is garbage.

/** From this many bytes on, the engine's own copy is quicker. */
export const LONG_COPY = 192;

/** Copies `n` bytes, upwards: where they overlap, `to` must lie below `from`. */
export function copyWords(target: DataView, to: number, source: DataView, from: number, n: number): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) target.setUint32(to + i, source.getUint32(from + i, true), true);
  for (; i < n; i++) target.setUint8(to + i, source.getUint8(from + i));
}
