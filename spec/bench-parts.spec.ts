// npm run bench, part by part: chance, tables, statistics, the driver, the plain server, the page.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';

import test from 'ava';
import fc from 'fast-check';

import { eventEconomy } from '../reactor/backends';
import { eventInit } from '../reactor/event';
import { crowd } from '../scripts/bench/crowd';
import { drive } from '../scripts/bench/driver';
import type { Latency, Measured } from '../scripts/bench/driver';
import { Failure } from '../scripts/bench/failure';
import { get, pipeline, set } from '../scripts/bench/items';
import type { Result, Round } from '../scripts/bench/model';
import { below, seeded, shuffled, zipf } from '../scripts/bench/random';
import { htmlReport } from '../scripts/bench/report';
import { median, medianKnown, ratio, spread } from '../scripts/bench/statistics';
import { baselineOf, roundOf, serverResults } from '../scripts/bench/summary';
import { READ_SIZE_BYTES, makeTables } from '../scripts/bench/tables';
import type { Tables } from '../scripts/bench/tables';
import { fullTables } from '../scripts/bench/text';
import { SMALL, storing, workloads } from '../scripts/bench/workloads';
import { root } from './support/server';
import { thorough } from './support/thorough';

// Chance

test('chance: the same seed gives the same numbers, another gives others', (t) => {
  const draw = (seed: number): number[] => {
    const random = seeded(seed);
    return Array.from({ length: 100 }, () => below(random, 1000));
  };
  t.deepEqual(draw(1), draw(1));
  t.notDeepEqual(draw(1), draw(2));
  t.true(draw(3).every((drawn) => Number.isInteger(drawn) && drawn >= 0 && drawn < 1000));
});

test('chance: a shuffle has every element once', (t) => {
  t.deepEqual([...shuffled(seeded(1), 500).toSorted()], Array.from({ length: 500 }, (_, i) => i));
});

test('chance: Zipf ranks come as often as 1 / rank', (t) => {
  const n = 1000, draws = 50_000;
  const rank = zipf(seeded(5), n, 0.99);
  const counts = new Uint32Array(n);
  for (let i = 0; i < draws; i++) counts[rank()]++;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += 1 / (i + 1) ** 0.99;
  for (const i of [0, 1, 9, 99]) {
    const expected = draws / (i + 1) ** 0.99 / sum;
    t.true(Math.abs(counts[i] - expected) < 5 * Math.sqrt(expected), `rank ${i}: ${counts[i]}, expected ${expected}`);
  }
});

// Tables

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

function exchangeOf({ bytes, requestAt, replyAt, operations }: Tables, i: number): [string, string, number] {
  return [
    bytes.toString('latin1', requestAt[i], requestAt[i + 1]), bytes.toString('latin1', replyAt[i], replyAt[i + 1]),
    operations[i],
  ];
}

test('tables: requests and replies lie one after the other, behind the room for reading', (t) => {
  const items = { prefix: 'key:', count: 2, size: 20 };
  const both = pipeline([get(items, [0]), set(items, 1)]);
  const tables = makeTables([get(items, [1]), set(items, 0), get(items, [0, 1]), both]);
  const found = (n: number): string => `VALUE key:00000000000${n} 0 20\r\nkey:00000000000${n}key:\r\n`;
  t.is(tables.requestAt[0], READ_SIZE_BYTES);
  t.deepEqual([...tables.order], [0, 1, 2, 3]);
  t.deepEqual(exchangeOf(tables, 0), ['get key:000000000001\r\n', `${found(1)}END\r\n`, 1]);
  t.deepEqual(exchangeOf(tables, 1), ['set key:000000000000 0 0 20\r\nkey:000000000000key:\r\n', 'STORED\r\n', 1]);
  t.deepEqual(exchangeOf(tables, 2), [
    'get key:000000000000 key:000000000001\r\n', `${found(0)}${found(1)}END\r\n`, 1,
  ]);
  t.deepEqual(exchangeOf(tables, 3), [
    'get key:000000000000\r\nset key:000000000001 0 0 20\r\nkey:000000000001key:\r\n', `${found(0)}END\r\nSTORED\r\n`, 2,
  ]);
  t.is(tables.bytes.toString('latin1', tables.missAt, tables.missEnd), 'END\r\n');
});

