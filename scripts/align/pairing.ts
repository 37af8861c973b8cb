// Pairs the statements of a C function with those of its port: in order, each once, and only those that are alike.
import type { Statement } from './statements';
import type { Language, Words } from './words';
import { isTelling, wordsOf } from './words';

/** From this likeness on, 0 to 1, two statements are counterparts wherever they stand. */
const ALIKE = 0.6;
/** The same for statements that begin alike at the same place: the same variable gets another value. */
const ALIKE_IN_PLACE = 0.4;
/** From this likeness of their bodies on, two heads at the same place are counterparts, whatever their conditions. */
const BODY_ALIKE = 0.8;
const BODY_TELLING = 5;
/** Statements below ALIKE, or at different places, need this many telling words in common. */
const TELLING = 2;

interface Entry {
  words: Words;
  /** How often each word occurs in the statements under this head. */
  body: Map<string, number>;
  /** Index of the head that it is under. */
  parent: number | null;
}

/** Indices of statements: `c` and `ts` are counterparts. */
export interface Pairing {
  c: number;
  ts: number;
}

export function pairStatements(c: readonly Statement[], ts: readonly Statement[]): Pairing[] {
  const inC = entries(c, 'c');
  const inTs = entries(ts, 'ts');
  const weights = weigh(inC, inTs);
  const sizes = [inC, inTs].map((side) => side.map(({ words }) => weightOf(words.counts, weights)));
  const likeness = inC.map(({ words: a }, i) => inTs.map(({ words: b }, j) =>
    dice(commonWeight(a.counts, b.counts, weights), sizes[0][i] + sizes[1][j])));

  /** How alike the places of two statements are, from the innermost head outwards. */
  const placeLikeness = (a: number | null, b: number | null): number =>
    a === null || b === null ? Number(a === b) : (likeness[a][b] + placeLikeness(inC[a].parent, inTs[b].parent)) / 2;
  const bodiesAlike = ({ body: a }: Entry, { body: b }: Entry): boolean => commonTelling(a, b) >= BODY_TELLING
    && dice(commonWeight(a, b, weights), weightOf(a, weights) + weightOf(b, weights)) >= BODY_ALIKE;
  const alikeInPlace = (i: number, j: number): boolean => {
    const [a, b] = [inC[i].words, inTs[j].words];
    const beginAlike = a.start === b.start && commonTelling(a.counts, b.counts) >= TELLING;
    return (beginAlike && likeness[i][j] >= ALIKE_IN_PLACE) || bodiesAlike(inC[i], inTs[j]);
  };
  const gain = (i: number, j: number): number => {
    if (inC[i].words.head !== inTs[j].words.head) return 0;
    if (likeness[i][j] < ALIKE && !alikeInPlace(i, j)) return 0;
    const alike = Math.max(likeness[i][j], ALIKE_IN_PLACE);
    return alike * (sizes[0][i] + sizes[1][j]) * (1 + placeLikeness(inC[i].parent, inTs[j].parent));
  };
  const anywhere = ({ c: i, ts: j }: Pairing): boolean =>
    likeness[i][j] >= ALIKE && commonTelling(inC[i].words.counts, inTs[j].words.counts) >= TELLING;

  // Two `break`s are counterparts only if they end the same loop or switch.
  const counterpart = new Map<number | null, number | null>([[null, null]]);
  return bestInOrder(inC.length, inTs.length, gain).filter((pair) => {
    const samePlace = counterpart.get(inC[pair.c].parent) === inTs[pair.ts].parent;
    if (!samePlace && !anywhere(pair)) return false;
    counterpart.set(pair.c, pair.ts);
    return true;
  });
}

function entries(statements: readonly Statement[], language: Language): Entry[] {
  const indices = new Map(statements.map((statement, i) => [statement, i]));
  const found = statements.map(({ lexemes, parent }): Entry => ({
    words: wordsOf(lexemes, language),
    body: new Map(),
    parent: parent === null ? null : indices.get(parent) ?? null,
  }));
  // A head comes before the statements under it.
  for (const { words, body, parent } of found.toReversed()) {
    if (parent === null) continue;
    const outer = found[parent].body;
    for (const [word, count] of [...words.counts, ...body]) outer.set(word, (outer.get(word) ?? 0) + count);
  }
  return found;
}

function dice(common: number, sum: number): number {
  return sum === 0 ? 0 : (2 * common) / sum;
}

function weightOf(words: ReadonlyMap<string, number>, weights: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [word, count] of words) sum += count * (weights.get(word) ?? 1);
  return sum;
}

function commonWeight(
  a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>, weights: ReadonlyMap<string, number>,
): number {
  let sum = 0;
  for (const [word, count] of a) sum += Math.min(count, b.get(word) ?? 0) * (weights.get(word) ?? 1);
  return sum;
}

function commonTelling(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): number {
  return [...a.keys()].filter((word) => b.has(word) && isTelling(word)).length;
}

/** The more statements of the function have a word, the less it weighs. */
function weigh(c: readonly Entry[], ts: readonly Entry[]): Map<string, number> {
  const [inC, inTs] = [c, ts].map((side) => {
    const holders = new Map<string, number>();
    for (const { words } of side) {
      for (const word of words.counts.keys()) holders.set(word, (holders.get(word) ?? 0) + 1);
    }
    return holders;
  });
  return new Map([...inC.keys(), ...inTs.keys()].map((word) => {
    const most = Math.max(inC.get(word) ?? 0, inTs.get(word) ?? 0);
    return [word, (/^\w/.test(word) ? 1 : 0.5) / (1 + Math.log2(most))];
  }));
}

/** The pairs, in order on both sides, whose gains have the greatest sum. */
function bestInOrder(c: number, ts: number, gain: (i: number, j: number) => number): Pairing[] {
  const width = ts + 1;
  const gains = new Float64Array((c + 1) * width);
  // best[i * width + j] is the sum for the statements from i and j on.
  const best = new Float64Array((c + 1) * width);
  for (let i = c - 1; i >= 0; i--) {
    for (let j = ts - 1; j >= 0; j--) {
      const at = i * width + j;
      gains[at] = gain(i, j);
      best[at] = Math.max(best[at + width], best[at + 1], gains[at] > 0 ? gains[at] + best[at + width + 1] : 0);
    }
  }
  const pairs: Pairing[] = [];
  let i = 0;
  let j = 0;
  while (i < c && j < ts) {
    const at = i * width + j;
    if (gains[at] > 0 && best[at] === gains[at] + best[at + width + 1]) {
      pairs.push({ c: i++, ts: j++ });
    } else if (best[at] === best[at + width]) {
      i++;
    } else {
      j++;
    }
  }
  return pairs;
}
