#!/usr/bin/env node
// npm run soak: keeps servers busy for long, and watches whether they answer rightly and grow.
import { SingleBar } from 'cli-progress';

import { endWithUs } from './bench/processes';
import { command } from './soak/command';

// The reader of the pipe may have seen enough, as head has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
endWithUs();

const bar = new SingleBar({ format: '{bar} {percentage}% {what}', hideCursor: true, clearOnComplete: true });
let begun = false;

void command(process.argv.slice(2), __dirname, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  progress: (done, what) => {
    if (!process.stderr.isTTY) return;
    if (!begun) bar.start(1, 0, { what });
    begun = true;
    bar.update(Math.min(1, done), { what });
  },
  progressed: () => bar.stop(),
}).then((status) => {
  process.exitCode = status;
});
