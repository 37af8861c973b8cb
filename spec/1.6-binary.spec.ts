// The binary protocol of memcached 1.6: what each command answers, loud and quiet, what ends the connection, and who
// speaks it; cut into pieces and with faults on the simulated backend, and on one that real clients can reach.
import test from 'ava';

import { Random } from '../reactor/sim';
import { Client } from './support/client';
import { answer, answers, end, request, words } from './support/packets-1.6';
import { sendPiecemeal, startPiecemeal } from './support/piecemeal';
import { startServer } from './support/server';
import { SMALL_MEMORY, SimPeer, SimServer } from './support/sim-server';

const [GET, SET, ADD, REPLACE, DELETE, INCR, DECR, QUIT, FLUSH] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
const [GETQ, NOOP, VERSION, GETK, GETKQ, APPEND, PREPEND, STAT] = [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10];
const [SETQ, ADDQ, REPLACEQ, DELETEQ, INCRQ, DECRQ, QUITQ, FLUSHQ, APPENDQ, PREPENDQ] =
  [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1a];
const [TOUCH, GAT, GATQ, GATK, GATKQ] = [0x1c, 0x1d, 0x1e, 0x23, 0x24];

function store(opcode: number, key: string, value: string, flags = 0, expiry = 0, cas = 0n): string {
  return request(opcode, { key, value, cas, extras: words(flags, expiry) });
}

/** `create` is the expiry of a number that is not there yet. */
function count(opcode: number, key: string, delta: number, initial = 0, create = 0): string {
  return request(opcode, { key, extras: words(0, delta, 0, initial, create) });
}

/** What is sent, and what is answered to that. */
type Conversation = readonly (readonly [sends: string, ...receives: string[]])[];

const BIG = 'z'.repeat(100_000);

