// The command: reads the arguments, runs, prints, and returns the exit status.
import { writeFile } from 'node:fs/promises';

import type { Output } from '../bench/status';
import { DONE, FAILED, prepareReport, statusOf } from '../bench/status';
import { help, readArguments } from './arguments';
import { failures } from './model';
import { textReport } from './report';
import { run } from './run';

/** `scripts` is the folder of the compiled scripts. */
export function command(args: readonly string[], scripts: string, output: Output): Promise<number> {
  return statusOf('soak', output, async () => {
    const { out, progress, progressed } = output;
    const options = readArguments(args);
    if (options === 'help') {
      out(help);
      return DONE;
    }
    await prepareReport(options.report);
    const results = await run(options, scripts, progress).finally(progressed);
    out(textReport(results));
    if (options.report !== null) {
      // Loaded only on demand: the plotting library is large.
      const { htmlReport } = await import('./page.js');
      await writeFile(options.report, htmlReport(results));
    }
    return results.flatMap(failures).length === 0 ? DONE : FAILED;
  });
}
