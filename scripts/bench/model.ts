// The result of a run: what --json prints. Times are in microseconds, memory in bytes, shares from 0 to 1.
import type { Latency } from './driver';
import type { Spread } from './statistics';

export interface Result {
  machine: Machine;
  options: { rounds: number; seconds: number; stallSeconds: number; seed: number };
  /** The server that ratios are relative to; null if there is only one server. */
  baseline: string | null;
  /** For the reader of the figures. */
  notes: string[];
  workloads: WorkloadResult[];
  memory: MemoryResult[];
  stall: StallResult[];
  connections: ConnectionsResult[];
}

/** Many connections at once: `first` when the server has just started, `later` the median of the other rounds. */
export interface ConnectionsResult {
  server: string;
  count: number;
  /** Seconds from the first connect until all are answered. */
  first: number;
  later: number | null;
  /** Its processor time meanwhile, in seconds. */
  firstCpu: number | null;
  laterCpu: number | null;
  /** Resident memory per idle connection, from the first round. */
  bytesPerConnection: number | null;
}

export interface Machine {
  cpu: string;
  cpus: number;
  node: string;
  system: string;
  date: string;
}

export interface WorkloadResult {
  name: string;
  what: string;
  unit: 'operations' | 'requests';
  connections: number;
  servers: ServerResult[];
}

export interface ServerResult {
  server: string;
  perSecond: Spread;
  /** Of perSecond to the baseline's: of the medians, and the least and greatest of the rounds. */
  ratio: Spread | null;
  /** Medians of the rounds' percentiles; max is the greatest of all. */
  latency: Latency;
  /** Medians of the rounds; null if unknown. */
  cpuPerOperation: number | null;
  residentBytes: number | null;
  serverBusy: number | null;
  generatorIdle: number;
  hitRate: number | null;
  /** The bottleneck: 'neither' if each waits for the other, 'unknown' for a server on another machine. */
  boundBy: 'server' | 'generator' | 'neither' | 'unknown';
  rounds: Round[];
}

export interface Round {
  operations: number;
  seconds: number;
  perSecond: number;
  latency: Latency;
  cpuPerOperation: number | null;
  residentBytes: number | null;
  serverBusy: number | null;
  generatorIdle: number;
  hitRate: number | null;
}

export interface MemoryResult {
  server: string;
  items: number;
  emptyBytes: number;
  filledBytes: number;
  bytesPerItem: number;
}

export interface StallResult {
  server: string;
  seconds: number;
  /** Of all connections. */
  perSecond: number;
  /** Of the one connection that sends one get after the other beside the rest. */
  latency: Latency;
  /** The longest pause of the generator's own garbage collector, which may be the reason for a slow get. */
  generatorPause: number;
}
