// Where memcached 1.6 keeps its items while it is restarted (-e): two files, which no other process has.
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Its name is equally long in every process, because clients can ask for it. */
const folder = join(tmpdir(), `sim-${String(process.pid).padStart(10, '0')}`);

/** The words of the command line, and an empty folder. */
export function memoryFile(): string[] {
  removeMemoryFile();
  mkdirSync(folder);
  return ['-e', join(folder, 'items')];
}

export function removeMemoryFile(): void {
  rmSync(folder, { recursive: true, force: true });
}
