// The scenes that the project has, in the order in which one learns from them; and scenes of the reader's own, from files.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Misuse } from './arguments';
import { isScene } from './scene-check';
import type { Scene } from './trace';

export const SCENES = [
  'listen-and-accept', 'get', 'set-in-pieces', 'pipelining', 'multi-get', 'memory-full', 'delete-window', 'fairness',
] as const;

/** `root`: the folder with scripts/. */
export function ownScenes(root: string): Scene[] {
  return SCENES.map((name) => readScene(pathOf(root, name)));
}

/** By the name of one of ours, or by the path of a file. Throws Misuse for what is no scene. */
export function sceneOf(root: string, nameOrFile: string): Scene {
  const own = SCENES.find((name) => name === nameOrFile);
  if (own !== undefined) return readScene(pathOf(root, own));
  if (!existsSync(nameOrFile)) throw new Misuse(`no scene "${nameOrFile}": there are ${SCENES.join(', ')}, and files`);
  return readScene(nameOrFile);
}

function pathOf(root: string, name: string): string {
  return join(root, 'scripts/teach/scenes', `${name}.json`);
}

function readScene(file: string): Scene {
  const scene = parse(file);
  if (!isScene(scene)) throw new Misuse(`${file}: a scene has name, title, about, seed, args and acts`);
  return scene;
}

function parse(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Misuse(`${file}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`);
  }
}
