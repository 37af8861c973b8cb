// The command: reads the arguments and the files, and returns the exit status.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { FileResult, GroupResult } from './compare';
import { compareFile, compareGroup } from './compare';
import type { Pair } from './pairs';
import { groups } from './pairs';
import { jsonReport, textReport } from './report';
import { Misuse, findSources } from './sources';
import { faithful } from './verdict';

export const FAITHFUL = 0;
export const UNFAITHFUL = 1;
export const MISUSED = 2;

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

const HELP = `Compares the port, function by function, with your copy of the C source.

  npm run fidelity -- [options] <folder>...

  <folder>  of memcached 1.0.4's source, of libevent 0.7's, or both
  --diff    print the control flow that differs
  --lines   print the port's lines that have no C line
  --json    print everything as JSON
  --help

Exit status: 0, 1 when the port is not faithful, 2 when the arguments are wrong.
`;

/** `projectRoot` is the folder that holds lib and reactor. */
export function run(args: readonly string[], projectRoot: string, { out, err }: Output): number {
  try {
    const options = readArguments(args);
    if (options === 'help') {
      out(HELP);
      return FAITHFUL;
    }
    const { folders, json, ...details } = options;
    const sources = findSources(folders, groups.flatMap(({ pairs }) => pairs.map(({ c }) => c)));
    const results = groups.flatMap((group): GroupResult[] => {
      const files = group.pairs.flatMap((pair): FileResult[] => {
        const source = sources.get(pair.c);
        return source === undefined ? [] : [compare(pair, source, projectRoot)];
      });
      return files.length === 0 ? [] : [compareGroup(group, files)];
    });
    out(json ? jsonReport(results) : textReport(results, details));
    return faithful(results) ? FAITHFUL : UNFAITHFUL;
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    err(`fidelity: ${error.message}\n`);
    return MISUSED;
  }
}

interface Arguments {
  folders: string[];
  diff: boolean;
  lines: boolean;
  json: boolean;
}

function readArguments(args: readonly string[]): Arguments | 'help' {
  const usage = 'give the folder of the C source: fidelity [--diff] [--lines] [--json] <folder>...';
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        diff: { type: 'boolean', default: false },
        lines: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    const { help, ...given } = values;
    if (help) return 'help';
    if (positionals.length === 0) throw new Misuse(usage);
    return { folders: positionals, ...given };
  } catch (error) {
    throw error instanceof Misuse ? error : new Misuse(usage);
  }
}

function compare(pair: Pair, source: string, projectRoot: string): FileResult {
  const port = join(projectRoot, pair.ts);
  try {
    // latin1 takes any byte; C files with accented names are not UTF-8.
    return compareFile(pair, readFileSync(source, 'latin1'), existsSync(port) ? readFileSync(port, 'utf8') : '');
  } catch (error) {
    throw error instanceof SyntaxError ? new Misuse(`${source}: ${error.message}`) : error;
  }
}
