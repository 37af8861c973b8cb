// Prints the result as tables.
import Table from 'cli-table3';

import type { MemoryResult, Result, ServerResult, StallResult, WorkloadResult } from './model';
import type { Spread } from './statistics';

const WIDE: Table.TableConstructorOptions = { style: { head: [], border: [], compact: true } };

export function textReport(result: Result): string {
  const { machine, options, baseline, notes } = result;
  return [
    `${machine.cpu}, ${machine.cpus} processors, ${machine.system}, Node ${machine.node}`,
    `${options.turns} turns of ${options.seconds} s, seed ${options.seed}. Medians of the turns (least..greatest); `
      + `latencies in microseconds, at which max is the greatest of all turns.`,
    ...(baseline === null ? [] : [`Ratios are to ${baseline}: of the medians (least..greatest of the turns).`]),
    ...notes.map((note) => `Note: ${note}.`),
    '',
    ...result.workloads.flatMap((workload) => [workloadTable(workload), '']),
    ...(result.memory.length === 0 ? [] : [memoryTable(result.memory), '']),
    ...(result.stall.length === 0 ? [] : [stallTable(result.stall), '']),
  ].join('\n');
}

function workloadTable({ name, what, unit, connections, servers }: WorkloadResult): string {
  const hits = servers.some(({ hitRate }) => hitRate !== null);
  const table = new Table({
    ...WIDE,
    head: [
      name, `${unit}/s`, 'ratio', '50%', '99%', '99.9%', 'max', 'CPU us/op', 'RSS MB', 'server busy', 'generator idle',
      'bound by', ...(hits ? ['hits'] : []),
    ],
    colAligns: ['left', ...Array.from({ length: 10 }, () => 'right' as const), 'left', 'right'],
  });
  for (const server of servers) table.push([...serverRow(server), ...(hits ? [percent(server.hitRate, 2)] : [])]);
  const s = connections === 1 ? '' : 's';
  return `${name}: ${what}; ${connections.toLocaleString('en')} connection${s}\n${table.toString()}`;
}

function serverRow(server: ServerResult): string[] {
  const { perSecond, ratio, latency, cpuPerOperation, residentBytes, serverBusy, generatorIdle, boundBy } = server;
  return [
    server.server, withRange(perSecond, whole), ratio === null ? '' : withRange(ratio, (value) => value.toFixed(2)),
    micros(latency.p50), micros(latency.p99), micros(latency.p999), micros(latency.max),
    cpuPerOperation === null ? 'n/a' : cpuPerOperation.toFixed(2), megabytes(residentBytes),
    percent(serverBusy), percent(generatorIdle), boundBy === 'generator' ? 'GENERATOR' : boundBy,
  ];
}

function memoryTable(results: readonly MemoryResult[]): string {
  const table = new Table({
    ...WIDE, head: ['memory', 'empty, RSS MB', 'filled, RSS MB', 'bytes per item'],
    colAligns: ['left', 'right', 'right', 'right'],
  });
  for (const { server, emptyBytes, filledBytes, bytesPerItem } of results) {
    table.push([server, megabytes(emptyBytes), megabytes(filledBytes), bytesPerItem.toFixed(1)]);
  }
  const items = whole(results[0].items);
  return `memory: ${items} items with keys of 16 and values of 32 bytes, over the empty server\n${table.toString()}`;
}

function stallTable(results: readonly StallResult[]): string {
  const table = new Table({
    ...WIDE, head: ['stall', 'operations/s', 'gets', '50%', '99%', '99.9%', 'max', "generator's longest pause"],
    colAligns: ['left', ...Array.from({ length: 7 }, () => 'right' as const)],
  });
  for (const { server, perSecond, latency, generatorPause } of results) {
    table.push([
      server, whole(perSecond), whole(latency.count), micros(latency.p50), micros(latency.p99), micros(latency.p999),
      micros(latency.max), micros(generatorPause),
    ]);
  }
  return `stall: single gets at 1,000,000 items beside 20 busy connections, for ${results[0].seconds.toFixed(0)} s; `
    + `microseconds\n${table.toString()}`;
}

function withRange({ median, min, max }: Spread, format: (value: number) => string): string {
  return `${format(median)} (${format(min)}..${format(max)})`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function micros(value: number): string {
  return value < 100 ? value.toFixed(1) : whole(value);
}

function megabytes(bytes: number | null): string {
  return bytes === null ? 'n/a' : (bytes / 1024 ** 2).toFixed(1);
}

function percent(share: number | null, digits = 0): string {
  return share === null ? 'n/a' : `${(share * 100).toFixed(digits)}%`;
}
