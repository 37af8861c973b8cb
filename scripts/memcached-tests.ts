#!/usr/bin/env node
// npm run memcached-tests: runs memcached's own tests, from the reader's copy of its source, against our server.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { command } from './memcached-tests/command';
import { endWithUs } from './memcached-tests/run';

/** Where package.json is, seen from this file and from its compiled form alike. */
function projectRoot(from: string): string {
  return existsSync(join(from, 'package.json')) || dirname(from) === from ? from : projectRoot(dirname(from));
}

// The reader of the pipe may close it early, as head(1) does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
endWithUs();

void command(process.argv.slice(2), join(projectRoot(__dirname), 'dist', 'scripts', 'memcached-ts.js'), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((status) => {
  process.exitCode = status;
});
