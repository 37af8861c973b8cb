// The scenes that come with the program, and those of the user's own files.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkScene } from './scene';
import type { Scene } from './trace';

/** In the order for a presentation. */
const ORDER = [
  'listen-and-accept', 'get', 'set-in-pieces', 'pipelining', 'multi-get', 'memory-full', 'delete-window', 'fairness',
];

function folder(root: string): string {
  return join(root, 'scripts/teach/scenes');
}

export function sceneNames(root: string): string[] {
  const names = readdirSync(folder(root)).map((file) => file.replace(/\.json$/, ''));
  const place = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return names.sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** The scene of that name, or in that file. Throws an Error of one line. */
export function loadScene(root: string, nameOrFile: string): Scene {
  const file = sceneNames(root).includes(nameOrFile) ? join(folder(root), `${nameOrFile}.json`) : nameOrFile;
  if (!existsSync(file)) throw new Error(`there is no scene ${nameOrFile}: there are ${sceneNames(root).join(', ')}`);
  try {
    return checkScene(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
