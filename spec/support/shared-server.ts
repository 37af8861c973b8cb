// One server for several tests of a spec, since a start takes longer than most of what is asked.
import test from 'ava';

import { startServer } from './server';
import type { Options, Server } from './server';

/** It starts for the first test that asks for it, and ends after the last. They must not see each other's items. */
export function sharedServer(options: Options = {}): () => Promise<Server> {
  let server: Promise<Server> | undefined;
  test.after.always(async () => {
    await (await server)?.stop();
  });
  return () => server ??= startServer(options);
}
