// The command: reads the arguments, builds the page, and returns the exit status.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

import { Misuse, help, readArguments } from './arguments';
import type { Options } from './arguments';
import { workerScript } from './cached';
import { loadScene, sceneNames } from './scenes';
import type { Scene } from './trace';

export const DONE = 0;
export const FAILED = 1;
export const MISUSED = 2;

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

/** `root`: the folder with lib/ and reactor/. With --serve the server goes on after the promise has resolved. */
export async function command(args: readonly string[], root: string, { out, err }: Output): Promise<number> {
  try {
    const options = readArguments(args);
    if (options === 'help') out(help);
    else await teach(options, root, out);
    return DONE;
  } catch (error) {
    const message = error instanceof Error ? error.message.split('\n')[0] : String(error);
    err(`teach: ${message}\n`);
    return error instanceof Misuse ? MISUSED : FAILED;
  }
}

async function teach(options: Options, root: string, out: (text: string) => void): Promise<void> {
  const scene = options.scene === null ? null : sceneOf(root, options.scene);
  // Loaded only now: the compiler is large, and a mistake on the command line is reported at once.
  const { livePage, recordedPage } = await import('./html.js');
  const { recorder } = await import('./run.js');
  const worker = await workerScript(root);
  const html = scene === null ? await livePage(root, worker, sceneNames(root).map((name) => loadScene(root, name)))
    : await recordedPage(root, await recorder(worker)(scene));
  const file = resolve(options.output ?? join(root, 'dist/teach', scene === null ? 'index.html' : `${scene.name}.html`));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, html);
  out(`${file}\n`);
  if (options.serve === null) return;
  const { servePage } = await import('./serve.js');
  const { address } = await servePage(html, options.serve);
  out(`${address}\n`);
}

function sceneOf(root: string, nameOrFile: string): Scene {
  try {
    return loadScene(root, nameOrFile);
  } catch (error) {
    throw new Misuse(error instanceof Error ? error.message : String(error));
  }
}
