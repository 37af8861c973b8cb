// What makes no garbage: once it is warm, the server answers without allocating, so that the collector has nothing to
// do. Counted are the scavenges of V8 in the server, which come whenever the young generation is full. And V8 does not
// collect old objects while clients wait.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'ava';

import { Client } from './support/client';
import type { Server } from './support/server';
import { program } from './support/server';
import { sharedServer } from './support/shared-server';
import { upTo } from './support/thorough';

/** Runs in the server: tells on stderr, at each SIGUSR2, how often it has scavenged. */
const COUNTER = `
import { PerformanceObserver, constants } from 'node:perf_hooks';
let scavenges = 0;
const count = (entries) => {
  scavenges += entries.filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MINOR).length;
};
const observer = new PerformanceObserver((list) => count(list.getEntries()));
observer.observe({ entryTypes: ['gc'] });
process.on('SIGUSR2', () => {
  count(observer.takeRecords());
  process.stderr.write('scavenges: ' + scavenges + '\\n');
});`;

async function scavenges({ process: child }: Server): Promise<number> {
  if (child.stderr === null) throw new Error('no stderr');
  const lines = createInterface({ input: child.stderr });
  child.kill('SIGUSR2');
  let counted: string | undefined;
  while (counted === undefined) {
    const [line] = (await once(lines, 'line')) as [string];
    counted = /scavenges: (\d+)/.exec(line)?.[1];
  }
  lines.close();
  return Number(counted);
}

const VALUE = 'v'.repeat(32);
const KEYS = Array.from({ length: 50 }, (_, i) => `key:${String(i).padStart(12, '0')}`);
const item = (key: string): string => `VALUE ${key} 0 32\r\n${VALUE}\r\n`;

interface Load {
  request: string;
  reply: string;
  operations: number;
  /** How many of them; else COUNT. */
  count?: number;
  /** Of which version alone; else of both. */
  version?: Version;
}

type Version = '1.0' | '1.6';

const loads: Record<string, Load> = {
  // Fewer, since the server lets Node's loop run more often, and that makes garbage of its own.
  'gets, one at a time': { request: `get ${KEYS[0]}\r\n`, reply: `${item(KEYS[0])}END\r\n`, operations: 1, count: upTo(10_000, 20_000), version: '1.6' },
  'gets, 16 at a time': {
    request: KEYS.slice(0, 16).map((key) => `get ${key}\r\n`).join(''),
    reply: KEYS.slice(0, 16).map((key) => `${item(key)}END\r\n`).join(''),
    operations: 16,
  },
  'keys in gets of 50': {
    request: `get ${KEYS.join(' ')}\r\n`, reply: `${KEYS.map(item).join('')}END\r\n`, operations: 50,
  },
  sets: {
    request: KEYS.slice(0, 16).map((key) => `set ${key} 0 0 32\r\n${VALUE}\r\n`).join(''),
    reply: 'STORED\r\n'.repeat(16),
    operations: 16,
  },
  'meta gets and meta sets': {
    request: KEYS.slice(0, 8).map((key) => `ms ${key} 32 T0\r\n${VALUE}\r\nmg ${key} v f k q O1\r\n`).join(''),
    reply: KEYS.slice(0, 8).map((key) => `HD\r\nVA 32 f0 k${key} O1\r\n${VALUE}\r\n`).join(''),
    operations: 16,
    version: '1.6',
  },
};

const COUNT = upTo(20_000, 60_000);
/**
 * Each time that the server lets Node's own loop run makes some garbage: by time, and so for each request of a client
 * that has too little of the processor. That only adds to what requests make, so the least of several rounds is what
 * counts.
 */
const ROUNDS_MAX = 5;
const PATIENCE_MS = 120_000;

for (const version of ['1.0', '1.6'] as const) {
  const shared = sharedServer({
    backend: 'epoll', today: version === '1.6',
    nodeArgs: [`--import=data:text/javascript,${encodeURIComponent(COUNTER)}`],
  });
  const own = Object.entries(loads).filter(([, load]) => load.version === undefined || load.version === version);
  // The two versions differ in what makes a reply alone.
  for (const [name, load] of own.slice(0, version === '1.0' ? upTo(1, own.length) : own.length)) {
    specify(version, name, load, shared);
  }
}

function specify(version: Version, name: string, load: Load, shared: () => Promise<Server>): void {
  const { request, reply, operations, count: total = COUNT } = load;
  test.serial(`${version}: ${total} ${name} on 10 connections cause at most one scavenge`, async (t) => {
    t.timeout(PATIENCE_MS);
    const server = await shared();
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(server.port)));
    for (const key of KEYS) await clients[0].ask(`set ${key} 0 0 32\r\n${VALUE}\r\n`);

    const run = (count: number): Promise<unknown> => Promise.all(clients.map(async (client) => {
      for (let done = 0; done < count / clients.length; done += operations) {
        client.send(request);
        const received = await client.take(reply.length);
        if (received !== reply) t.is(received, reply);
      }
    }));
    await run(total);
    const counts: number[] = [];
    do {
      const before = await scavenges(server);
      await run(total);
      counts.push(await scavenges(server) - before);
    } while (Math.min(...counts) > 1 && counts.length < ROUNDS_MAX);
    t.true(Math.min(...counts) <= 1, `${counts.join(', ')} scavenges`);
    for (const client of clients) client.destroy();
  });
}

/** A number that follows from V8's version and flags, of a process that runs `code`. */
function flagsTag(code: string, ...flags: string[]): string {
  const tell = "process.on('exit', () => console.log('tag', require('node:v8').cachedDataVersionTag()));";
  const child = spawnSync(process.execPath, [...flags, '-e', tell + code, 'program', '-V'], { encoding: 'utf8' });
  return /^tag \d+$/m.exec(child.stdout)?.[0] ?? child.stderr;
}

test('the command turns incremental marking off, and with it the timer that collects old objects', (t) => {
  const command = `require(${JSON.stringify(program)})`;
  t.is(flagsTag(command), flagsTag(command, '--no-incremental-marking'));
  t.not(flagsTag(''), flagsTag('', '--no-incremental-marking'), 'the tag tells it');
});
