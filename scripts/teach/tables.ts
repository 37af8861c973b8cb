// The tables in the bundle to whose entries instrumented code refers by number.
import type { Site } from './trace';

/** How a number in a local variable is shown: as a pointer, as a state, as EV_ flags. */
export type Kind = 'pointer' | 'state' | 'flags';

export interface Tables {
  files: string[];
  functions: string[];
  /** By function, the index of its file. */
  functionFiles: number[];
  /** By function, the kinds of its variables that are not plain numbers. */
  kinds: Record<string, Kind>[];
  sites: Site[];
}
