// Reads a TypeScript file's imports from this project.
import { posix } from 'node:path';

export interface Imported {
  /** Path of the file, from the project's root. */
  file: string;
  /** The exported name; null for a namespace import. */
  name: string | null;
}

const IMPORT = /^import (?:type )?(?:\* as (\w+)|\{([^}]*)\}) from '(\.[^']*)';/gm;

/** By the name in the importing file, whose path from the project's root is `path`. */
export function importsOf(path: string, text: string): Map<string, Imported> {
  const found = new Map<string, Imported>();
  for (const [, all, some, from] of text.matchAll(IMPORT) as Iterable<(string | undefined)[]>) {
    const file = `${posix.join(posix.dirname(path), from ?? '')}.ts`;
    if (all !== undefined) found.set(all, { file, name: null });
    for (const part of (some ?? '').split(',').map((word) => word.trim().replace(/^type /, ''))) {
      if (part === '') continue;
      const [name, alias = name] = part.split(' as ');
      found.set(alias, { file, name });
    }
  }
  return found;
}
