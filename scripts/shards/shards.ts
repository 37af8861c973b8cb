// Several servers, and a proxy that makes them one cache.
import { start } from 'memcached-ts';
import type { Server } from 'memcached-ts';

import { configuration } from './configuration';
import { startProxy } from './proxy';

export interface ShardsOptions {
  servers: number;
  /** Of the proxy. */
  port: number;
  /** Of each server, in megabytes. */
  memory: number;
  /** The proxy gives up a server that does not answer for this long, in milliseconds. */
  timeoutMs?: number;
  /** The proxy tries a failed server again after this long, in milliseconds. */
  retryMs?: number;
}

export interface Shard {
  name: string;
  server: Server;
}

export interface Shards {
  shards: readonly Shard[];
  /** Of the proxy. */
  port: number;
  pid: number;
  /** The path of its configuration. */
  configuration: string;
  /** Resolves when the proxy has ended: to null after close(), else to an error that says how. Never rejects. */
  closed: Promise<Error | null>;
  /** Restarts the server of a shard, which has ended, on its port. */
  restart(shard: Shard): Promise<void>;
  /** Ends all of them. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 400;
const RETRY_MS = 2000;

/** Resolves when all of them serve. If one does not start, it ends the others. */
export async function startShards(options: ShardsOptions): Promise<Shards> {
  const { servers, port, memory, timeoutMs = TIMEOUT_MS, retryMs = RETRY_MS } = options;
  const shards: Shard[] = [];
  const closeServers = async (): Promise<void> => {
    await Promise.all(shards.map(({ server }) => server.close()));
  };
  try {
    const starts = await Promise.allSettled(Array.from({ length: servers }, () => start({ memory })));
    for (const [i, each] of starts.entries()) {
      if (each.status === 'fulfilled') shards.push({ name: `shard${i + 1}`, server: each.value });
    }
    for (const each of starts) if (each.status === 'rejected') throw each.reason;
    const proxy = await startProxy(configuration({
      port, servers: shards.map(({ name, server }) => ({ name, port: server.port })), timeoutMs, retryMs,
    }), port);
    return {
      shards,
      port,
      pid: proxy.pid,
      configuration: proxy.configuration,
      closed: proxy.closed,
      restart: async (shard) => {
        shard.server = await start({ memory, port: shard.server.port });
      },
      close: async () => {
        await proxy.close();
        await closeServers();
      },
    };
  } catch (error) {
    await closeServers();
    throw error;
  }
}
