// The run: starts the servers and the generator, and drives each server once in each round.
import { cpus, release, type } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Options } from './arguments';
import { onceNames } from './arguments';
import type { Crowd } from './crowd';
import { Failure } from './failure';
import { GeneratorProcess } from './generator-process';
import type { ConnectionsResult, MemoryResult, Result, StallResult, Round, WorkloadResult } from './model';
import { residentBytes } from './proc';
import type { Pinning } from './processes';
import { pinning } from './processes';
import type { Answer, Task } from './protocol';
import type { Contestant, Server } from './servers';
import { contestants, startServer } from './servers';
import { medianKnown } from './statistics';
import type { Progress } from './status';
import { baselineOf, serverResults, roundOf } from './summary';
import type { Store, Workload } from './workloads';
import { CROWD, MILLION, stall, stores, workloads } from './workloads';

/** Shares of the measurement's seconds. The first warm-up is longer: the server's code is not compiled yet. */
const FIRST_WARM_UP_SHARE = 1.5;
const WARM_UP_SHARE = 0.15;
const CONNECTIONS = 'connections';
/** Room for more than a crowd's. */
const SPARE_CONNECTIONS = 100;
/** The wait after filling a server: a thread of memcached goes on growing its hash table for some seconds. */
const SETTLING_MS = 5000;

type Measured = Extract<Answer, { kind: 'measured' }>;

/**
 * Runs everything, and calls `progress` before each measurement. `scripts` is the folder of the compiled scripts.
 * Throws Misuse, and Failure.
 */
export async function run(options: Options, scripts: string, progress: Progress): Promise<Result> {
  const all = await contestants(options, scripts);
  const pins = pinning();
  const bench = new Bench(options, all, pins, scripts, progress);
  try {
    const inRounds = await bench.inRounds();
    const { memory, stalls } = await bench.once();
    const connections = await bench.crowds();
    return {
      machine: {
        cpu: cpus()[0]?.model ?? 'unknown', cpus: cpus().length, node: process.version, system: `${type()} ${release()}`,
        date: new Date().toISOString(),
      },
      options: {
        rounds: options.rounds, seconds: options.seconds, stallSeconds: options.stallSeconds, seed: options.seed,
      },
      baseline: baselineOf(all.map(({ name }) => name)),
      notes: notes(all, pins),
      workloads: inRounds, memory, stall: stalls, connections,
    };
  } finally {
    await bench.end();
  }
}

function notes(all: readonly Contestant[], { note }: Pinning): string[] {
  const lines = note === null ? [] : [note];
  if (all.every(({ name, address }) => name !== 'memcached' && address === null)) {
    lines.push('memcached is not among the servers');
  }
  return lines;
}

class Bench {
  private readonly servers = new Map<string, Server>();
  /** By server, the items that it holds, and the workloads that it has run. */
  private readonly stored = new Set<string>();
  private readonly warm = new Set<string>();
  private readonly generator: GeneratorProcess;
  private done = 0;
  private readonly wanted: readonly Workload[];
  private readonly onceWanted: readonly string[];

  constructor(
    private readonly options: Options, private readonly all: readonly Contestant[], private readonly pins: Pinning,
    scripts: string, private readonly progress: Progress,
  ) {
    this.wanted = workloads.filter(({ name }) => options.workloads.includes(name));
    this.onceWanted = onceNames.filter((name) => options.workloads.includes(name));
    this.generator = new GeneratorProcess(scripts, pins.generator);
  }

  async inRounds(): Promise<WorkloadResult[]> {
    const rounds = new Map<string, Round[]>();
    for (let round = 0; round < this.options.rounds; round++) {
      for (const workload of this.wanted) {
        for (const contestant of round % 2 === 0 ? this.all : this.all.toReversed()) {
          const key = `${workload.name} ${contestant.name}`;
          rounds.set(key, [...(rounds.get(key) ?? []), await this.measure(workload, contestant, this.options.seconds)]);
        }
      }
    }
    return this.wanted.map(({ name, what, unit, connections }) => ({
      name, what, unit, connections,
      servers: serverResults(this.all.map((contestant) => ({
        server: contestant.name, rounds: rounds.get(`${name} ${contestant.name}`) ?? [],
      }))),
    }));
  }