const conversations: Record<string, Conversation> = {
  'a get gives the value with flags and cas, and with the key if the opcode asks for it': [
    [store(SET, 'a', '1', 0xdeadbeef), '01, status 0, cas'],
    [request(GET, { key: 'a' }), '00, status 0, extras deadbeef, value 1, cas'],
    [request(GETK, { key: 'a' }), '0c, status 0, extras deadbeef, key a, value 1, cas'],
    [request(GETQ, { key: 'a' }), '09, status 0, extras deadbeef, value 1, cas'],
    [request(GETKQ, { key: 'a' }), '0d, status 0, extras deadbeef, key a, value 1, cas'],
    [store(SET, 'a', ''), '01, status 0, cas'],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000000, cas'],
  ],
  'a get of a missing key gives an error, or only the key; a quiet get gives nothing': [
    [request(GET, { key: 'a' }), '00, status 1, value Not found'],
    [request(GETK, { key: 'a' }), '0c, status 1, key a'],
    [request(GETQ, { key: 'a' })],
    [request(GETKQ, { key: 'a' })],
  ],
  'a key may be any 250 bytes': [
    [store(SET, 'a\0 \r\n'.repeat(50), '1'), '01, status 0, cas'],
    [request(GET, { key: 'a\0 \r\n'.repeat(50) }), '00, status 0, extras 00000000, value 1, cas'],
  ],
  'a value that does not fit the buffer is sent behind its header': [
    [store(SET, 'a', BIG, 7), '01, status 0, cas'],
    [request(GETK, { key: 'a' }), `0c, status 0, extras 00000007, key a, value ${BIG}, cas`],
    [request(GETQ, { key: 'a' }), `09, status 0, extras 00000007, value ${BIG}, cas`],
  ],
  'add stores only a missing item; replace, append and prepend only an existing one': [
    [store(REPLACE, 'a', '1'), '03, status 1, value Not found'],
    [request(APPEND, { key: 'a', value: '1' }), '0e, status 5, value Not stored.'],
    [request(PREPEND, { key: 'a', value: '1' }), '0f, status 5, value Not stored.'],
    [store(ADD, 'a', '1', 7), '02, status 0, cas'],
    [store(ADD, 'a', '2'), '02, status 2, value Data exists for key.'],
    [request(APPEND, { key: 'a', value: '2' }), '0e, status 0, cas'],
    [request(PREPEND, { key: 'a', value: '0' }), '0f, status 0, cas'],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000007, value 012, cas'],
    [store(REPLACE, 'a', 'x'), '03, status 0, cas'],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000000, value x, cas'],
  ],
  'quiet commands that store, count or delete reply only with errors': [
    [store(REPLACEQ, 'a', '1'), '13, status 1, value Not found'],
    [request(APPENDQ, { key: 'a', value: '1' }), '19, status 5, value Not stored.'],
    [request(PREPENDQ, { key: 'a', value: '1' }), '1a, status 5, value Not stored.'],
    [request(DELETEQ, { key: 'a' }), '14, status 1, value Not found'],
    [count(INCRQ, 'a', 1, 0, 0xffffffff), '15, status 1, value Not found'],
    [count(DECRQ, 'a', 1, 0, 0xffffffff), '16, status 1, value Not found'],
    [store(SETQ, 'a', '1')],
    [store(ADDQ, 'a', '1'), '12, status 2, value Data exists for key.'],
    [store(REPLACEQ, 'a', '2')],
    [request(APPENDQ, { key: 'a', value: '3' })],
    [request(PREPENDQ, { key: 'a', value: '1' })],
    [count(INCRQ, 'a', 5)],
    [count(DECRQ, 'a', 1)],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000000, value 127, cas'],
    [request(DELETEQ, { key: 'a' })],
    [store(ADDQ, 'a', '1')],
    [request(FLUSHQ)],
    [request(GET, { key: 'a' }), '00, status 1, value Not found'],
  ],
  'a command with a cas number changes or deletes only an item that has it': [
    [store(SET, 'a', '1', 0, 0, 99n), '01, status 1, value Not found'],
    [store(SET, 'a', '1'), '01, status 0, cas'],
    [store(SET, 'a', '2', 0, 0, 2n ** 64n - 1n), '01, status 2, value Data exists for key.'],
    [store(ADD, 'a', '2', 0, 0, 2n ** 64n - 1n), '02, status 2, value Data exists for key.'],
    [store(REPLACE, 'a', '2', 0, 0, 2n ** 64n - 1n), '03, status 2, value Data exists for key.'],
    [request(APPEND, { key: 'a', value: '2', cas: 2n ** 63n }), '0e, status 2, value Data exists for key.'],
    [request(INCR, { key: 'a', extras: words(0, 1, 0, 0, 0), cas: 2n ** 63n }),
      '05, status 2, value Data exists for key.'],
    [request(DELETE, { key: 'a', cas: 2n ** 63n }), '04, status 2, value Data exists for key.'],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000000, value 1, cas'],
  ],
  'numbers have 64 bits, and are stored as text': [
    [count(INCR, 'a', 1, 10), `05, status 0, value ${words(0, 10)}, cas`],
    [count(INCR, 'a', 3), `05, status 0, value ${words(0, 13)}, cas`],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000000, value 13, cas'],
    [count(DECR, 'a', 14), `06, status 0, value ${words(0, 0)}, cas`],
    [store(SET, 'a', '18446744073709551615'), '01, status 0, cas'],
    [count(DECR, 'a', 1), `06, status 0, value ${words(0xffffffff, 0xfffffffe)}, cas`],
    [count(INCR, 'a', 3), `05, status 0, value ${words(0, 1)}, cas`],
    [store(SET, 'a', 'x'), '01, status 0, cas'],
    [count(INCR, 'a', 1), '05, status 6, value Non-numeric server-side value for incr or decr'],
    [count(DECR, 'b', 1, 0, 0xffffffff), '06, status 1, value Not found'],
    [count(DECR, 'b', 1, 5, 0xfffffffe), `06, status 0, value ${words(0, 5)}, cas`],
  ],
  'touch replies with the flags; gat combines touch and get': [
    [request(TOUCH, { key: 'a', extras: words(0) }), '1c, status 1, value Not found'],
    [request(GAT, { key: 'a', extras: words(0) }), '1d, status 1, value Not found'],
    [request(GATK, { key: 'a', extras: words(0) }), '23, status 1, key a'],
    [request(GATQ, { key: 'a', extras: words(0) })],
    [request(GATKQ, { key: 'a', extras: words(0) })],
    [store(SET, 'a', '1', 7), '01, status 0, cas'],
    [request(TOUCH, { key: 'a', extras: words(0) }), '1c, status 0, extras 00000007, cas'],
    [request(GAT, { key: 'a', extras: words(0) }), '1d, status 0, extras 00000007, value 1, cas'],
    [request(GATQ, { key: 'a', extras: words(0) }), '1e, status 0, extras 00000007, value 1, cas'],
    [request(GATK, { key: 'a', extras: words(0) }), '23, status 0, extras 00000007, key a, value 1, cas'],
    [request(GATKQ, { key: 'a', extras: words(0) }), '24, status 0, extras 00000007, key a, value 1, cas'],
  ],
  'flush works at once or later; noop and version get their replies': [
    [store(SET, 'a', '1'), '01, status 0, cas'],
    [request(FLUSH, { extras: words(100) }), '08, status 0'],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000000, value 1, cas'],
    [request(FLUSH), '08, status 0'],
    [request(GET, { key: 'a' }), '00, status 1, value Not found'],
    [request(FLUSH, { extras: words(0) }), '08, status 0'],
    [request(VERSION), '0b, status 0, value 1.6.45'],
    [request(NOOP), '0a, status 0'],
  ],
  'a value that is too large is swallowed; the old item is gone after a set, and stays after other commands': [
    [store(SET, 'a', '1'), '01, status 0, cas'],
    [store(REPLACE, 'a', 'x'.repeat(1048576)), '03, status 3, value Too large.'],
    [request(APPEND, { key: 'a', value: 'x'.repeat(1048576) }), '0e, status 3, value Too large.'],
    [request(GET, { key: 'a' }), '00, status 0, extras 00000000, value 1, cas'],
    [store(SETQ, 'a', 'x'.repeat(1048576)), '11, status 3, value Too large.'],
    [request(GET, { key: 'a' }), '00, status 1, value Not found'],
  ],
  'unknown opcodes and authentication are refused, and their bodies are not run as requests': [
    [request(0x1b, { extras: words(1) }), '1b, status 81, value Unknown command'], // verbosity
    [request(0x20), '20, status 81, value Unknown command'],
    [request(0x21, { key: 'PLAIN', value: '\0me\0secret' }), '21, status 81, value Unknown command'],
    [request(0x22, { key: 'PLAIN', value: request(QUIT) }), '22, status 81, value Unknown command'],
    [request(0x30, { key: 'k', extras: words(1), value: request(QUIT) }), '30, status 81, value Unknown command'],
    [request(0xff), 'ff, status 81, value Unknown command'],
  ],
  'stat: an unknown key is not found': [
    [request(STAT, { key: 'nonsense' }), '10, status 1, value Not found'],
    [request(STAT, { key: 'detail nonsense' }), '10, status 1, value Not found'],
    [request(STAT, { key: 'conns' }), '10, status 1, value Not found'],
  ],
  'stat detail: the counts of all prefixes are one value': [
    [request(STAT, { key: 'detail dump' }), '10, status 0, key detailed, value END\r\n', '10, status 0'],
    [request(STAT, { key: 'detail on' }), '10, status 0'],
    [store(SETQ, 'p:1', '1') + request(GETQ, { key: 'p:2' }) + request(DELETEQ, { key: 'p:1' })],
    [request(STAT, { key: 'detail dump' }),
      '10, status 0, key detailed, value PREFIX p get 1 hit 0 set 1 del 1\r\nEND\r\n', '10, status 0'],
    [request(STAT, { key: 'detail off' }), '10, status 0'],
    [request(STAT, { key: 'reset' }), '10, status 0'],
  ],
};

