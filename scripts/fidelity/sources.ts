// Finds the reader's C files in the given folders.
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { Misuse } from '../arguments';

export { Misuse };

/** The path of each of the `known` C files, under its name. Throws Misuse for a folder without any, or a file twice. */
export function findSources(folders: readonly string[], known: readonly string[]): Map<string, string> {
  const sources = new Map<string, string>();
  for (const folder of new Set(folders)) {
    const found = known.filter((name) => isFile(join(folder, name)));
    if (found.length === 0) throw new Misuse(`${folder} has none of ${known.join(', ')}`);
    for (const name of found) {
      const earlier = sources.get(name);
      if (earlier !== undefined) throw new Misuse(`two files are ${name}: ${earlier} and ${join(folder, name)}`);
      sources.set(name, join(folder, name));
    }
  }
  return sources;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
