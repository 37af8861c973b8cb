// Several servers, and a proxy that makes one cache of them.
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
  /** When the proxy gives a server up that does not answer, in milliseconds. */
  timeoutMs?: number;
  /** When the proxy tries a server again that has failed, in milliseconds. */
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
  /** Starts the server of a shard again, on its port, when it has ended. */
  restart(shard: Shard): Promise<void>;
  /** Ends all of them. */
  close(): Promise<void>;
}

const TIMEOUT_MS = 400;
const RETRY_MS = 2000;

/** Resolves when all of them serve. If one does not start, none is left. */
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