function bytesOf(conversation: Conversation): string {
  return conversation.map(([sends]) => sends).join('') + end;
}

for (const [seed, [name, conversation]] of Object.entries(conversations).entries()) {
  test.serial(`sim: ${name}`, async (t) => {
    const random = new Random(seed);
    const server = await startPiecemeal(random, seed);
    const peer = await server.connect();
    await sendPiecemeal(server, peer, bytesOf(conversation), random);
    t.deepEqual(await answers(t, peer), conversation.flatMap(([, ...receives]) => receives));
    await server.stop();
  });
}

/** What ends the connection, and the answer before that. */
const endings: Record<string, readonly [sends: string, ...receives: string[]]> = {
  'quit answers': [request(QUIT), '07, status 0'],
  'quitq does not': [request(QUITQ)],
  'a request that does not begin as one': [request(NOOP) + `\x81${request(NOOP).slice(1)}`, '0a, status 0'],
  'a request in text': [request(NOOP) + 'version\r\n'.repeat(3), '0a, status 0'],
  'more extras and key than there is body': [
    request(GET, { key: 'a', bodylen: 0 }), '00, status 81, value Unknown command',
  ],
  'a key of more than 250 bytes': [
    request(GET, { key: 'k'.repeat(251) }), '00, status 4, value Invalid arguments',
  ],
  'a body of more than a gigabyte': [
    request(SET, { key: 'a', extras: words(0, 0), bodylen: 2 ** 30 + 1 }), '01, status 4, value Invalid arguments',
  ],
  'a get without a key': [request(GET), '00, status 4, value Invalid arguments'],
  'a get with extras': [request(GET, { key: 'a', extras: words(0) }), '00, status 4, value Invalid arguments'],
  'a get with a value': [request(GETQ, { key: 'a', value: '1' }), '09, status 4, value Invalid arguments'],
  'a gat without an expiry': [request(GAT, { key: 'a' }), '1d, status 4, value Invalid arguments'],
  'a touch with a value': [
    request(TOUCH, { key: 'a', extras: words(0), value: request(FLUSH) }), '1c, status 4, value Invalid arguments',
  ],
  'a set without flags and expiry': [request(SET, { key: 'a', value: '1' }), '01, status 4, value Invalid arguments'],
  'a set without a key': [request(SETQ, { extras: words(0, 0) }), '11, status 4, value Invalid arguments'],
  'an append with extras': [
    request(APPEND, { key: 'a', extras: words(0, 0) }), '0e, status 4, value Invalid arguments',
  ],
  'an incr without its numbers': [request(INCRQ, { key: 'a' }), '15, status 4, value Invalid arguments'],
  'a delete with extras': [request(DELETE, { key: 'a', extras: words(0) }), '04, status 4, value Invalid arguments'],
  'a flush with a key': [request(FLUSH, { key: 'a' }), '08, status 4, value Invalid arguments'],
  'a noop with a body': [request(NOOP, { value: '1' }), '0a, status 4, value Invalid arguments'],
  'a version with a key': [request(VERSION, { key: 'a' }), '0b, status 4, value Invalid arguments'],
  'a quit with extras': [request(QUIT, { extras: words(0) }), '07, status 4, value Invalid arguments'],
  'a stat with a value': [request(STAT, { value: request(FLUSH) }), '10, status 4, value Invalid arguments'],
};

