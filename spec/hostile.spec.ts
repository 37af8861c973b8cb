// Hostile bytes: the corpus that `npm run fuzz` has gathered, sent again to a server in a checked memory. Their own
// connection may end, and nothing else: no exception, no spin, no byte of another item or of memory that nobody wrote,
// no reply that nobody asked for; and the same replies, however the bytes are cut.
import { join } from 'node:path';

import test from 'ava';

import { hashOf } from '../lib/1.6/assoc';
import * as items from '../lib/1.6/items';
import * as slabs from '../lib/1.6/slabs';
import { bss } from '../lib/libc/memory';
import { Random } from '../reactor/sim';
import { readCorpus } from '../scripts/fuzz/corpus';
import { command } from '../scripts/fuzz/command';
import { isCompared } from '../scripts/fuzz/fuzzer';
import { cut, mutate } from '../scripts/fuzz/mutate';
import { wrongBinary, wrongDatagrams, wrongText } from '../scripts/fuzz/replies';
import { HostileServer } from '../scripts/fuzz/server';
import type { Target } from '../scripts/fuzz/targets';
import { piecesOf, targets } from '../scripts/fuzz/targets';
import { put } from './support/memory';
import { replace } from './support/replace';
import { root } from './support/server';
import { upTo } from './support/thorough';

const CORPUS = join(root, 'spec', 'corpus');
const PIECES_MAX = 6;
/** In a usual run, every fourth input is sent, and of these every third in pieces, too. */
const EVERY = upTo(4, 1);
const EVERY_COMPARED = upTo(3, 1);
const name = bss(256);

function corpusOf(target: Target): Buffer[] {
  return (readCorpus(CORPUS, target.name) ?? []).filter((_, i) => i % EVERY === 0);
}

/** Those of the corpus that are sent in pieces, too. */
function comparedOf(target: Target): Buffer[] {
  if (target.datagrams) return [];
  return corpusOf(target).filter(isCompared).filter((_, i) => i % EVERY_COMPARED === 0);
}

for (const target of targets) {
  test.serial(`${target.name}: an input of the corpus ends at most its own connection`, async (t) => {
    const compared = comparedOf(target).map((input) => input.toString('latin1')); // which end no more, either: see below
    const inputs = corpusOf(target).filter((input) => !compared.includes(input.toString('latin1')));
    t.true(inputs.length > 0);
    const server = await HostileServer.start(target);
    for (const input of inputs) {
      const { problem } = await server.run(piecesOf(target, input));
      t.is(problem, null, JSON.stringify(input.toString('latin1')));
    }
    await server.stop();
  });

  if (target.datagrams) continue;

  test.serial(`${target.name}: an input gets the same replies whole and in pieces`, async (t) => {
    const random = new Random(1);
    const inputs = comparedOf(target);
    const answers: string[][] = [];
    for (const most of [0, PIECES_MAX]) {
      const server = await HostileServer.start(target);
      const replies: string[] = [];
      for (const input of inputs) {
        const { replies: [reply], problem } = await server.run(most === 0 ? [input] : cut(random, input, most));
        t.is(problem, null);
        replies.push(reply.toString('latin1'));
      }
      answers.push(replies);
      await server.stop();
    }
    t.deepEqual(answers[1], answers[0]);
  });
}

// That all of this can fail.

const text = targets[0];

/** What is said of an input, while something is wrong with the server. */
async function problemOf(input: string, break_: () => () => void): Promise<string | null> {
  const server = await HostileServer.start(text);
  const restore = break_();
  const { problem } = await server.run([Buffer.from(input, 'latin1')]);
  restore();
  await server.stop();
  return problem;
}

test.serial('an exception, an item of another client, and an item that is too small are found', async (t) => {
  t.is(await problemOf('get a\r\n', () => () => undefined), null);
  const fails = (): never => { throw new Error('a bug'); };
  t.regex(await problemOf('get a\r\n', () => replace(items, 'itemGet', () => fails)) ?? '', /connection \d+: Error: a bug/);

  const hidden = 'hidden-3f9a';
  const leak = await problemOf('get a\r\n', () => replace(items, 'itemGet', (original) => () => {
    return original(put(name, hidden), hidden.length, hashOf(name, hidden.length));
  }));
  t.is(leak, 'what another client has stored was sent');

  const small = await problemOf('set a 0 0 3\r\nabc\r\n', () => replace(slabs, 'slabsAlloc', (original) => {
    return (size, id) => original(size - 1, id);
  }));
  t.regex(small ?? '', /outside of a block: [^]*allocated[^]*itemAlloc/);
});

test('a line that is no reply, data without an end, and a reply without a request are found', (t) => {
  const wrong = (bytes: string): string | null => wrongText(Buffer.from(bytes, 'latin1'));
  t.is(wrong('STORED\r\nVALUE a 0 3\r\nab\n\r\nEND\r\nVA 2 k\r\nxx\r\nHD\r\n12\r\nVALUE b 0 9\r\ncut'), null);
  t.regex(wrong('STORED\r\nabc\r\n') ?? '', /no reply: "abc"/);
  t.regex(wrong('VALUE a 0 3\r\nabcd\r\n') ?? '', /no end/);

  const [request] = targets[2].seeds.map((seed) => Buffer.from(seed, 'latin1'));
  const reply = Buffer.from(request.subarray(0, 24));
  reply[0] = 0x81;
  reply.fill(0, 2, 12);
  t.is(wrongBinary(request, reply), null);
  const nobody = /nobody has asked for/;
  for (const [at, what] of [[0, /magic/], [1, nobody], [3, /too short/], [15, nobody]] as const) {
    const bad = Buffer.from(reply);
    bad[at] ^= 0x3f;
    t.regex(wrongBinary(request, bad) ?? '', what);
  }

  const datagram = (id: number, number: number, count: number): Buffer => {
    return Buffer.from([0, id, 0, number, 0, count, 0, 0]);
  };
  t.is(wrongDatagrams([datagram(7, 0, 1)], [datagram(7, 0, 2), datagram(7, 1, 2)]), null);
  t.regex(wrongDatagrams([datagram(7, 0, 1)], [datagram(8, 0, 1)]) ?? '', /nobody sent/);
  t.regex(wrongDatagrams([datagram(7, 0, 1)], [datagram(7, 2, 2)]) ?? '', /datagram 2 of 2/);
  t.regex(wrongDatagrams([datagram(7, 0, 1)], [Buffer.alloc(5)]) ?? '', /5 bytes/);
});

test('cutting keeps the input, mutating is the same by seed, and no input grows without bound', (t) => {
  const input = Buffer.from('set a 0 0 3\r\nabc\r\nget a\r\n');
  for (let seed = 0; seed < 10; seed++) {
    t.deepEqual(Buffer.concat(cut(new Random(seed), input, 9)), input);
    const [a, b] = [1, 2].map(() => mutate(new Random(seed), input, input, ['word']));
    t.deepEqual(a, b);
    let grown: Buffer = input;
    for (let i = 0; i < 100; i++) grown = mutate(new Random(seed + i), grown, grown, ['word'.repeat(100)]);
    t.true(grown.length <= 2048);
  }
});

test('a wrong argument gives one line on stderr and status 2', async (t) => {
  for (const args of [['--target', 'x'], ['--minutes', 'x'], ['--seed', '-1'], ['--what'], ['word']]) {
    let said = '';
    const output = { out: () => undefined, err: (line: string) => { said += line; } };
    t.is(await command(args, root, output), 2);
    t.regex(said, /^fuzz: [^\n]+\n$/);
  }
});
