// Flags by name, for debug lines and debuggers.

/** `EV_READ|EV_PERSIST`; `0` for none. Bits without a name follow in hexadecimal. */
export function flagNames(value: number, names: Readonly<Record<string, number>>): string {
  const set = Object.entries(names).filter(([, bit]) => (value & bit) !== 0);
  const rest = set.reduce((left, [, bit]) => left & ~bit, value);
  const all = [...set.map(([name]) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])];
  return all.length === 0 ? '0' : all.join('|');
}
