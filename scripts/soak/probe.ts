// Loaded into our server before its own code (--require): writes figures to a file regularly that only the process
// itself knows.
import { renameSync, writeFileSync } from 'node:fs';
import type { PerformanceEntry } from 'node:perf_hooks';
import { PerformanceObserver, constants } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Probe {
  /** Bytes of the JavaScript heap in use, with garbage; and those left after the last full collection. */
  heapBytes: number;
  liveBytes: number;
  /** The longest pause of the garbage collector so far, in milliseconds, without the collections forced here. */
  pause: number;
}

/** The environment variable that names the file. */
export const PROBE_FILE = 'MEMCACHED_TS_SOAK_PROBE';
const INTERVAL_MS = 250;
/** Intervals between forced collections: V8 itself lets garbage grow for minutes. */
const COLLECTION = 40;

const file = process.env[PROBE_FILE];
if (file !== undefined) watch(file);

function watch(path: string): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  let pause = 0, liveBytes = 0, turn = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { duration, detail } = entry as PerformanceEntry & { detail?: { flags: number } };
      if (((detail?.flags ?? 0) & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) === 0) pause = Math.max(pause, duration);
    }
  }).observe({ entryTypes: ['gc'] });
  setInterval(() => {
    const heapBytes = process.memoryUsage().heapUsed;
    if (turn++ % COLLECTION === 0) {
      collect();
      liveBytes = process.memoryUsage().heapUsed;
    }
    const probe: Probe = { heapBytes, liveBytes, pause };
    writeFileSync(`${path}.new`, JSON.stringify(probe));
    renameSync(`${path}.new`, path); // so that a reader finds it whole
  }, INTERVAL_MS).unref();
}
