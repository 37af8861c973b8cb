// The data that is built into a page.
import type { Scene, Trace } from './trace';

export interface PageSource {
  name: string;
  text: string;
  /** By line, highlighted, without the notes of the margin. */
  html: string[];
}

export interface PageData {
  /** In the order of Trace.files. */
  sources: PageSource[];
  /** In a recording only the recorded one. */
  scenes: Scene[];
  /** Of the first scene, so that the page shows something before the server has started. */
  trace: Trace;
}