/** Those whose exchanges others have, too: on another number of connections, or to store their items. */
const ALIKE = ['single', 'thousand', 'large-set'];
const tried = workloads.filter(({ name }) => name !== 'zipf' && (thorough || !ALIKE.includes(name)));

for (const workload of tried) {
  test(`workload ${workload.name}: well-formed, the same by seed, and its items are stored before`, (t) => {
    const tables = workload.tables(seeded(1));
    const stored = storing(workload, 1);
    t.is(stored.operations.reduce((sum, n) => sum + n, 0), workload.items.count);
    t.true(tables.order.every((exchange) => exchange < tables.operations.length));
    t.is(Buffer.compare(bytesOf(workload.tables(seeded(1)).order), bytesOf(tables.order)), 0);
    for (const exchange of [0, tables.operations.length - 1]) {
      const [request, reply] = exchangeOf(tables, exchange);
      t.regex(request, /^(get( (key|big):\d{12})+\r\n)+$|^(set (key|big):\d{12} 0 0 \d+\r\n[\d:a-z]+\r\n)+$/);
      t.regex(reply, /^((VALUE (key|big):\d{12} 0 \d+\r\n[\d:a-z]+\r\n)+END\r\n)+$|^(STORED\r\n)+$/);
    }
  });
}

test('workload mix: one exchange of ten is a set', (t) => {
  const tables = workloads[2].tables(seeded(1));
  const sets = tables.order.filter((exchange) => exchange >= SMALL.count).length;
  t.true(Math.abs(sets / tables.order.length - 0.1) < 0.01);
});

// Statistics

test('statistics: medians, spreads, ratios', (t) => {
  t.is(median([3, 1, 2]), 2);
  t.is(median([4, 1, 2, 3]), 2.5);
  t.deepEqual(spread([5, 1, 9]), { median: 5, min: 1, max: 9 });
  t.deepEqual(ratio([10, 20, 30], [10, 10, 60]), { median: 2, min: 0.5, max: 2 });
  t.is(medianKnown([null, 4, null]), 4);
  t.is(medianKnown([null]), null);
  fc.assert(fc.property(fc.array(fc.integer(), { minLength: 1 }), (values) => {
    const { median: middle, min, max } = spread(values);
    return min <= middle && middle <= max && 2 * values.filter((value) => value < middle).length <= values.length;
  }));
});

test('statistics: ratios are to memcached, or to another server than ours if memcached is missing', (t) => {
  t.is(baselineOf(['ours', 'memcached', 'plain']), 'memcached');
  t.is(baselineOf(['ours', 'plain']), 'plain');
  t.is(baselineOf(['ours', 'net', '127.0.0.1:1']), '127.0.0.1:1');
  t.is(baselineOf(['ours']), null);
});

const LATENCY: Latency = { count: 100, p50: 10, p99: 20, p999: 30, max: 40 };

function round(operations: number, serverCpu: number | null, idle: number): Round {
  const measured: Measured = {
    operations, seconds: 2, misses: 1, hits: 3, latency: LATENCY, idle, serverCpu,
  };
  return roundOf(measured, 1 << 20);
}

test('statistics: what a round and several rounds come to', (t) => {
  t.like(round(1000, 1, 0.5), { perSecond: 500, cpuPerOperation: 1000, serverBusy: 0.5, hitRate: 0.75 });
  const [ours, theirs, elsewhere] = serverResults([
    { server: 'ours', rounds: [round(1000, 2, 0.2), round(3000, 2, 0.2)] },
    { server: 'memcached', rounds: [round(2000, 1, 0), round(2000, 1, 0)] },
    { server: '10.0.0.1:1', rounds: [round(2000, null, 0.5)] },
  ]);
  t.deepEqual(ours.ratio, { median: 1, min: 0.5, max: 1.5 });
  t.is(theirs.ratio, null);
  t.deepEqual([ours.boundBy, theirs.boundBy, elsewhere.boundBy], ['server', 'generator', 'unknown']);
  const bound = (busy: number, idle: number): string =>
    serverResults([{ server: 'ours', rounds: [round(1000, 2 * busy, idle)] }])[0].boundBy;
  t.deepEqual([bound(0.98, 0), bound(0.95, 0), bound(0.95, 0.1), bound(0.4, 0.5)],
    ['server', 'generator', 'server', 'neither']);
  t.deepEqual(ours.latency, { ...LATENCY, count: 200 });
  t.is(elsewhere.cpuPerOperation, null);
});

