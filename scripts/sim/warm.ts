// The files in which memcached 1.6 keeps its items over a restart (-e): two, which no other process uses.
import { mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The name has the same length in every process, because clients can ask for it. */
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
