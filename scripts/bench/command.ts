// The command: reads the arguments, runs, prints, and returns the exit status.
import { writeFile } from 'node:fs/promises';

import { help, readArguments } from './arguments';
import { run } from './run';
import type { Output } from './status';
import { DONE, prepareReport, statusOf } from './status';
import { textReport } from './text';

/** `scripts` is the folder of the compiled scripts. */
export function command(args: readonly string[], scripts: string, output: Output): Promise<number> {
  return statusOf('bench', output, async () => {
    const { out, progress, progressed } = output;
    const options = readArguments(args);
    if (options === 'help') {
      out(help);
      return DONE;
    }
    await prepareReport(options.report);
    const result = await run(options, scripts, progress).finally(progressed);
    out(options.json ? `${JSON.stringify(result, null, 2)}\n` : textReport(result));
    if (options.report !== null) {
      // Loaded only on demand: the plotting library is large.
      const { htmlReport } = await import('./report.js');
      await writeFile(options.report, htmlReport(result));
    }
    return DONE;
  });
}
