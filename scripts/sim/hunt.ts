// Plays many seeds in several processes, so that a run that ends its process, or never ends, counts as a failure like
// others.
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import type { Mode } from './plan';
import type { Failure } from './play';
import type { Order, Report } from './worker';

/** A run takes some milliseconds, and more on a busy machine, but never this many. */
const PATIENCE_MS = 60_000;
const SEEDS_AT_ONCE = 20;
const STDERR_MAX_CHARACTERS = 2000;

export interface Hunt {
  mode: Mode;
  checked: boolean;
  from: number;
  runs: number;
  /** How many processes. */
  jobs: number;
  /** The folder with worker.js. */
  folder: string;
  /** Called after each run. */
  done: (count: number, failures: number) => void;
}

export interface Caught {
  seed: number;
  failure: Failure;
}

/** Resolves to the seeds that failed, in their order. */
export async function hunt({ mode, checked, from, runs, jobs, folder, done }: Hunt): Promise<Caught[]> {
  const caught: Caught[] = [];
  let next = from, count = 0;
  const draw = (): number[] => {
    const seeds = Array.from({ length: Math.min(SEEDS_AT_ONCE, from + runs - next) }, (_, i) => next + i);
    next += seeds.length;
    return seeds;
  };
  const finished = (seed: number, failure: Failure | null): void => {
    count++;
    if (failure !== null) caught.push({ seed, failure });
    done(count, caught.length);
  };
  await Promise.all(Array.from({ length: jobs }, async () => {
    let seeds = draw();
    while (seeds.length > 0) {
      const worker = new Worker(join(folder, 'worker.js'), finished);
      while (seeds.length > 0) {
        const left = await worker.play({ mode, checked, seeds });
        seeds = left ?? draw();
        if (left !== null) break;
      }
      worker.end();
    }
  }));
  return caught.sort((a, b) => a.seed - b.seed);
}

/** A worker's process. It plays seeds until a run ends it, or hangs and must be ended. */
class Worker {
  private readonly process: ChildProcess;
  private said = '';

  constructor(path: string, private readonly finished: (seed: number, failure: Failure | null) => void) {
    this.process = fork(path, [], { execArgv: ['--enable-source-maps'], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.process.stderr?.setEncoding('latin1').on('data', (text: string) => {
      this.said = (this.said + text).slice(-STDERR_MAX_CHARACTERS);
    });
  }

  /** Null, when all seeds are played; else those that are left, and the worker is gone. */
  play(order: Order): Promise<number[] | null> {
    return new Promise((resolve) => {
      let left = order.seeds;
      let current = order.seeds[0];
      const end = (rest: number[] | null): void => {
        clearTimeout(timer);
        this.process.removeAllListeners('message').removeAllListeners('exit');
        resolve(rest);
      };
      const fail = (what: string): void => {
        this.finished(current, { act: -1, what });
        end(left.filter((seed) => seed !== current));
      };
      const timer = setTimeout(() => {
        fail('it does not end');
      }, PATIENCE_MS);
      this.process.on('exit', () => {
        fail(`it has ended the process: ${this.said}`);
      });
      this.process.on('message', (report: Report) => {
        timer.refresh();
        if ('begins' in report) {
          current = report.begins;
          return;
        }
        left = left.filter((seed) => seed !== report.seed);
        this.finished(report.seed, report.failure);
        if (left.length === 0) end(null);
      });
      this.process.send(order);
    });
  }

  end(): void {
    this.process.kill('SIGKILL');
  }
}
