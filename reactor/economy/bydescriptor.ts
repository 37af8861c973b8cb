// Tables of numbers, indexed by descriptor.

/** The same table, grown if it has no room for `fd`. */
export function withRoomFor(table: Int32Array<ArrayBuffer>, fd: number): Int32Array<ArrayBuffer> {
  if (fd < table.length) return table;
  const longer = new Int32Array(2 * fd);
  longer.set(table);
  return longer;
}
