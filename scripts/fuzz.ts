#!/usr/bin/env node
// npm run fuzz: sends hostile bytes to a server, and keeps inputs that reach new code in it.
import { join } from 'node:path';

import { command } from './fuzz/command';

void command(process.argv.slice(2), join(__dirname, '..', '..'), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((status) => {
  process.exitCode = status;
});
