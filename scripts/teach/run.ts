// Runs the bundle in Node: each run in a realm of its own, as a page has a worker for each.
import { performance } from 'node:perf_hooks';
import { Script, createContext } from 'node:vm';
import type { Scene, Trace } from './trace';

interface Realm {
  teach?: { record(scene: Scene): Promise<Trace> };
}

/** Compiles the text of bundleWorker once; the result plays a scene each time it is called. */
export function recorder(bundle: string): (scene: Scene) => Promise<Trace> {
  const script = new Script(bundle, { filename: 'teach-worker.js' });
  return async (scene) => {
    const realm: Realm = createContext({ MessageChannel, performance, TextDecoder, TextEncoder });
    script.runInContext(realm);
    if (realm.teach === undefined) throw new Error('the bundle has no recorder');
    const trace = await realm.teach.record(scene);
    // Of this realm, for comparisons.
    return JSON.parse(JSON.stringify(trace)) as Trace;
  };
}
