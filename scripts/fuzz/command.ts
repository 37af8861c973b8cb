// npm run fuzz: its arguments, and a process for each target, one after the other.
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import type { News, Work } from './child';
import { readCorpus, shown, writeCorpus } from './corpus';
import { targets } from './targets';

/** An input that takes longer is a hang. */
const HANG_MS = 30_000;

const names = targets.map(({ name }) => name);

const HELP = `Usage: npm run fuzz -- [--target ${names.join('|')}] [--minutes <number>] [--seed <number>]
                     [--corpus <folder>]

Sends hostile bytes to a server in this process, which runs in a checked memory. Inputs that reach a new part of the
server are kept in the corpus (spec/corpus), and others are made of them. Each target is fuzzed for a minute.
Exit status: 0, 1 when something was found, 2 when the arguments are wrong.
`;

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

interface Options {
  targets: string[];
  minutes: number;
  seed: number;
  corpus: string;
}

/** Runs the command, and resolves to its exit status. `root` is the folder of the repository. */
export async function command(args: readonly string[], root: string, { out, err }: Output): Promise<number> {
  let options: Options | 'help';
  try {
    options = optionsOf(args, root);
  } catch (error) {
    err(`fuzz: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}\n`);
    return 2;
  }
  if (options === 'help') {
    out(HELP);
    return 0;
  }
  let found = 0;
  for (const target of options.targets) found += await fuzz(target, options, out);
  return found > 0 ? 1 : 0;
}

function optionsOf(args: readonly string[], root: string): Options | 'help' {
  const { values } = parseArgs({ args: [...args], options: {
    target: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    corpus: { type: 'string', default: join(root, 'spec', 'corpus') },
    help: { type: 'boolean', short: 'h', default: false },
  } });
  if (values.help) return 'help';
  const { target } = values;
  if (target !== undefined && !names.includes(target)) throw new Error(`--target is one of ${names.join(', ')}`);
  return {
    targets: target === undefined ? names : [target],
    minutes: numberOf('minutes', values.minutes), seed: numberOf('seed', values.seed), corpus: values.corpus,
  };
}

function numberOf(name: string, argument: string): number {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(argument)) throw new Error(`--${name} is a number, and not '${argument}'`);
  return Number(argument);
}

/** Resolves to the number of problems found. */
function fuzz(target: string, { minutes, seed, corpus }: Options, out: (text: string) => void): Promise<number> {
  const known = (readCorpus(corpus, target) ?? []).map((input) => input.toString('latin1'));
  out(`${target}: seed ${seed}, ${known.length} inputs in the corpus\n`);
  const child = fork(join(__dirname, 'child.js'));
  child.send({ target, seed, minutes, known } satisfies Work);
  return new Promise((resolve, reject) => {
    let trying = '';
    let found: number | null = null;
    const hangs = (): void => {
      out(`${target}: a hang, with the input ${shown(trying)}\n`);
      found = 1;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(hangs, HANG_MS);
    child.on('message', (news: News) => {
      if (news.what === 'trying') {
        trying = news.input;
        timer.refresh();
        return;
      }
      found = news.findings.length;
      report(target, corpus, news, out);
    });
    child.on('error', reject);
    child.on('exit', (status, signal) => {
      clearTimeout(timer);
      if (found === null) reject(new Error(`${target}: the process ended with ${status ?? signal ?? 'nothing'}`));
      else resolve(found);
    });
  });
}

function report(target: string, corpus: string, news: News & { what: 'done' }, out: (text: string) => void): void {
  const { runs, blocks, inputs, findings } = news;
  writeCorpus(corpus, target, inputs);
  const bytes = inputs.reduce((sum, { length }) => sum + length, 0);
  out(`${target}: ${runs} runs reached ${blocks} blocks; ${inputs.length} inputs kept, ${bytes} bytes\n`);
  for (const { input, problem } of findings) out(`\n${target}: ${problem}\nwith the input ${shown(input)}\n\n`);
}
