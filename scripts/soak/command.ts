// The command: reads the arguments, runs, prints, and tells the exit status.
import { writeFile } from 'node:fs/promises';

import { Misuse } from '../bench/arguments';
import { Failure } from '../bench/failure';
import type { Options } from './arguments';
import { help, readArguments } from './arguments';
import { failures } from './model';
import { textReport } from './report';
import type { Progress } from './run';
import { run } from './run';

const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

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
    if (options !== 'help') return await soak(options, scripts, output);
    output.out(help);
    return DONE;
  } catch (error) {
    if (!(error instanceof Misuse || error instanceof Failure)) throw error;
    output.err(`soak: ${error.message}\n`);
    return error instanceof Misuse ? MISUSED : FAILED;
  }
}

async function soak(options: Options, scripts: string, { out, progress, progressed }: Output): Promise<number> {
  if (options.report !== null) await prepare(options.report);
  const results = await run(options, scripts, progress).finally(progressed);
  out(textReport(results));
  if (options.report !== null) {
    // Loaded only where it is wanted: the library that draws is large.
    const { htmlReport } = await import('./page.js');
    await writeFile(options.report, htmlReport(results));
  }
  return results.flatMap(failures).length === 0 ? DONE : FAILED;
}

/** Whether the page can be written is found out before the long run. */
async function prepare(file: string): Promise<void> {
  try {
    await writeFile(file, '');
  } catch (error) {
    throw new Misuse(`--report: ${error instanceof Error ? error.message : String(error)}`);
  }
}
