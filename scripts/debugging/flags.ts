// The flags of a module by name.

/** A module's numbers whose names begin with `prefix`. */
export function named(module: Readonly<Record<string, unknown>>, prefix: string): Record<string, number> {
  return Object.fromEntries(Object.entries(module).filter((entry): entry is [string, number] => {
    return entry[0].startsWith(prefix) && typeof entry[1] === 'number';
  }));
}
