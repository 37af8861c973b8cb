// Loaded into a server of ours before its own code (--require): writes down from time to time what only a process knows
// of itself.
import { renameSync, writeFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';

export interface Probe {
  /** Bytes of JavaScript's heap in use. */
  heapBytes: number;
  /** The longest pause of the garbage collector so far, in milliseconds. */
  pause: number;
}

/** The environment variable that names the file. */
export const PROBE_FILE = 'MEMCACHED_TS_SOAK_PROBE';
const INTERVAL_MS = 250;

const file = process.env[PROBE_FILE];
if (file !== undefined) watch(file);

function watch(path: string): void {
  let pause = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) pause = Math.max(pause, duration);
  }).observe({ entryTypes: ['gc'] });
  setInterval(() => {
    const probe: Probe = { heapBytes: process.memoryUsage().heapUsed, pause };
    writeFileSync(`${path}.new`, JSON.stringify(probe));
    renameSync(`${path}.new`, path); // who reads it finds it whole
  }, INTERVAL_MS).unref();
}
