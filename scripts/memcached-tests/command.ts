// The command: reads the arguments, runs the files, prints the table, and returns the exit status.
import { existsSync, realpathSync, statSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { exceptions } from './exceptions';
import { makeFolder, testFiles } from './folder';
import type { TestFile } from './folder';
import { report } from './report';
import type { Row } from './report';
import { runFile } from './run';
import { Misuse, readingArguments } from '../arguments';

export const AS_EXPECTED = 0;
export const FAILED = 1;
export const MISUSED = 2;

const USAGE = `Runs memcached's own tests against memcached-ts.

  npm run memcached-tests -- [options] FOLDER [FILE...]

  FOLDER          memcached's source, with its t/
  FILE            one of t/, as in "cas" or "cas.t" (default: each that needs no extstore, proxy or TLS)
  --server PATH   the program of another server, to see how the tests go with that
  --limit S       seconds that a file may take (default 180)
  --jobs N        files at one time (default 1)
  --help

Needs perl. Exit status: 0, 1 where a file fails that is expected to pass, 2 when the arguments are wrong.
`;

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

interface Options {
  source: string;
  files: string[];
  /** The program of another server. */
  server: string | null;
  limitSeconds: number;
  jobs: number;
}

/** `program` is our server's file. */
export async function command(args: readonly string[], program: string, { out, err }: Output): Promise<number> {
  try {
    const options = readArguments(args);
    if (options === 'help') {
      out(USAGE);
      return AS_EXPECTED;
    }
    const { source, server } = options;
    const all = testFiles(source);
    if (all.length === 0) throw new Misuse(`${source} has no t/*.t: it is not a memcached's source`);
    const known = server === null ? exceptions : new Map<string, string>();
    const rows = await runAll(chosen(all, options.files), server ?? program, options, known, out);
    out(report(rows, all));
    return rows.some(({ failed }) => failed) ? FAILED : AS_EXPECTED;
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    err(`memcached-tests: ${error.message}\n`);
    return MISUSED;
  }
}

function readArguments(args: readonly string[]): Options | 'help' {
  const { values, positionals } = readingArguments(() => parseKnown(args));
  if (values.help === true) return 'help';
  const [source, ...files] = positionals;
  if (positionals.length === 0) throw new Misuse('give the folder of memcached\'s source (--help tells the options)');
  const server = values.server ?? null;
  if (server !== null && !isFile(server)) throw new Misuse(`--server: there is no file ${server}`);
  return {
    source,
    files,
    server: server === null ? null : realpathSync(server),
    limitSeconds: whole(values.limit, '--limit', 180),
    jobs: whole(values.jobs, '--jobs', 1),
  };
}

function parseKnown(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      server: { type: 'string' },
      limit: { type: 'string' },
      jobs: { type: 'string' },
      help: { type: 'boolean' },
    },
    allowPositionals: true,
  });
}

function whole(text: string | undefined, option: string, unless: number): number {
  if (text === undefined) return unless;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Misuse(`${option} wants a whole number from 1, not "${text}"`);
  return Number(text);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function chosen(all: readonly TestFile[], names: readonly string[]): TestFile[] {
  if (names.length === 0) return all.filter(({ need }) => need === null);
  return [...new Set(names)].map((name) => {
    const found = all.find((file) => file.name === name || `${file.name}.t` === name);
    if (found === undefined) throw new Misuse(`there is no test "${name}"`);
    return found;
  });
}

/** The rows in the order of the files, each printed in short as it is done. */
async function runAll(
  files: readonly TestFile[], program: string, { source, limitSeconds, jobs }: Options,
  known: ReadonlyMap<string, string>, out: (text: string) => void,
): Promise<Row[]> {
  const folder = makeFolder(source, program.endsWith('.js') ? [process.execPath, program] : [program]);
  try {
    const rows: Row[] = [];
    const left = files.entries();
    const worker = async (): Promise<void> => {
      for (const [i, file] of left) {
        const outcome = await runFile(folder.path, file.name, limitSeconds);
        const exception = known.get(file.name) ?? null;
        const failed = !outcome.whole && exception === null && file.need === null;
        rows[i] = { file, outcome, exception, failed };
        out(`${file.name}: ${outcome.whole ? 'whole' : outcome.skipped ?? 'not whole'}, ${outcome.seconds.toFixed(1)} s\n`);
      }
    };
    await Promise.all(Array.from({ length: jobs }, worker));
    return rows;
  } finally {
    folder.remove();
  }
}
