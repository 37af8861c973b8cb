// What the page was built with: sources, scenes, and in a recording the trace.
import type { Scene, Trace } from '../trace';

export interface PageData {
  /** In the order of Trace.files. */
  sources: { name: string; text: string }[];
  scenes: Scene[];
  /** Only in a recording, which has no server to run another scene. */
  trace?: Trace;
}

export function readData(): PageData {
  return JSON.parse(document.getElementById('data')?.textContent ?? '') as PageData;
}
