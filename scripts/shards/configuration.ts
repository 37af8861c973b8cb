// twemproxy's configuration (its notes/recommendation.md and README explain all words).

export interface Configuration {
  port: number;
  /** The ring is made of the names, so a server may come back at another port. */
  servers: readonly { name: string; port: number }[];
  /** A server that does not answer for this long has failed, in milliseconds. */
  timeoutMs: number;
  /** A failed server is tried again after this long, in milliseconds. */
  retryMs: number;
}

/** The text of its file. One failure is enough to leave a server out; its keys go to the others meanwhile. */
export function configuration({ port, servers, timeoutMs, retryMs }: Configuration): string {
  return [
    'shards:',
    `  listen: 127.0.0.1:${port}`,
    '  hash: fnv1a_64',
    '  distribution: ketama',
    `  timeout: ${timeoutMs}`,
    '  auto_eject_hosts: true',
    '  server_failure_limit: 1',
    `  server_retry_timeout: ${retryMs}`,
    '  servers:',
    ...servers.map((server) => `    - 127.0.0.1:${server.port}:1 ${server.name}`),
    '',
  ].join('\n');
}