  async once(): Promise<{ memory: MemoryResult[]; stalls: StallResult[] }> {
    const memory: MemoryResult[] = [];
    const stalls: StallResult[] = [];
    for (const contestant of this.onceWanted.some((name) => name !== CONNECTIONS) ? this.all : []) {
      const server = await this.serverFor(contestant, 'million');
      const { pid } = server;
      if (pid !== null && this.onceWanted.includes('memory')) {
        this.tell(`memory: ${contestant.name}`);
        const emptyBytes = residentBytes(pid);
        await this.store(stall, contestant, server);
        await sleep(SETTLING_MS);
        const filledBytes = residentBytes(pid);
        if (emptyBytes !== null && filledBytes !== null) {
          const bytesPerItem = (filledBytes - emptyBytes) / MILLION.count;
          memory.push({ server: contestant.name, items: MILLION.count, emptyBytes, filledBytes, bytesPerItem });
        }
      }
      if (this.onceWanted.includes('stall')) {
        this.tell(`stall: ${contestant.name}`);
        await this.store(stall, contestant, server);
        const { measured, pause } = await this.ask(stall, contestant, server, 'measure', this.options.stallSeconds);
        const { operations, seconds, latency } = measured;
        stalls.push({
          server: contestant.name, seconds, perSecond: operations / seconds, latency, generatorPause: pause * 1000,
        });
      }
      // Memory has room for one server with a million items at a time.
      await server.stop();
    }
    return { memory, stalls };
  }

  /** The first crowd does not count: a new generator is slow, too. */
  async crowds(): Promise<ConnectionsResult[]> {
    const wanted = this.onceWanted.includes(CONNECTIONS) ? this.all : [];
    for (const contestant of wanted.slice(0, 1)) await this.crowdsOf(contestant, 1);
    const results: ConnectionsResult[] = [];
    for (const contestant of wanted) {
      this.tell(`${CONNECTIONS}: ${contestant.name}`);
      const [{ before, open, seconds, serverCpu }, ...later] = await this.crowdsOf(contestant, this.options.rounds);
      results.push({
        server: contestant.name, count: CROWD, first: seconds, firstCpu: serverCpu,
        later: medianKnown(later.map((round) => round.seconds)),
        laterCpu: medianKnown(later.map((round) => round.serverCpu)),
        bytesPerConnection: before === null || open === null ? null : (open - before) / CROWD,
      });
    }
    return results;
  }

  /** Starts a new server with room for all connections. */
  private async crowdsOf(contestant: Contestant, rounds: number): Promise<Crowd[]> {
    const server = await startServer(contestant, stores.main, this.pins.server, CROWD + SPARE_CONNECTIONS);
    const crowds: Crowd[] = [];
    while (crowds.length < rounds) crowds.push(await this.crowd(contestant, server));
    await server.stop();
    return crowds;
  }

  private async crowd({ name }: Contestant, { host, port, pid }: Server): Promise<Crowd> {
    const { seed } = this.options;
    const answer = await this.generator.perform({
      kind: 'crowd', workload: CONNECTIONS, seed, host, port, pid, warmUp: 0, seconds: 0,
    });
    if (answer.kind === 'crowd') return answer.crowd;
    throw new Failure(`${name}, ${CONNECTIONS}: ${answer.kind === 'failed' ? answer.message : answer.kind}`);
  }

  async end(): Promise<void> {
    await Promise.all([...[...this.servers.values()].map((server) => server.stop()), this.generator.end()]);
  }

  private async measure(workload: Workload, contestant: Contestant, seconds: number): Promise<Round> {
    this.tell(`${workload.name}: ${contestant.name}`);
    const server = await this.serverFor(contestant, workload.store);
    await this.store(workload, contestant, server);
    const { measured } = await this.ask(workload, contestant, server, 'measure', seconds);
    return roundOf(measured, server.pid === null ? null : residentBytes(server.pid));
  }

  private async serverFor(contestant: Contestant, store: Store): Promise<Server> {
    const key = `${contestant.name} ${store}`;
    const server = this.servers.get(key) ?? await startServer(contestant, stores[store], this.pins.server);
    this.servers.set(key, server);
    return server;
  }

  /** Stores the items of the workload, unless the server has them. */
  private async store(workload: Workload, contestant: Contestant, server: Server): Promise<void> {
    const key = `${contestant.name} ${workload.store} ${workload.items.prefix}`;
    if (this.stored.has(key)) return;
    await this.ask(workload, contestant, server, 'store', 0);
    this.stored.add(key);
  }

  private async ask(
    workload: Workload, contestant: Contestant, { host, port, pid }: Server, kind: Task['kind'], seconds: number,
  ): Promise<Measured> {
    const key = `${contestant.name} ${workload.name}`;
    const warmUp = this.options.seconds * (this.warm.has(key) ? WARM_UP_SHARE : FIRST_WARM_UP_SHARE);
    if (kind === 'measure') this.warm.add(key);
    const answer = await this.generator.perform({
      kind, workload: workload.name, seed: this.options.seed, host, port, pid, warmUp, seconds,
    });
    if (answer.kind === 'measured') return answer;
    const why = answer.kind === 'failed' ? answer.message : answer.kind;
    throw new Failure(`${contestant.name}, workload ${workload.name}: ${why}`);
  }

  private tell(what: string): void {
    const all = this.options.rounds * this.wanted.length * this.all.length + this.onceWanted.length * this.all.length;
    this.progress(this.done++, all, what);
  }
}
