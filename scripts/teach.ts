#!/usr/bin/env node
// npm run teach: builds the page in which the server runs, step by step, in the reader's browser.
import { command } from './teach/command';
import './pipe';
import { projectRoot } from './root';

void command(process.argv.slice(2), projectRoot(__dirname), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
}).then((status) => {
  process.exitCode = status;
});
