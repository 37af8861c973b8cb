// The entry of the bundle (bundle.ts): runs a scene and records it. A realm runs only one scene, since the port's
// variables are C's and keep the values of the last run.
import { memoryInit } from '../../lib/libc/memory';
import { main } from '../../lib/memcached';
import { setEventops } from '../../reactor/event';
import { Simulation, installSimulation, simops } from '../../reactor/sim';
import { commandOptions } from '../command/options';
import { setProbe } from './probe';
import { Clients } from './recorder/clients';
import { Recorder } from './recorder/recorder';
import { checkScene } from './scene';
import type { Tables } from './tables';
import type { Scene, Trace } from './trace';

/** The bundle replaces this name with the tables. */
declare const TEACH_TABLES: Tables;

const PORT = 11211;
const MIB = 1 << 20;
const SMALL_BYTES = 4 * MIB;
/** `stats sizes` takes 2 MB and more. */
const LARGE_BYTES = 6 * MIB;
/** Room for the lists of free chunks, besides the pages of -m. */
const ITEMS_FACTOR = 1.25;
const ITEMS_MORE_MEGABYTES = 2;
const DEFAULT_MEGABYTES = 64;
/** More turns without a wait count as an endless loop. */
const TURNS_MAX = 10_000;
const STEPS_MAX = 200_000;

/** The worker's messages. */
export type Answer = { progress: number } | { trace: Trace } | { error: string };

/**
 * Plays `scene`. `progress` is called after each act, with the number of acts that are over. Without `everyStatement`
 * there is a step for each act alone, and one at the end: for long scenes of which only the outcome matters.
 */
export async function record(
  scene: Scene, progress: (acts: number) => void = () => {}, everyStatement = true,
): Promise<Trace> {
  const started = performance.now();
  checkScene(scene);
  const { megabytes, rest } = commandOptions(scene.args);
  // main reports an argument that is not a number.
  const items = (/^\d{1,4}$/.test(megabytes ?? '') ? Number(megabytes) : DEFAULT_MEGABYTES) * ITEMS_FACTOR;
  memoryInit(SMALL_BYTES, LARGE_BYTES, (items + ITEMS_MORE_MEGABYTES) * MIB);
  const sim = new Simulation({ maxTurns: TURNS_MAX, ...scene.options, seed: scene.seed });
  installSimulation(sim);
  setEventops([simops]);
  const clients = new Clients(sim, PORT);
  const recorder = new Recorder(TEACH_TABLES, sim, clients, STEPS_MAX);
  setProbe(recorder);
  recorder.on = everyStatement && scene.fromStart === true;
  const argv = ['memcached', '-p', String(PORT), ...rest];
  let ended: string | null = null;
  const running = main(argv.length, argv).then(
    (status) => (ended = `the server has ended with status ${status}`),
    (error: unknown) => (ended = error instanceof Error ? error.message : String(error)),
  );
  const check = (): void => {
    if (recorder.failure !== null) throw new Error('the recorder failed', { cause: recorder.failure });
    if (ended !== null) throw new Error(ended);
  };
  await sim.idle();
  check();
  if (!recorder.on) {
    recorder.skipCalls();
    recorder.stepNow();
    recorder.on = everyStatement;
    // Without a probe the marks cost nothing; the stack stays that of the loop, in which the server waits at each act.
    if (!everyStatement) setProbe(null);
  }
  for (const [i, act] of scene.acts.entries()) {
    await clients.perform(act, () => {
      recorder.act = i;
      recorder.stepNow();
    });
    check();
    progress(i + 1);
  }
  if (!everyStatement) recorder.stepNow();
  recorder.on = false;
  const outputs = clients.outputs();
  sim.stop();
  await running;
  setProbe(null);
  const { files, functions, functionFiles } = TEACH_TABLES;
  const { sites, steps, stacks } = recorder;
  const milliseconds = Math.round(performance.now() - started);
  return { scene, files, functions, functionFiles, sites, stacks: stacks.kept, steps, outputs, milliseconds };
}

/** The part of a worker's global object that is used. */
interface WorkerScope {
  importScripts?: unknown;
  onmessage?: (message: { data: Scene }) => void;
  postMessage?: (answer: Answer) => void;
}

/** In a worker: a scene comes as a message, its trace goes back as one. */
function serve(scope: WorkerScope): void {
  if (typeof scope.importScripts !== 'function') return;
  const answer = (message: Answer): void => scope.postMessage?.(message);
  scope.onmessage = ({ data: scene }) => {
    const acts = scene.acts.length;
    record(scene, (over) => answer({ progress: over / acts })).then(
      (trace) => answer({ trace }),
      (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
    );
  };
}

serve(globalThis as WorkerScope);
