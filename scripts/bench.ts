#!/usr/bin/env node
// npm run bench: drives our server and others in rounds, and compares them.
import { SingleBar } from 'cli-progress';

import { command } from './bench/command';
import { endWithUs } from './bench/processes';

// The reader of the pipe may have seen enough, as head has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});
endWithUs();

const bar = new SingleBar({ format: '{bar} {percentage}% {what}', hideCursor: true, clearOnComplete: true });

void command(process.argv.slice(2), __dirname, {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  progress: (done, all, what) => {
    if (!process.stderr.isTTY) return;
    if (done === 0) bar.start(all, 0, { what });
    else bar.update(done, { what });
  },
  progressed: () => bar.stop(),
}).then((status) => {
  process.exitCode = status;
});
