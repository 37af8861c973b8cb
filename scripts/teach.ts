#!/usr/bin/env node
// npm run teach: builds the page in which the server runs, step by step, in the reader's browser.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { command } from './teach/command';

/** Where package.json is, seen from this file and from its compiled form alike. */
function projectRoot(from: string): string {
  return existsSync(join(from, 'package.json')) || dirname(from) === from ? from : projectRoot(dirname(from));
}

// The reader of the pipe may close it early, as head(1) does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void command(process.argv.slice(2), projectRoot(__dirname), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((status) => {
  process.exitCode = status;
});
