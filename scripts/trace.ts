// npm run trace: plays a scene on the simulated backend, and prints step by step what the server does.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { run } from './trace/command';

/** Where package.json is, seen from this file and from its compiled form alike. */
function projectRoot(from: string): string {
  return existsSync(join(from, 'package.json')) || dirname(from) === from ? from : projectRoot(dirname(from));
}

// The reader of the pipe may close it early, as head(1) does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void run(process.argv.slice(2), projectRoot(__dirname), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((status) => {
  process.exitCode = status;
});
