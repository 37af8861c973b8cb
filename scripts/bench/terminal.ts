// Runs a command on the terminal, with a progress bar.
import { SingleBar } from 'cli-progress';

import { endWithUs } from './processes';
import type { Output } from './status';
import '../pipe';

/** `command` gets the arguments of this process, and resolves to its exit status. */
export function runOnTerminal(command: (args: readonly string[], output: Output) => Promise<number>): void {
  endWithUs();

  const bar = new SingleBar({ format: '{bar} {percentage}% {what}', hideCursor: true, clearOnComplete: true });
  void command(process.argv.slice(2), {
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
}
