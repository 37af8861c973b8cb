#!/usr/bin/env node
// npm run shards: several servers behind twemproxy, which assigns each key to one of them.
import { parseArgs } from 'node:util';

import { startShards } from './shards/shards';

const HELP = `Usage: npm run shards -- [--servers <count>] [--port <port>] [--memory <megabytes>]

Starts 3 servers on free ports, and twemproxy (Debian's nutcracker) before them on port 22121. Ctrl-C ends all.
`;

async function run(): Promise<void> {
  const { values } = parseArgs({ options: {
    servers: { type: 'string', default: '3' },
    port: { type: 'string', default: '22121' },
    memory: { type: 'string', default: '64' },
    help: { type: 'boolean', short: 'h', default: false },
  } });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const shards = await startShards({
    servers: whole('servers', values.servers), port: whole('port', values.port), memory: whole('memory', values.memory),
  });
  for (const { name, server } of shards.shards) process.stdout.write(`${name} ${server.address} pid ${server.pid}\n`);
  process.stdout.write(`twemproxy 127.0.0.1:${shards.port} pid ${shards.pid}, with ${shards.configuration}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void shards.close());
  const end = await shards.closed;
  if (end !== null) throw end;
}

function whole(name: string, argument: string): number {
  if (!/^[1-9]\d{0,4}$/.test(argument)) throw new Error(`--${name} wants a whole number from 1, not "${argument}"`);
  return Number(argument);
}

run().catch((error: unknown) => {
  process.stderr.write(`shards: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
