// Tables by descriptor: a number for each.

/** The same table, with room for `fd`. */
export function withRoomFor(table: Int32Array<ArrayBuffer>, fd: number): Int32Array<ArrayBuffer> {
  if (fd < table.length) return table;
  const longer = new Int32Array(2 * fd);
  longer.set(table);
  return longer;
}
