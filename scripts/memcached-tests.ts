#!/usr/bin/env node
// npm run memcached-tests: runs memcached's own tests, from the reader's copy of its source, against our server.
import { join } from 'node:path';

import { command } from './memcached-tests/command';
import { endWithUs } from './memcached-tests/run';
import './pipe';
import { projectRoot } from './root';

endWithUs();

void command(process.argv.slice(2), join(projectRoot(__dirname), 'dist', 'scripts', 'memcached-ts.js'), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((status) => {
  process.exitCode = status;
});
