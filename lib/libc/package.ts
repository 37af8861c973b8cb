// Finds files of this package at run time, wherever the compiled code lies.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export function packageFile(name: string): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return readFileSync(join(folder, name), 'utf8');
}

export function packageVersion(): string {
  const manifest = JSON.parse(packageFile('package.json')) as { version: string };
  return manifest.version;
}
