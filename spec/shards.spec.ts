// Several servers that twemproxy makes one cache of: what each has, and what is missed while one is gone.
import { spawnSync } from 'node:child_process';

import test from 'ava';

import { configuration } from '../scripts/shards/configuration';
import { freePort } from '../scripts/free-port';
import { PROGRAM, startProxy } from '../scripts/shards/proxy';
import { startShards } from '../scripts/shards/shards';
import type { Shard } from '../scripts/shards/shards';
import { Client, ask } from './support/client';
import { upTo } from './support/thorough';
import { where } from './support/where';

const installed = spawnSync(PROGRAM, ['--version']).error === undefined;
const testProxy = where(installed, PROGRAM);

const SERVERS = upTo(2, 3);
const KEYS = Array.from({ length: upTo(1000, 10_000) }, (_, i) => `key${i}`);
const STORED = 'STORED\r\n';

const set = (key: string): string => `set ${key} 0 0 ${key.length}\r\n${key}\r\n`;

/** Stores them one behind the other, without waiting. Returns what is no STORED. */
async function store(client: Client, keys: readonly string[]): Promise<string> {
  client.send(keys.map(set).join(''));
  return (await client.take(keys.length * STORED.length)).replaceAll(STORED, '');
}

/** Those of all keys that are found. Replies come in order, so that of `last`, a set, ends them. */
async function found(client: Client, last: string): Promise<Set<string>> {
  const replies = await client.ask(KEYS.map((key) => `get ${key}\r\n`).join('') + set(last), STORED);
  return new Set([...replies.matchAll(/^VALUE (\S+) 0 \d+\r\n\1\r$/gm)].map(([, key]) => key));
}

/** The keys that a server has. */
async function keysOf({ server }: Shard): Promise<Set<string>> {
  const dump = await ask(server.port, 'lru_crawler metadump all\r\n', 'END\r\n');
  return new Set([...dump.matchAll(/^key=(\S+) /gm)].map(([, key]) => key));
}

testProxy('each server has its share of the keys; a killed server takes only its own along, and gets them back later', async (t) => {
  const shards = await startShards({
    servers: SERVERS, port: await freePort(), memory: 16, timeoutMs: 30_000, retryMs: 50,
  });
  t.teardown(() => shards.close());
  const client = await Client.connect(shards.port);
  t.is(await store(client, KEYS), '');

  const keys = await Promise.all(shards.shards.map(keysOf));
  t.is(new Set(keys.flatMap((each) => [...each])).size, KEYS.length);
  t.is(keys.reduce((sum, { size }) => sum + size, 0), KEYS.length, 'each key is on one server');
  const share = KEYS.length / SERVERS;
  for (const { size } of keys) t.true(size > share / 2 && size < share * 3 / 2, `${size} keys`);

  const [gone] = shards.shards;
  const [lost, [alive]] = keys;
  process.kill(gone.server.pid, 'SIGKILL');
  t.regex(String(await gone.server.closed), /ended by SIGKILL/);
  const left = await found(client, alive);
  t.deepEqual(KEYS.filter((key) => left.has(key) === lost.has(key)), [], 'all are found but those');

  await shards.restart(gone);
  const [key] = lost;
  const direct = await Client.connect(gone.server.port);
  do await client.ask(set(key)); while (await direct.ask(`mg ${key}\r\n`) === 'EN\r\n');
  t.is(await store(client, [...lost]), '');
  const again = await keysOf(gone);
  t.deepEqual(KEYS.filter((key) => again.has(key) !== lost.has(key)), [], 'all of them are on it again');
});

testProxy('startProxy rejects with the reason if the proxy does not start', async (t) => {
  const port = await freePort();
  const text = configuration({ port, servers: [], timeoutMs: 1, retryMs: 1 });
  await t.throwsAsync(startProxy(text, port), { message: /^nutcracker ended with 1: / });
});

test('the configuration names each server, and the ring is made of the names', (t) => {
  const servers = [{ name: 'a', port: 1 }, { name: 'b', port: 2 }];
  const text = configuration({ port: 3, servers, timeoutMs: 4, retryMs: 5 });
  t.true(text.startsWith('shards:\n  listen: 127.0.0.1:3\n'));
  t.true(text.endsWith('\n  servers:\n    - 127.0.0.1:1:1 a\n    - 127.0.0.1:2:1 b\n'));
  t.regex(text, /^ {2}timeout: 4\n[^]*^ {2}server_retry_timeout: 5$/m);
});
