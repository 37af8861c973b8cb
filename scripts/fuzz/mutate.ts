// Makes new inputs from known ones: mutations of bytes, words and lines, and mixes of two inputs.
import type { Random } from '../../reactor/sim';

const INPUT_MAX_BYTES = 2048;

type Mutation = (random: Random, input: Buffer, other: Buffer, words: readonly string[]) => Buffer;

function splice(input: Buffer, at: number, removed: number, added: Buffer | string): Buffer {
  const bytes = typeof added === 'string' ? Buffer.from(added, 'latin1') : added;
  return Buffer.concat([input.subarray(0, at), bytes, input.subarray(at + removed)]);
}

/** A random part of the input: its offset and length. */
function part(random: Random, input: Buffer, most = 64): [at: number, length: number] {
  const at = random.int(input.length + 1);
  return [at, random.int(Math.min(most, input.length - at) + 1)];
}

const LINE_FEED = 0x0a;

function linesOf(input: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let at = 0; at < input.length;) {
    const end = input.indexOf(LINE_FEED, at);
    const next = end === -1 ? input.length : end + 1;
    lines.push(input.subarray(at, next));
    at = next;
  }
  return lines;
}

/** The places of the input's words, without blanks and line ends. */
function wordsOf(input: Buffer): [at: number, length: number][] {
  return [...input.toString('latin1').matchAll(/[^ \r\n]+/g)].map(({ 0: word, index }) => [index, word.length]);
}

const mutations: readonly Mutation[] = [
  (random, input) => {
    const changed = Buffer.from(input);
    if (changed.length > 0) changed[random.int(changed.length)] ^= 1 << random.int(8);
    return changed;
  },
  (random, input) => {
    const changed = Buffer.from(input);
    const byte = random.pick([0, 1, 0x7f, 0x80, 0xff, random.int(256)]);
    if (changed.length > 0) changed[random.int(changed.length)] = byte;
    return changed;
  },
  (random, input) => splice(input, ...part(random, input), ''),
  (random, input) => {
    const [at, length] = part(random, input);
    return splice(input, random.int(input.length + 1), 0, input.subarray(at, at + length));
  },
  (random, input, _, words) => splice(input, random.int(input.length + 1), 0, random.pick(words)),
  (random, input, _, words) => splice(input, ...part(random, input, 8), random.pick(words)),
  (random, input, other) => {
    const [at, length] = part(random, other, 200);
    return splice(input, ...part(random, input), other.subarray(at, at + length));
  },
  (random, input, other) => random.chance(0.5) ? Buffer.concat([input, other]) : Buffer.concat([other, input]),
  (random, input) => {
    const lines = linesOf(input);
    random.shuffle(lines);
    return Buffer.concat(random.chance(0.5) ? lines : lines.slice(1));
  },
  (random, input, _, words) => {
    const found = wordsOf(input);
    return found.length === 0 ? input : splice(input, ...random.pick(found), random.pick(words));
  },
  (random, input, _, words) => {
    const found = wordsOf(input);
    if (found.length === 0) return input;
    const [at, length] = random.pick(found);
    return splice(input, at + length, 0, ` ${random.pick(words)}`);
  },
];

/** A new input made of `input`, and perhaps of `other`. */
export function mutate(random: Random, input: Buffer, other: Buffer, words: readonly string[]): Buffer {
  let made = input;
  for (let times = 1 + random.int(4); times > 0; times--) made = random.pick(mutations)(random, made, other, words);
  return made.subarray(0, INPUT_MAX_BYTES);
}

/** The input in pieces, cut at random places, `most` of them at most. */
export function cut(random: Random, input: Buffer, most: number): Buffer[] {
  const places = Array.from({ length: random.int(most + 1) }, () => random.int(input.length + 1)).sort((a, b) => a - b);
  const pieces = [0, ...places].map((from, i) => input.subarray(from, places.at(i) ?? input.length));
  return pieces.filter(({ length }) => length > 0);
}
