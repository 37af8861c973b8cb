// Samples a server over time: figures visible from outside, and those that it writes itself.
import { readFileSync, readdirSync } from 'node:fs';

import { residentBytes } from '../bench/proc';
import type { Point } from './growth';
import type { Probe } from './probe';

export class Watch {
  readonly resident: Point[] = [];
  readonly heap: Point[] = [];
  readonly live: Point[] = [];
  readonly descriptors: Point[] = [];
  /** In milliseconds; null if unknown. */
  pause: number | null = null;
  private readonly begun = performance.now();
  private readonly timer: NodeJS.Timeout;

  /** `probe`: the file that the server writes, if it does. */
  constructor(private readonly pid: number, private readonly probe: string, intervalMs: number) {
    this.timer = setInterval(() => this.look(), intervalMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const at = (performance.now() - this.begun) / 1000;
    const note = (points: Point[], value: number | null): void => {
      if (value !== null) points.push({ at, value });
    };
    note(this.resident, residentBytes(this.pid));
    note(this.descriptors, descriptors(this.pid));
    const probe = readProbe(this.probe);
    note(this.heap, probe?.heapBytes ?? null);
    note(this.live, probe?.liveBytes ?? null);
    if (probe !== null) this.pause = probe.pause;
  }
}

/** How many descriptors a process has open; null if unknown. */
export function descriptors(pid: number): number | null {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return null;
  }
}

function readProbe(path: string): Probe | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Probe;
  } catch {
    return null;
  }
}