test.serial('sim: a request that must end the connection ends it, after the replies that are due', async (t) => {
  const server = await SimServer.start(['-m', '8'], { today: true, shortIo: true, maxTurns: Infinity });
  for (const [name, [sends, ...receives]] of Object.entries(endings)) {
    const peer = await server.connect();
    peer.send(Buffer.from(sends, 'latin1'));
    t.deepEqual(await answers(t, peer), receives, name);
    t.is(await peer.closed(), '', name);
  }
  await server.stop();
});

test('every conversation gets the same replies from a server in another process', async (t) => {
  const server = await startServer({ today: true });
  t.teardown(() => server.stop());
  for (const [name, conversation] of Object.entries(conversations)) {
    const peer = await Client.connect(server.port);
    peer.send(request(FLUSHQ) + bytesOf(conversation));
    t.deepEqual(await answers(t, peer), conversation.flatMap(([, ...receives]) => receives), name);
    peer.destroy();
  }
  for (const [name, [sends, ...receives]] of Object.entries(endings)) {
    const peer = await Client.connect(server.port);
    peer.send(sends);
    t.deepEqual(await answers(t, peer), receives, name);
    t.is(await peer.closed(), '', name);
    peer.destroy();
  }
  t.is(await server.stop(), 0);
  t.is(server.stderr(), '');
});

