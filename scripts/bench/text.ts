// The result as tables of text: printed here, and written into the page by report.ts.
import Table from 'cli-table3';

import type { ConnectionsResult, MemoryResult, Result, ServerResult, StallResult, WorkloadResult } from './model';
import type { Spread } from './statistics';

export interface TextTable {
  title: string;
  head: string[];
  rows: string[][];
}

export function textReport(result: Result): string {
  return [...heading(result), '', ...fullTables(result).flatMap((table) => [drawn(table), ''])].join('\n');
}

/** How it was measured, and notes, in lines. */
export function heading({ machine, options, baseline, notes, workloads }: Result): string[] {
  const { rounds, seconds, seed } = options;
  const plan = `${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s, seed ${seed}.`;
  return [
    `${machine.cpu}, ${machine.cpus} processors, ${machine.system}, Node ${machine.node}.`,
    ...(workloads.length === 0 ? [] : [
      `${plan} Medians of the rounds (least..greatest); latencies in microseconds, of which max is the greatest of all.`,
    ]),
    ...(baseline === null || workloads.length === 0 ? []
      : [`Ratios are to ${baseline}: of the medians (least..greatest of the rounds).`]),
    ...notes.map((note) => `Note: ${note}.`),
  ];
}

export function fullTables({ workloads, memory, stall, connections }: Result): TextTable[] {
  return [
    ...workloads.map(workloadTable),
    ...(memory.length === 0 ? [] : [memoryTable(memory)]),
    ...(stall.length === 0 ? [] : [stallTable(stall)]),
    ...(connections.length === 0 ? [] : [connectionsTable(connections)]),
  ];
}

function workloadTable({ name, what, unit, connections, servers }: WorkloadResult): TextTable {
  const hits = servers.some(({ hitRate }) => hitRate !== null);
  return {
    title: `${name}: ${what}; ${connections.toLocaleString('en')} connection${connections === 1 ? '' : 's'}`,
    head: [
      name, `${unit}/s`, 'ratio', '50%', '99%', '99.9%', 'max', 'CPU us/op', 'RSS MB', 'server busy', 'generator idle',
      'bound by', ...(hits ? ['hits'] : []),
    ],
    rows: servers.map((server) => [...serverRow(server), ...(hits ? [percent(server.hitRate, 2)] : [])]),
  };
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

function memoryTable(results: readonly MemoryResult[]): TextTable {
  return {
    title: `memory: ${whole(results[0].items)} items with keys of 16 and values of 32 bytes, over the empty server`,
    head: ['memory', 'empty, RSS MB', 'filled, RSS MB', 'bytes per item'],
    rows: results.map(({ server, emptyBytes, filledBytes, bytesPerItem }) =>
      [server, megabytes(emptyBytes), megabytes(filledBytes), bytesPerItem.toFixed(1)]),
  };
}

function stallTable(results: readonly StallResult[]): TextTable {
  const seconds = results[0].seconds.toFixed(0);
  return {
    title: `stall: single gets at 1,000,000 items beside 20 busy connections, for ${seconds} s; microseconds`,
    head: ['stall', 'operations/s', 'gets', '50%', '99%', '99.9%', 'max', "generator's longest pause"],
    rows: results.map(({ server, perSecond, latency, generatorPause }) => [
      server, whole(perSecond), whole(latency.count), micros(latency.p50), micros(latency.p99), micros(latency.p999),
      micros(latency.max), micros(generatorPause),
    ]),
  };
}

function connectionsTable(results: readonly ConnectionsResult[]): TextTable {
  const seconds = (value: number | null): string => (value === null ? 'n/a' : value.toFixed(2));
  return {
    title: `connections: ${whole(results[0].count)} at once, until each is answered; seconds`,
    head: ['connections', 'first time', 'its CPU', 'later', 'its CPU', 'bytes per idle connection'],
    rows: results.map(({ server, first, firstCpu, later, laterCpu, bytesPerConnection }) => [
      server, seconds(first), seconds(firstCpu), seconds(later), seconds(laterCpu),
      bytesPerConnection === null ? 'n/a' : whole(bytesPerConnection),
    ]),
  };
}

export function drawn({ title, head, rows }: TextTable): string {
  const table = new Table({
    head, colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')), style: { head: [], border: [], compact: true },
  });
  table.push(...rows);
  return `${title}\n${table.toString()}`;
}

/** Leaves out the range if there was only one round. */
function withRange({ median, min, max }: Spread, format: (value: number) => string): string {
  return min === max ? format(median) : `${format(median)} (${format(min)}..${format(max)})`;
}

export function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

export function micros(value: number): string {
  return value < 100 ? value.toFixed(1) : whole(value);
}

export function megabytes(bytes: number | null): string {
  return bytes === null ? 'n/a' : (bytes / 1024 ** 2).toFixed(1);
}

function percent(share: number | null, digits = 0): string {
  return share === null ? 'n/a' : `${(share * 100).toFixed(digits)}%`;
}
