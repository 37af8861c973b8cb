// One server for several tests of a spec, since a start takes longer than most tests.
import test from 'ava';

import { startServer } from './server';
import type { Options, Server } from './server';

/** It starts for the first test that needs it, and ends after the last. Tests must not share keys. */
export function sharedServer(options: Options = {}): () => Promise<Server> {
  let server: Promise<Server> | undefined;
  test.after.always(async () => {
    await (await server)?.stop();
  });
  return () => server ??= startServer(options);
}
