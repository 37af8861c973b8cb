// Which parts of the server an input has reached, by V8's own block coverage.
import { Session } from 'node:inspector';
import type { Profiler } from 'node:inspector';

/** Files whose coverage counts. */
const OWN = /[\\/](lib|reactor[\\/]economy)[\\/][^?]*\.(js|ts)$/;

export class Coverage {
  private readonly session = new Session();

  constructor() {
    this.session.connect();
    this.session.post('Profiler.enable');
    this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The blocks that have run since the last call. */
  take(): Set<string> {
    const blocks = new Set<string>();
    for (const { url, scriptId, functions } of this.takeAll()) {
      if (!OWN.test(url)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) blocks.add(`${scriptId}:${startOffset}:${endOffset}`);
        }
      }
    }
    return blocks;
  }

  stop(): void {
    this.session.disconnect();
  }

  private takeAll(): Profiler.ScriptCoverage[] {
    let result: Profiler.ScriptCoverage[] = [];
    this.session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw error;
      ({ result } = taken);
    });
    return result;
  }
}
