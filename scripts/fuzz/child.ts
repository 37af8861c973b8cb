// Fuzzes one target, in a process of its own: a server that spins blocks it, and the parent sees that.
import { Coverage } from './coverage';
import { Fuzzer } from './fuzzer';
import { targets } from './targets';

/** The orders of the process. Inputs are latin1. */
export interface Work {
  target: string;
  seed: number;
  minutes: number;
  known: string[];
}

/** Its reports: each input before it is tried, and its findings at the end. */
export type News =
  | { what: 'trying'; input: string }
  | { what: 'done'; runs: number; blocks: number; inputs: string[]; findings: { input: string; problem: string }[] };

async function run(work: Work): Promise<void> {
  const tell = (news: News): void => { process.send?.(news); };
  const target = targets.find(({ name }) => name === work.target);
  if (target === undefined) throw new Error(`no target ${work.target}`);
  const coverage = new Coverage();
  const fuzzer = new Fuzzer(target, work.seed, coverage, (input) => {
    tell({ what: 'trying', input: input.toString('latin1') });
  });
  const end = performance.now() + work.minutes * 60_000;
  await fuzzer.begin(work.known.map((input) => Buffer.from(input, 'latin1')));
  while (performance.now() < end) await fuzzer.step();
  await fuzzer.minimise();
  await fuzzer.end();
  coverage.stop();
  const { runs, blocks } = fuzzer;
  const inputs = fuzzer.inputs.map((input) => input.toString('latin1'));
  const findings = fuzzer.findings.map(({ input, problem }) => ({ input: input.toString('latin1'), problem }));
  tell({ what: 'done', runs, blocks, inputs, findings });
  process.disconnect();
}

process.once('message', (work: Work) => void run(work));
