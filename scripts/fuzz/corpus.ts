// The corpus: for each target the fewest and shortest inputs that together reach all code that was ever reached. A file
// holds them as an array of strings, a character for each byte.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Null if there is no file yet. */
export function readCorpus(folder: string, name: string): Buffer[] | null {
  let text: string;
  try {
    text = readFileSync(join(folder, `${name}.json`), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return (JSON.parse(text) as string[]).map((input) => Buffer.from(input, 'latin1'));
}

/** `inputs` are latin1. */
export function writeCorpus(folder: string, name: string, inputs: readonly string[]): void {
  const lines = inputs.map((input) => `  ${shown(input)}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${name}.json`), `[\n${lines.join(',\n')}\n]\n`);
}

/** An input of latin1 as a string of JSON, all of it ASCII. */
export function shown(input: string): string {
  return JSON.stringify(input).replace(/[\x7f-\xff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
