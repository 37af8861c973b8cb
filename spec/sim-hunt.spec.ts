// The simulation that hunts: clients, faults and time by seed; everything is checked whenever the server rests.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import test from 'ava';

import * as items from '../lib/1.6/items';
import * as later from '../lib/later';
import heap from '../lib/libc/heap';
import { NULL } from '../lib/libc/memory';
import { checkMemory } from '../scripts/sim/checking';
import { command } from '../scripts/sim/command';
import { generate } from '../scripts/sim/generate';
import { MODES } from '../scripts/sim/plan';
import type { Mode } from '../scripts/sim/plan';
import { Play } from '../scripts/sim/play';
import type { Failure } from '../scripts/sim/play';
import { replace } from '../scripts/checked/replace';
import { shrink } from '../scripts/sim/shrink';
import { Trace } from '../scripts/sim/trace';
import { root } from './support/server';
import { upTo } from './support/thorough';

/** Thousands are played by `npm run sim`, and by the gate. */
const SEEDS = upTo(100, 300);
const simulation = join(root, 'dist', 'scripts', 'sim.js');

/** The first of these seeds that fails, with what is wrong. */
async function firstFailure(mode: Mode, seeds: number): Promise<[seed: number, what: string] | null> {
  for (let seed = 1; seed <= seeds; seed++) {
    const failure = await new Play(generate(seed, mode)).run();
    if (failure !== null) return [seed, failure.what];
  }
  return null;
}

for (const mode of MODES) {
  test.serial(`${mode}: no play of clients, system and clock finds a failure`, async (t) => {
    t.is(await firstFailure(mode, SEEDS), null);
  });
}

test.serial('a seed plays the same alone as after others', async (t) => {
  const lines: string[] = [];
  await new Play(generate(18, 'default'), new Trace((line) => lines.push(line))).run();
  t.true(lines.length > 50);
  const alone = spawnSync(process.execPath, [simulation, '--seed', '18'], { encoding: 'utf8' });
  t.deepEqual(alone.stdout.split('\n').slice(1, -2), lines);
});

test.serial('a bug is found, and the plan is cut down to what shows it', async (t) => {
  const restore = replace(later, 'freeBuffers', () => () => {});
  t.teardown(restore);
  const plan = generate(3, '1.0');
  const failure = await new Play(plan).run();
  if (failure === null) throw new Error('it is not found');
  t.regex(failure.what, /bytes of memory are lost/);
  const smallest = await shrink(plan, failure, (candidate) => new Play(candidate).run(), 50);
  t.regex(smallest.failure.what, /bytes of memory are lost/);
  t.true(smallest.plan.acts.length <= 3, JSON.stringify(smallest.plan.acts));
});

test.serial('an item reference that is never released is found', async (t) => {
  const restore = replace(items, 'itemRemove', (original) => {
    let n = 0;
    return (it) => {
      if (++n !== 5) original(it);
    };
  });
  t.teardown(restore);
  t.regex((await firstFailure('default', 3))?.[1] ?? '', /references, and|should not|nowhere|another value/);
});

test.serial('a bad option gives one line and status 2', async (t) => {
  for (const args of [['--mode', '2.0'], ['--seed', 'x'], ['--runs', '0'], ['--what'], ['--scene', 'file']]) {
    let said = '';
    const status = await command(args, root, {
      out: () => t.fail(), err: (text) => { said += text; }, progress: () => t.fail(), progressed: () => t.fail(),
    });
    t.is(status, 2);
    t.regex(said, /^sim: .*\n$/);
  }
});

test.serial('an access without visible consequences is found on a checked memory', async (t) => {
  checkMemory();
  const play = (): Promise<Failure | null> => new Play(generate(9, '1.0')).run();
  t.is(await play(), null);
  t.teardown(replace(later, 'freeBuffers', (original) => (c) => {
    const { rbuf } = c;
    original(c);
    if (rbuf !== NULL) t.is(heap.u8[rbuf], 0);
  }));
  t.regex((await play())?.what ?? '', /^MemoryViolation: use after free: read of 1 byte/);
});
