// The generator: a process of its own, on a processor of its own. Its parent gives it tasks over IPC.
import type { PerformanceEntry } from 'node:perf_hooks';
import { PerformanceObserver } from 'node:perf_hooks';

import '../inlining';
import { eventEconomy } from '../../reactor/backends';
import { eventInit } from '../../reactor/event';
import { crowd } from './crowd';
import type { Address, Plan } from './driver';
import { drive } from './driver';
import { Failure } from './failure';
import type { Answer, Task } from './protocol';
import { seeded } from './random';
import type { Tables } from './tables';
import type { Workload } from './workloads';
import { CROWD, stall, storing, workloads } from './workloads';

/** Tables are made once, since those of a million items take a while. */
const made = new Map<Workload, Tables>();

/** Connections that store the items. */
const STORING = 4;

/** The pauses of this process's own garbage collector in the present task. */
let pauses: PerformanceEntry[] = [];
const collector = new PerformanceObserver((list) => {
  pauses.push(...list.getEntries());
});

async function perform(task: Task): Promise<Answer> {
  try {
    if (task.kind === 'crowd') return { kind: 'crowd', crowd: await crowd(address(task), CROWD, task.pid) };
    return await performWorkload(task);
  } catch (error) {
    if (error instanceof Failure) return { kind: 'failed', message: error.message };
    throw error;
  }
}

async function performWorkload(task: Task): Promise<Answer> {
  const workload = [...workloads, stall].find(({ name }) => name === task.workload);
  if (workload === undefined) throw new Error(`no workload ${task.workload}`);
  const plan: Plan = task.kind === 'store'
    ? { seconds: 'once', warmUp: 0, connections: STORING, probe: false, pid: task.pid }
    : { ...task, connections: workload.connections, probe: workload.probe ?? false };
  const tables = task.kind === 'store' ? storing(workload, task.seed) : tablesOf(workload, task.seed);
  // Collects the garbage from making the tables now, and not during the measurement.
  globalThis.gc?.();
  const begun = performance.now();
  pauses = [];
  const measured = await drive(address(task), tables, plan);
  pauses.push(...collector.takeRecords());
  // The observer reports late, so the collection above may be among the pauses.
  const pause = Math.max(0, ...pauses.filter(({ startTime }) => startTime >= begun).map(({ duration }) => duration));
  return { kind: 'measured', measured, pause };
}

function tablesOf(workload: Workload, seed: number): Tables {
  const tables = made.get(workload) ?? workload.tables(seeded(seed));
  made.set(workload, tables);
  return tables;
}

function address({ host, port }: Task): Address {
  return { host: host.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0), port };
}

collector.observe({ entryTypes: ['gc'] });
// The driver of 50 connections should not be slower than their server.
eventEconomy(true);
eventInit();
process.on('message', (task: Task) => {
  void perform(task).then((answer) => process.send?.(answer));
});
// The parent is gone.
process.on('disconnect', () => process.exit());
