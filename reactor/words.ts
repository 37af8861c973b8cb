// Copies short runs of bytes a word at a time. A call of the engine's own copy costs more, and needs a view, which is
// garbage.

/** From this length on, the engine's own copy is quicker. */
export const LONG_COPY_BYTES = 192;

/** Copies `n` bytes upwards. If the two overlap, `to` must lie below `from`. */
export function copyWords(target: DataView, to: number, source: DataView, from: number, n: number): void {
  if (n >= 4) {
    // Reads the last word first, since the copy may overwrite it. It covers the rest that makes no whole word.
    const last = source.getInt32(from + n - 4, true);
    for (let i = 0; i < n - 4; i += 4) target.setInt32(to + i, source.getInt32(from + i, true), true);
    target.setInt32(to + n - 4, last, true);
  } else for (let i = 0; i < n; i++) target.setUint8(to + i, source.getUint8(from + i));
}
