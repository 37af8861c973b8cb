// The soak: one server after the other, with clients, a load from time to time, and a watcher.
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { GeneratorProcess } from '../bench/generator-process';
import { end, start } from '../bench/processes';
import type { Task } from '../bench/protocol';
import type { Contestant, Server } from '../bench/servers';
import { startServer } from '../bench/servers';
import type { Progress } from '../bench/status';
import type { Options } from './arguments';
import { growth } from './growth';
import type { Load, ServerResult } from './model';
import type { Orders, Outcome } from './protocol';
import { contestants } from './servers';
import { Watch, descriptors } from './watch';

/** Enough for all items of the clients and the load, so that nothing is evicted. */
const MEGABYTES = 1024;
const MEBIBYTE = 2 ** 20;
const BURST_SECONDS = 1;
/** From the beginning of a burst of the load to the next. */
const BURST_INTERVAL_MS = 15_000;
const LOOK_INTERVAL_MS = 1000;
/** The least numbers of looks and bursts, for short runs. */
const LOOKS = 60;
const BURSTS = 3;
/** A shorter run cannot tell growth from warming up. */
const GROWTH_SECONDS = 300;
/** How long a server may take to close the connections that its clients have left. */
const SETTLING_MS = 15_000;

/** `scripts` is the folder of the compiled scripts. Throws Misuse, and Failure. */
export async function run(options: Options, scripts: string, progress: Progress): Promise<ServerResult[]> {
  const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-soak-'));
  const results: ServerResult[] = [];
  try {
    const all = contestants(options, scripts, folder);
    for (const [i, contestant] of all.entries()) {
      progress(i, all.length, contestant.name);
      const soak = new Soak(options, contestant, scripts, join(folder, contestant.name), (share) => {
        progress(i + Math.min(share, 1), all.length, contestant.name);
      });
      results.push(await soak.run());
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return results;
}

class Soak {
  private readonly seconds: number;

  constructor(
    private readonly options: Options, private readonly contestant: Contestant, private readonly scripts: string,
    private readonly probe: string, private readonly tell: (share: number) => void,
  ) {
    this.seconds = options.minutes * 60;
  }

  async run(): Promise<ServerResult> {
    const server = await startServer(this.contestant, MEGABYTES, null);
    const generator = new GeneratorProcess(this.scripts, null);
    const clients = start([process.execPath, join(this.scripts, 'soak', 'clients.js')], null, {
      env: { ...process.env, NODE_V8_COVERAGE: undefined, DEBUG: undefined },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    try {
      return await this.watched(server, generator, clients);
    } finally {
      await Promise.all([end(clients), generator.end()]);
      await server.stop();
    }
  }

  private async watched(server: Server, generator: GeneratorProcess, clients: ChildProcess): Promise<ServerResult> {
    const { seconds, probe, contestant } = this;
    const pid = server.pid ?? 0;
    const load: Load = { operations: 0, max: 0, failed: null };
    await this.burst(generator, server, 'store', load);
    const watch = new Watch(pid, probe, Math.min(LOOK_INTERVAL_MS, (seconds * 1000) / LOOKS));
    let over = false;
    const asked = ask(clients, { port: server.port, seed: this.options.seed, seconds }).finally(() => (over = true));
    const loaded = this.bursts(generator, server, load, () => over);
    const [outcome] = await Promise.all([asked, loaded]);
    watch.stop();
    const long = seconds >= GROWTH_SECONDS;
    return {
      server: contestant.name, seconds, seen: outcome.seen, clientsPause: outcome.pause * 1000, load,
      resident: watch.resident, heap: watch.heap, descriptors: watch.descriptors,
      descriptorsLeft: await settled(pid),
      pause: watch.pause === null ? null : watch.pause * 1000,
      growth: {
        'resident memory': long ? growth(watch.resident, 0.05, 8 * MEBIBYTE) : null,
        'heap': long ? growth(watch.live, 0.05, MEBIBYTE) : null,
        'descriptors': long ? growth(watch.descriptors, 0, 2) : null,
      },
    };
  }

  private async bursts(generator: GeneratorProcess, server: Server, load: Load, over: () => boolean): Promise<void> {
    const interval = Math.min(BURST_INTERVAL_MS, (this.seconds * 1000) / BURSTS);
    const begun = performance.now();
    let next = begun;
    while (!over() && load.failed === null) {
      const now = performance.now();
      this.tell((now - begun) / 1000 / this.seconds);
      if (now >= next) {
        next += interval;
        await this.burst(generator, server, 'measure', load);
      }
      await sleep(100);
    }
  }

  private async burst(
    generator: GeneratorProcess, { host, port, pid }: Server, kind: Task['kind'], load: Load,
  ): Promise<void> {
    const seconds = Math.min(BURST_SECONDS, this.seconds / 10);
    const answer = await generator.perform({
      kind, workload: 'mix', seed: this.options.seed, host, port, pid, warmUp: 0, seconds,
    });
    if (answer.kind === 'failed') {
      load.failed = answer.message;
    } else if (answer.kind === 'measured' && kind === 'measure') {
      load.operations += answer.measured.operations;
      load.max = Math.max(load.max, answer.measured.latency.max);
    }
  }
}

function ask(clients: ChildProcess, orders: Orders): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    clients.once('message', resolve);
    clients.once('exit', () => reject(new Error('the clients ended')));
    clients.send(orders);
  });
}

/** How many descriptors a server keeps without clients. */
async function settled(pid: number): Promise<number | null> {
  const end = performance.now() + SETTLING_MS;
  let least = descriptors(pid);
  let quiet = 0;
  while (performance.now() < end && quiet < 10) {
    await sleep(100);
    const now = descriptors(pid);
    quiet = now === least ? quiet + 1 : 0;
    least = now;
  }
  return least;
}
