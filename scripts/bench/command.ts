// The command: reads the arguments, runs, prints, and tells the exit status.
import { writeFile } from 'node:fs/promises';

import type { Options } from './arguments';
import { Misuse, help, readArguments } from './arguments';
import { Failure } from './failure';
import type { Progress } from './run';
import { run } from './run';
import { textReport } from './text';

export const DONE = 0;
export const FAILED = 1;
export const MISUSED = 2;

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
  progress: Progress;
  /** When there is no more progress to tell, before anything is printed. */
  progressed: () => void;
}

/** `scripts` is the folder of the compiled scripts. */
export async function command(args: readonly string[], scripts: string, output: Output): Promise<number> {
  try {
    const options = readArguments(args);
    if (options === 'help') output.out(help);
    else await bench(options, scripts, output);
    return DONE;
  } catch (error) {
    if (!(error instanceof Misuse || error instanceof Failure)) throw error;
    output.err(`bench: ${error.message}\n`);
    return error instanceof Misuse ? MISUSED : FAILED;
  }
}

async function bench(options: Options, scripts: string, { out, progress, progressed }: Output): Promise<void> {
  if (options.report !== null) await prepare(options.report);
  const result = await run(options, scripts, progress).finally(progressed);
  out(options.json ? `${JSON.stringify(result, null, 2)}\n` : textReport(result));
  if (options.report === null) return;
  // Loaded only where it is wanted: the library that draws is large.
  const { htmlReport } = await import('./report.js');
  await writeFile(options.report, htmlReport(result));
}

/** Whether the page can be written is found out before the long run. */
async function prepare(file: string): Promise<void> {
  try {
    await writeFile(file, '');
  } catch (error) {
    throw new Misuse(`--report: ${error instanceof Error ? error.message : String(error)}`);
  }
}
