// The flags of a module by name.

/** The names of a module that begin so. */
export function named(module: Readonly<Record<string, unknown>>, prefix: string): Record<string, number> {
  return Object.fromEntries(Object.entries(module).filter((entry): entry is [string, number] => {
    return entry[0].startsWith(prefix) && typeof entry[1] === 'number';
  }));
}
