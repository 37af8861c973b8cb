// Waits until a server can be reached. On the net backend it listens only a moment after it says so.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

/** Wildcard addresses, and an address to reach each by. */
const ALL: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * Resolves when a connection to `where`, a path or a port, was made and is closed on both sides. Rejects if none can
 * be made, or if the server ends: `closed` says why.
 */
export async function reachable(
  where: string | { host: string; port: number }, closed: Promise<Error | null>,
): Promise<void> {
  if (typeof where !== 'string' && where.port === 0) return; // the options make it listen nowhere, or elsewhere
  while (!await reach(where)) {
    const end = await Promise.race([closed, Promise.resolve(undefined)]);
    if (end !== undefined) throw end ?? new Error('closed');
  }
}

/** False if no server listens yet. */
async function reach(where: string | { host: string; port: number }): Promise<boolean> {
  const client: Socket = typeof where === 'string' ? connect(where) : connect(where.port, ALL[where.host] ?? where.host);
  try {
    await once(client, 'connect');
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ECONNREFUSED', 'ENOENT'].includes(String(error.code))) return false;
    throw error;
  }
  client.resume().end();
  await once(client, 'close'); // the server has closed it, too, and no longer counts it in its statistics
  return true;
}
