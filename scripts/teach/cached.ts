// Caches the worker's script until a file that it is made of changes: bundling takes longer than most uses of the
// script.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import type * as Bundle from './bundle';

const load = createRequire(__filename);

/** All sources and settings of the bundle. The lock file stands for the packages. */
const FOLDERS = ['lib', 'reactor', 'scripts/teach', 'scripts/command'];
const FILES = ['package-lock.json', 'tsconfig.json'];
const PREFIX = 'worker-';

/** As bundleWorker (bundle.ts), from dist/teach/ if possible. `root`: the folder with lib/, reactor/ and dist/. */
export async function workerScript(root: string): Promise<string> {
  const folder = join(root, 'dist', 'teach');
  const name = `${PREFIX}${keyOf(root)}.js`;
  try {
    return readFileSync(join(folder, name), 'utf8');
  } catch {
    // Not made yet.
  }
  // Loaded only now: it needs the compiler.
  const { bundleWorker } = load('./bundle') as typeof Bundle;
  const script = await bundleWorker(root);
  mkdirSync(folder, { recursive: true });
  for (const old of readdirSync(folder)) if (old.startsWith(PREFIX)) rmSync(join(folder, old), { force: true });
  // Renamed into place, so that a concurrent reader sees all of it or nothing.
  const part = join(folder, `part-${process.pid}.js`);
  writeFileSync(part, script);
  renameSync(part, join(folder, name));
  return script;
}

/** Changes with any file that can be in the bundle. Its error and signal numbers are the system's. */
export function keyOf(root: string): string {
  const hash = createHash('sha256').update(`${process.version} ${process.platform} ${process.arch}\n`);
  const inFolders = FOLDERS.flatMap((folder) => {
    return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  });
  for (const path of [...inFolders, ...FILES.map((file) => join(root, file))]) {
    const text = readFileSync(path);
    hash.update(`${path} ${text.length}\n`).update(text);
  }
  return hash.digest('hex').slice(0, 24);
}
