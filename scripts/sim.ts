#!/usr/bin/env node
// npm run sim: plays runs of the server on the simulated backend, with random clients, faults and time, and checks
// all invariants.
import { join } from 'node:path';
import { SingleBar } from 'cli-progress';

import { command } from './sim/command';
import './pipe';

const bar = new SingleBar({ format: '{bar} {value}/{total} {eta_formatted} {what}', hideCursor: true, clearOnComplete: true });
let shows = false;

void command(process.argv.slice(2), join(__dirname, '..'), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  progress: (done, all, what) => {
    if (!process.stderr.isTTY) return;
    if (shows) bar.update(done, { what });
    else bar.start(all, done, { what });
    shows = true;
  },
  progressed: () => {
    if (shows) bar.stop();
    shows = false;
  },
}).then((status) => {
  process.exitCode = status;
});
