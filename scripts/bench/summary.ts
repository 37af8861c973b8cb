// Sums the rounds up: medians, ratios to the baseline, and each server's bottleneck.
import type { Latency, Measured } from './driver';
import type { ServerResult, Round } from './model';
import { median, medianKnown, ratio, spread } from './statistics';

/** From this share of one processor on, a server had no time to spare. */
const BUSY = 0.97;
/** The same if the generator waited for it: other programs and the kernel's own work took the rest. */
const BUSY_WHILE_WAITED_FOR = 0.9;
/** Below this share of its time, the generator had none to spare. */
const IDLE = 0.03;

/** The server that ratios are relative to: memcached, or else another server than ours; null if there is only one. */
export function baselineOf(servers: readonly string[]): string | null {
  if (servers.length < 2) return null;
  if (servers.includes('memcached')) return 'memcached';
  return servers.findLast((name) => name !== 'ours') ?? null;
}

export function roundOf(measured: Measured, residentBytes: number | null): Round {
  const { operations, seconds, latency, idle, serverCpu, hits, misses } = measured;
  return {
    operations, seconds, perSecond: operations / seconds, latency, residentBytes,
    cpuPerOperation: serverCpu === null ? null : (serverCpu * 1e6) / operations,
    serverBusy: serverCpu === null ? null : serverCpu / seconds,
    generatorIdle: idle,
    hitRate: hits + misses === 0 ? null : hits / (hits + misses),
  };
}

export function serverResults(all: readonly { server: string; rounds: Round[] }[]): ServerResult[] {
  const baseline = baselineOf(all.map(({ server }) => server));
  const base = all.find(({ server }) => server === baseline)?.rounds;
  return all.map(({ server, rounds }) => {
    const perSecond = rates(rounds);
    const serverBusy = medianKnown(rounds.map((round) => round.serverBusy));
    const generatorIdle = median(rounds.map((round) => round.generatorIdle));
    return {
      server,
      perSecond: spread(perSecond),
      ratio: base === undefined || server === baseline ? null : ratio(perSecond, rates(base)),
      latency: latencies(rounds.map(({ latency }) => latency)),
      cpuPerOperation: medianKnown(rounds.map((round) => round.cpuPerOperation)),
      residentBytes: medianKnown(rounds.map((round) => round.residentBytes)),
      serverBusy, generatorIdle,
      hitRate: medianKnown(rounds.map((round) => round.hitRate)),
      boundBy: boundBy(serverBusy, generatorIdle),
      rounds,
    };
  });
}

function rates(rounds: readonly Round[]): number[] {
  return rounds.map(({ perSecond }) => perSecond);
}

function latencies(all: readonly Latency[]): Latency {
  return {
    count: all.reduce((sum, { count }) => sum + count, 0),
    p50: median(all.map(({ p50 }) => p50)),
    p99: median(all.map(({ p99 }) => p99)),
    p999: median(all.map(({ p999 }) => p999)),
    max: Math.max(...all.map(({ max }) => max)),
  };
}

function boundBy(serverBusy: number | null, generatorIdle: number): ServerResult['boundBy'] {
  if (serverBusy !== null && serverBusy >= BUSY) return 'server';
  if (generatorIdle < IDLE) return 'generator';
  if (serverBusy === null) return 'unknown';
  return serverBusy >= BUSY_WHILE_WAITED_FOR ? 'server' : 'neither';
}