/** Starts a server, runs `body` with two connections to it, and stops it. */
async function withServer(
  args: readonly string[], body: (peer: SimPeer, other: SimPeer, server: SimServer) => Promise<void>,
): Promise<void> {
  const server = await SimServer.start(args, { today: true, memory: SMALL_MEMORY, maxTurns: Infinity });
  await body(await server.connect(), await server.connect(), server);
  await server.stop();
}

function send(peer: SimPeer, bytes: string): void {
  peer.send(Buffer.from(bytes, 'latin1'));
}

test.serial('each reply has the cas number of the item at that moment, and a store with that number succeeds', async (t) => {
  await withServer([], async (peer) => {
    const cas = async (bytes: string): Promise<bigint> => {
      send(peer, bytes);
      const next = await answer(t, peer);
      t.is(next?.status, 0);
      return next?.cas ?? 0n;
    };
    const first = await cas(store(SET, 'a', '1'));
    t.is(await cas(request(GET, { key: 'a' })), first);
    t.is(await cas(request(TOUCH, { key: 'a', extras: words(0) })), first);
    const second = await cas(store(REPLACE, 'a', '2', 0, 0, first));
    t.true(second > first);
    const third = await cas(request(APPEND, { key: 'a', value: '3', cas: second }));
    t.is(await cas(request(GETK, { key: 'a' })), third);
    const fourth = await cas(request(INCR, { key: 'a', extras: words(0, 1, 0, 0, 0), cas: third }));
    t.true(fourth > third);
    t.is(await cas(request(GAT, { key: 'a', extras: words(0) })), fourth);
    t.is(await cas(request(DELETE, { key: 'a', cas: fourth })), 0n);
    t.true(await cas(count(INCR, 'a', 1, 5)) > fourth);
  });
});

test.serial('the binary and the text protocol share items; a binary expiry is seconds or a time, without a sign', async (t) => {
  await withServer([], async (peer, inText) => {
    send(peer, store(SET, 'a', '12', 7, 100) + end);
    await answers(t, peer);
    t.is(await inText.ask('get a\r\n', 'END\r\n'), 'VALUE a 7 2\r\n12\r\nEND\r\n');
    t.is(await inText.ask('mg a t\r\n'), 'HD t100\r\n');
    send(peer, request(GATQ, { key: 'a', extras: words(200) }) + end);
    await answers(t, peer);
    t.is(await inText.ask('mg a t\r\n'), 'HD t200\r\n');
    send(peer, request(TOUCH, { key: 'a', extras: words(0xffffffff) }) + end);
    await answers(t, peer);
    t.regex(await inText.ask('mg a t\r\n'), /^HD t\d{10}\r\n$/);
    t.is(await inText.ask('append a 0 0 1\r\n3\r\n'), 'STORED\r\n');
    send(peer, request(GET, { key: 'a' }) + end);
    t.deepEqual(await answers(t, peer), ['00, status 0, extras 00000007, value 123, cas']);
  });
});

