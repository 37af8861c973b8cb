// What a page is built with.
import type { Scene, Trace } from './trace';

export interface PageSource {
  name: string;
  text: string;
  /** By line, in colours; without what stands in the margin. */
  html: string[];
}

export interface PageData {
  /** In the order of Trace.files. */
  sources: PageSource[];
  /** In a recording the one that was recorded. */
  scenes: Scene[];
  /** Of the first scene, so that there is something to see before the server has started. */
  trace: Trace;
}
