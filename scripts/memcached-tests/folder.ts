// The folder that the tests run in. They expect the current folder to be that of a build, with memcached-debug,
// timedrun, t/ and doc/.
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { need } from './needs';

export interface TestFile {
  /** Without `.t`. */
  name: string;
  /** A missing feature that it needs, or null. */
  need: string | null;
}

/** The test files in a folder of memcached's source, by name; none if it has no t/. */
export function testFiles(source: string): TestFile[] {
  try {
    const names = readdirSync(join(source, 't')).filter((name) => name.endsWith('.t')).sort();
    return names.map((name) => ({
      name: basename(name, '.t'),
      need: need(readFileSync(join(source, 't', name), 'latin1')),
    }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return [];
    throw error;
  }
}

/** A new folder, in which `line` is the server; `remove` it afterwards. */
export function makeFolder(source: string, line: readonly string[]): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'memcached-tests-'));
  // A test reads doc/protocol.txt.
  for (const each of ['t', 'doc'].filter((name) => existsSync(join(source, name)))) {
    cpSync(join(source, each), join(path, each), { recursive: true });
  }
  // debugtime and debugitem are commands of memcached-debug only.
  program(join(path, 'memcached-debug'), `MEMCACHED_DEBUG=1 exec ${line.map(quoted).join(' ')} "$@"`);
  // Each file as a whole has a time limit of ours, so the server needs none.
  program(join(path, 'timedrun'), 'shift; exec "$@"');
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

function program(path: string, line: string): void {
  writeFileSync(path, `#!/bin/sh\n${line}\n`);
  chmodSync(path, 0o755);
}

/** As one word for the shell. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
