// The command line of the simulation: one seed in full detail, many seeds, or bugs that are put back.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { BUGS } from './bugs';
import { checkMemory } from './checking';
import { generate } from './generate';
import { hunt } from './hunt';
import type { Caught, Hunt } from './hunt';
import { MODES } from './plan';
import type { Mode, Plan } from './plan';
import { Play } from './play';
import type { Failure } from './play';
import { SceneWriter } from './scene';
import { shrink } from './shrink';
import { Trace } from './trace';

const RUNS = 1000;
const SHRINK_TRIES = 400;
/** At most this many failures are reported, in one line each. */
const TOLD_MAX = 20;

export const USAGE = `Usage: npm run sim -- [options]

  --runs N      play N seeds (default ${RUNS}) on all processors
  --from SEED   begin with this seed (default 1)
  --mode MODE   ${MODES.join(', ')} (default: ${MODES[0]}): memcached 1.6, --1.0, --classic
  --seed N      play one seed, and tell all that happens
  --shrink      with --seed: tell it of the smallest run that fails, too
  --scene FILE  with --seed: write it as a scene for the teaching page
  --planted     put known bugs back, one at a time, and tell in how many of the seeds each is caught
  --bug WORDS   with --planted: only those with these words in their names
  --checked     on a checked memory, which finds every access outside of a block, and takes two or three times as long
  --jobs N      processes (default: as many as processors)
`;

export interface Io {
  out(text: string): void;
  err(text: string): void;
  progress(done: number, all: number, what: string): void;
  progressed(): void;
}

class Usage extends Error {}

/** Resolves to the exit status. `dist`: the folder of the compiled project. */
export async function command(args: readonly string[], dist: string, io: Io): Promise<number> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string' }, from: { type: 'string' }, mode: { type: 'string' }, seed: { type: 'string' },
        shrink: { type: 'boolean' }, scene: { type: 'string' }, planted: { type: 'boolean' }, bug: { type: 'string' },
        checked: { type: 'boolean' }, jobs: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      io.out(USAGE);
      return 0;
    }
    const mode = modeOf(values.mode ?? MODES[0]);
    const runs = number('runs', values.runs ?? String(RUNS), 1);
    const from = number('from', values.from ?? '1', 0);
    const jobs = number('jobs', values.jobs ?? String(availableParallelism()), 1);
    const checked = values.checked === true;
    if (values.seed !== undefined) {
      if (checked) checkMemory();
      return await one(generate(number('seed', values.seed, 0), mode), values.shrink === true, values.scene ?? null, io);
    }
    if (values.scene !== undefined || values.shrink === true) throw new Usage('--scene and --shrink want a --seed');
    if (values.planted === true) {
      const bugs = BUGS.filter(({ name }) => name.includes(values.bug ?? ''));
      if (bugs.length === 0) throw new Usage(`no bug has the words ${values.bug ?? ''}`);
      const { plantAll } = await import('./planted.js'); // it needs the compiler, which loads slowly
      return await plantAll({ bugs, checked, runs, from, jobs, dist, ...io });
    }
    if (values.bug !== undefined) throw new Usage('--bug wants --planted');
    return await many({ mode, checked, from, runs, jobs, dist }, io);
  } catch (error) {
    if (!(error instanceof Usage) && !isParseError(error)) throw error;
    io.err(`sim: ${error.message}\n`);
    return 2;
  }
}

function isParseError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
}

function number(name: string, text: string, least: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value < 2 ** 32)) throw new Usage(`--${name} is a number from ${least} on, not ${text}`);
  return value;
}

function modeOf(text: string): Mode {
  const mode = MODES.find((known) => known === text);
  if (mode === undefined) throw new Usage(`--mode is one of ${MODES.join(', ')}, not ${text}`);
  return mode;
}

/** Plays a plan, and prints all of it. */
async function one(plan: Plan, shrinks: boolean, scene: string | null, io: Io): Promise<number> {
  io.out(`${head(plan)}\n`);
  const failure = await new Play(plan, new Trace((line) => { io.out(`${line}\n`); })).run();
  if (scene !== null) await writeScene(plan, failure, scene);
  if (failure === null) {
    io.out('nothing is wrong\n');
    return 0;
  }
  io.out(`after act ${failure.act}: ${failure.what}\n`);
  if (shrinks) await tellSmallest(plan, failure, io);
  return 1;
}

async function writeScene(plan: Plan, failure: Failure | null, path: string): Promise<void> {
  const writer = new SceneWriter();
  await new Play(plan, writer).run();
  writeFileSync(path, `${JSON.stringify(writer.scene(plan, failure?.what ?? null), null, 2)}\n`);
}

async function tellSmallest(plan: Plan, failure: Failure, io: Io): Promise<void> {
  const smallest = await shrink(plan, failure, (candidate) => new Play(candidate).run(), SHRINK_TRIES);
  io.out(`\nA smaller run that fails (${smallest.plan.acts.length} acts, found by ${smallest.tries} tries):\n`);
  io.out(`${head(smallest.plan)}\n`);
  const again = await new Play(smallest.plan, new Trace((line) => { io.out(`${line}\n`); })).run();
  io.out(`${(again ?? smallest.failure).what}\n`);
}

function head({ seed, mode, args, sendBuffer, maxFds, shortIo, keepsItems }: Plan): string {
  const words = [`seed ${seed}`, `mode ${mode}`, args.join(' '), `send buffer ${sendBuffer}`];
  if (maxFds < 1000) words.push(`${maxFds} descriptors`);
  if (shortIo) words.push('short reads and writes');
  if (keepsItems) words.push('its items kept in a file');
  return words.join(', ');
}

/** Plays many seeds. */
async function many({ dist, ...what }: Omit<Hunt, 'folder' | 'done'> & { dist: string }, io: Io): Promise<number> {
  const { mode, checked, from, runs } = what;
  const started = process.hrtime.bigint();
  const caught = await hunt({
    ...what, folder: join(dist, 'scripts', 'sim'),
    done: (count, failures) => {
      io.progress(count, runs, failures === 0 ? '' : `${failures} failed`);
    },
  });
  io.progressed();
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  for (const { seed, failure } of caught.slice(0, TOLD_MAX)) io.out(`seed ${seed}: ${failure.what.split('\n')[0]}\n`);
  io.out(`${mode}: ${runs} seeds from ${from}, ${caught.length} failed, ${seconds.toFixed(1)} s\n`);
  if (caught.length === 0) return 0;
  if (checked) checkMemory();
  await tellFirst(caught, mode, io);
  return 1;
}

async function tellFirst(caught: readonly Caught[], mode: Mode, io: Io): Promise<void> {
  // A failure that ends the process, or never ends, cannot be shrunk here.
  const first = caught.find(({ failure }) => failure.act !== -1);
  if (first === undefined) return;
  await tellSmallest(generate(first.seed, mode), first.failure, io);
  io.out(`\nAll of it: npm run sim -- --mode ${mode} --seed ${first.seed}\n`);
}
