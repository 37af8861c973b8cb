// npm run side-by-side: the reader's own copy of the C source and the port, on one page.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { run } from './side-by-side/command';

/** Where package.json is, seen from this file and from its compiled form alike. */
function projectRoot(from: string): string {
  return existsSync(join(from, 'package.json')) || dirname(from) === from ? from : projectRoot(dirname(from));
}

process.exitCode = run(process.argv.slice(2), projectRoot(__dirname), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
});
