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
  /** None in a recording. */
  scenes: Scene[];
  /** Only in a recording, which has no server to run another scene. */
  trace?: Trace;
}
