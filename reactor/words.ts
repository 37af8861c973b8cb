// Copies short runs of bytes a word at a time: a call of the engine's own copy costs more, and a view for it is garbage.

/** From this many bytes on, the engine's own copy is quicker. */
export const LONG_COPY = 192;

/** Copies `n` bytes, upwards: where they overlap, `to` must lie below `from`. */
export function copyWords(target: DataView, to: number, source: DataView, from: number, n: number): void {
  if (n >= 4) {
    // The last word first: it covers what is left of the others, and the copy may overwrite where it comes from.
    const last = source.getInt32(from + n - 4, true);
    for (let i = 0; i < n - 4; i += 4) target.setInt32(to + i, source.getInt32(from + i, true), true);
    target.setInt32(to + n - 4, last, true);
  } else for (let i = 0; i < n; i++) target.setUint8(to + i, source.getUint8(from + i));
}