test.serial('stat gives a packet for each line of the text protocol, then an empty one', async (t) => {
  await withServer([], async (peer, inText) => {
    send(peer, store(SETQ, 'a', '1'));
    for (const key of ['', 'settings', 'items', 'slabs', 'sizes']) {
      send(peer, request(STAT, { key }));
      const names: string[] = [];
      for (;;) {
        const next = await answer(t, peer);
        t.is(next?.status, 0);
        if (next === null || next.key === '') break;
        names.push(next.key);
      }
      const lines = await inText.ask(`stats ${key}\r\n`, 'END\r\n');
      t.deepEqual(names, [...lines.matchAll(/^STAT (\S+)/gm)].map(([, word]) => word), key);
    }
  });
});

test.serial('with -F flush is refused, with -C replies have no cas number, with -X stat detail is not found', async (t) => {
  await withServer(['-F', '-C', '-X'], async (peer) => {
    send(peer, request(FLUSH) + request(FLUSHQ) + store(SET, 'a', '1', 0, 0, 5n) + request(GET, { key: 'a' }) +
      request(STAT, { key: 'detail dump' }) + end);
    t.deepEqual(await answers(t, peer), [
      '08, status 20, value Auth failure.', '18, status 20, value Auth failure.', '01, status 0',
      '00, status 0, extras 00000000, value 1', '10, status 1, value Not found',
    ]);
  });
});

test.serial('with -M a value that finds no memory is swallowed and refused', async (t) => {
  await withServer(['-M', '-m', '2'], async (peer) => {
    const sends = Array.from({ length: 40 }, (_, i) => store(SETQ, `k${i}`, 'x'.repeat(100_000))).join('');
    send(peer, sends + end);
    const refused = await answers(t, peer);
    t.true(refused.length > 0 && refused.length < 40);
    t.deepEqual(new Set(refused), new Set(['11, status 82, value Out of memory allocating item']));
  });
});

test.serial('a client that disconnects in the middle of a value leaves no chunk in use', async (t) => {
  await withServer([], async (peer, inText, server) => {
    send(peer, request(SET, { key: 'a', extras: words(0, 0), value: '1', bodylen: 100 }));
    await server.sim.idle();
    t.regex(await inText.ask('stats slabs\r\n', 'END\r\n'), /:used_chunks 1\r/);
    peer.destroy();
    await server.sim.idle();
    t.regex(await inText.ask('stats slabs\r\n', 'END\r\n'), /:used_chunks 0\r/);
    t.is(await inText.ask('get a\r\n', 'END\r\n'), 'END\r\n');
  });
});

test.serial('-B fixes the protocol whatever the client sends; -B auto detects it', async (t) => {
  await withServer(['-B', 'ascii'], async (peer) => {
    t.is(await peer.ask('\x80abc\r\n'), 'ERROR\r\n');
  });
  await withServer(['-B', 'binary'], async (peer, inText) => {
    send(peer, end);
    t.deepEqual(await answers(t, peer), []);
    inText.send('version\r\n'.repeat(3));
    t.is(await inText.closed(), '');
  });
  await withServer(['-B', 'auto'], async (peer, inText) => {
    send(peer, end);
    t.deepEqual(await answers(t, peer), []);
    t.is(await inText.ask('version\r\n'), 'VERSION 1.6.45\r\n');
  });
});

test.serial('an address of -l may name its own protocol; the other addresses have that of -B', async (t) => {
  const addresses = '127.0.0.1,proto[binary]:127.0.0.1:11212,proto[negotiating]:127.0.0.1:11213';
  await withServer(['-B', 'ascii', '-l', addresses], async (peer, _, server) => {
    const at = (port: number): SimPeer => new SimPeer(server.sim.connect(port));
    t.is(await peer.ask('\x80abc\r\n'), 'ERROR\r\n');
    const inText = at(11212);
    inText.send('version\r\n'.repeat(3));
    t.is(await inText.closed(), '');
    t.is(await at(11213).ask('version\r\n'), 'VERSION 1.6.45\r\n');
    for (const port of [11212, 11213]) {
      const inBinary = at(port);
      send(inBinary, end);
      t.deepEqual(await answers(t, inBinary), []);
    }
  });
});