// The driver, against a server in this process

interface Address {
  host: number;
  port: number;
}

async function withServer<T>(answer: (request: string) => string, use: (address: Address) => Promise<T>): Promise<T> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => socket.write(answer(chunk.toString())));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  eventEconomy(false);
  eventInit();
  try {
    return await use({ host: 0x7f000001, port: (server.address() as AddressInfo).port });
  } finally {
    server.close();
  }
}

const ONE = { prefix: 'key:', count: 1, size: 32 };
const PLAN = { seconds: 0.05, warmUp: 0.01, connections: 1, probe: false, pid: process.pid };

test.serial('driver: a miss is followed by a set, and hits and misses are counted', async (t) => {
  const asked: string[] = [];
  const measured = await withServer((request) => {
    asked.push(request.slice(0, 3));
    return request.startsWith('set') ? 'STORED\r\n' : 'END\r\n';
  }, (address) => drive(address, makeTables([{ ...get(ONE, [0]), onMiss: 1 }, set(ONE, 0)], Uint32Array.of(0)), PLAN));
  t.true(measured.misses > 0);
  t.is(measured.hits, 0);
  t.true(measured.operations >= measured.misses);
  t.true(asked.every((command, i) => command === (i % 2 === 0 ? 'get' : 'set')));
});

test.serial('driver: a refused set is a failure unless refusals are allowed', async (t) => {
  const refusing = (mayRefuse: boolean): Promise<Measured> => withServer(
    () => 'SERVER_ERROR out of memory storing object\r\n',
    (address) => drive(address, makeTables([set(ONE, 0)], undefined, mayRefuse), { ...PLAN, seconds: 'once' }),
  );
  t.is((await refusing(true)).operations, 1);
  await t.throwsAsync(refusing(false), { message: /wrong reply to "set .*expected "TORED/ });
});

test.serial('driver: each exchange is done once', async (t) => {
  const exchanges = Array.from({ length: 10 }, () => set(ONE, 0));
  let served = 0;
  const measured = await withServer(() => {
    served++;
    return 'STORED\r\n';
  }, (address) => drive(address, makeTables(exchanges), { ...PLAN, seconds: 'once', connections: 3 }));
  t.is(served, 10);
  t.is(measured.operations, 10);
});

test.serial("driver: with a probe, only the probe's latencies are measured", async (t) => {
  const measured = await withServer(() => 'STORED\r\n', (address) =>
    drive(address, makeTables([set(ONE, 0)]), { ...PLAN, connections: 3, probe: true }));
  t.true(measured.latency.count > 0);
  t.true(measured.operations > measured.latency.count);
});

for (const [what, reply, says] of [
  ['too much', 'STORED\r\nSTORED\r\n', /at byte 8: expected nothing more, got "STORED\\r\\n"$/],
  ['something else', 'ERROR\r\n', /at byte 0: expected "STORED\\r\\n", got "ERROR\\r\\n"$/],
  ['END where there must be an item', 'END\r\n', /at byte 0: expected "STORED\\r\\n", got "END\\r\\n"$/],
] as const) {
  test.serial(`driver: ${what} is a failure`, async (t) => {
    await withServer(() => reply, async (address) => {
      await t.throwsAsync(drive(address, makeTables([set(ONE, 0)]), PLAN), { instanceOf: Failure, message: says });
    });
  });
}

// Many connections

test.serial('crowd: each of many connections gets a reply, and a second one when all are open', async (t) => {
  let asked = 0;
  const result = await withServer(() => {
    asked++;
    return 'VERSION 1\r\n';
  }, (address) => crowd(address, 40, process.pid));
  t.is(asked, 80);
  t.is(result.connections, 40);
  t.true(result.seconds > 0 && result.askedSeconds > 0);
});

