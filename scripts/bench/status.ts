// What the commands of the bench and of the soak have in common: their output, and their exit status.
import { writeFile } from 'node:fs/promises';

import { Misuse } from './arguments';
import { Failure } from './failure';

export const DONE = 0;
export const FAILED = 1;
export const MISUSED = 2;

/** `done` is between 0 and `all`; the first call has 0. */
export type Progress = (done: number, all: number, what: string) => void;

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
  progress: Progress;
  /** Called when there is no more progress, before anything is printed. */
  progressed: () => void;
}

/** The exit status of `command`; its Misuse or Failure is reported in one line. */
export async function statusOf(name: string, { err }: Output, command: () => Promise<number>): Promise<number> {
  try {
    return await command();
  } catch (error) {
    if (!(error instanceof Misuse || error instanceof Failure)) throw error;
    err(`${name}: ${error.message}\n`);
    return error instanceof Misuse ? MISUSED : FAILED;
  }
}

/** Checks before a long run that the page of --report can be written. Throws Misuse. */
export async function prepareReport(file: string | null): Promise<void> {
  if (file === null) return;
  try {
    await writeFile(file, '');
  } catch (error) {
    throw new Misuse(`--report: ${error instanceof Error ? error.message : String(error)}`);
  }
}
