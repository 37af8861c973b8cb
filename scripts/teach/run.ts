// Runs the bundle in Node. Each run has modules of its own, as a page has a worker for each.
import { Script } from 'node:vm';
import type { Scene, Trace } from './trace';

/** What the bundle exports (worker.ts). */
interface Bundle {
  record(scene: Scene, progress?: (acts: number) => void, everyStatement?: boolean): Promise<Trace>;
}

export type Record = (scene: Scene, everyStatement?: boolean) => Promise<Trace>;

/** Compiles the text of bundleWorker once; the result plays a scene each time it is called. */
export function recorder(bundle: string): Record {
  const script = new Script(`(() => {\n${bundle}\nreturn teach;\n})`, { filename: 'teach-worker.js' });
  return async (scene, everyStatement = true) => {
    const load = script.runInThisContext() as () => Bundle;
    return load().record(scene, () => {}, everyStatement);
  };
}