test.serial('crowd: a wrong reply and a refused connection are failures', async (t) => {
  await withServer(() => 'ERROR\r\n', async (address) => {
    const says = /wrong reply to "version": "ERROR\r\n"/;
    await t.throwsAsync(crowd(address, 3, null), { instanceOf: Failure, message: says });
  });
  const address = await withServer(() => '', (gone) => Promise.resolve(gone));
  await t.throwsAsync(crowd(address, 3, null), { instanceOf: Failure, message: /refused/ });
});

// The plain server

test('plain server: answers get and set as memcached does, in pieces and at once', async (t) => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const child = spawn(process.execPath, [join(root, 'dist', 'scripts', 'bench', 'plain.js'), String(port)], {
    env: { ...process.env, NODE_V8_COVERAGE: undefined }, stdio: 'ignore',
  });
  try {
    const input = 'get z\r\nset a 5 0 3\r\nabc\r\nset b 0 0 2\r\n\r\n\r\nget a\r\nget a none b\r\nset c 0 0 1\r\nabc\r\nnonsense\r\n';
    const expected = 'END\r\nSTORED\r\nSTORED\r\nVALUE a 5 3\r\nabc\r\nEND\r\n'
      + 'VALUE a 5 3\r\nabc\r\nVALUE b 0 2\r\n\r\n\r\nEND\r\n';
    for (const pieces of [[input], input.split('')]) {
      const got = await converse(port, pieces);
      t.is(got.slice(0, expected.length), expected);
      t.regex(got.slice(expected.length), /^CLIENT_ERROR bad data chunk\r\n(ERROR\r\n)+$/);
    }
  } finally {
    child.kill();
  }

  async function converse(to: number, pieces: readonly string[]): Promise<string> {
    for (;;) {
      const socket = connect(to, '127.0.0.1');
      socket.setNoDelay(true);
      const failed = await once(socket, 'connect').then(() => false, () => true);
      if (failed) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      let got = '';
      socket.on('data', (chunk: Buffer) => void (got += chunk.toString()));
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise(setImmediate);
      }
      socket.end();
      await once(socket, 'close');
      return got;
    }
  }
});

// The page

test('the page has a plot for each figure, no script, and no external address', (t) => {
  const servers = serverResults(['ours', 'memcached', '<b>&'].map((server) => ({ server, rounds: [round(1000, 2, 0.2)] })));
  const result: Result = {
    machine: { cpu: 'a <processor>', cpus: 2, node: 'v20', system: 'Linux', date: '2003-06-01T00:00:00.000Z' },
    options: { rounds: 1, seconds: 2, stallSeconds: 60, seed: 1 },
    baseline: 'memcached',
    notes: ['this & that'],
    workloads: ['get', 'set'].map((name) => ({ name, what: name, unit: 'operations', connections: 1, servers })),
    memory: [{ server: 'ours', items: 1e6, emptyBytes: 5e7, filledBytes: 2e8, bytesPerItem: 150 }],
    stall: [{ server: 'ours', seconds: 60, perSecond: 1e5, latency: LATENCY, generatorPause: 400 }],
    connections: [{
      server: 'ours', count: 10_000, first: 1, later: null, firstCpu: 0.5, laterCpu: null, bytesPerConnection: 2000,
    }],
  };
  const html = htmlReport(result);
  // The overview, two for each workload, memory and stall.
  t.is(html.match(/<svg/g)?.length, 1 + 2 * 2 + 2);
  t.is(html.match(/<table>/g)?.length, fullTables(result).length);
  t.false(/<(script|link|img|iframe)|@import|url\(\s*["']?(http|\/\/)/.test(html));
  t.deepEqual([...new Set(html.match(/https?:\/\/[^"<> ]*/g))].filter((url) => !url.startsWith('http://www.w3.org/')), []);
  t.true(html.includes('a &#60;processor&#62;') && html.includes('this &#38; that'));
  t.false(html.includes('<b>&'));
});
