// The targets: a server for each protocol, with the material for inputs and a check of the replies.
import { BINARY_SEEDS, BINARY_WORDS, CLASSIC_SEEDS, META_SEEDS, TEXT_SEEDS, WORDS, datagram } from './seeds';
import { wrongBinary, wrongDatagrams, wrongText } from './replies';

export interface Target {
  name: string;
  /** Whether it is memcached 1.6; else 1.0.4. */
  today: boolean;
  economy: boolean;
  args: readonly string[];
  /** Whether an input is a series of datagrams, each with its length before it in one byte. */
  datagrams: boolean;
  /** The first inputs, and words to put into inputs, as latin1. */
  seeds: readonly string[];
  words: readonly string[];
  /** The error in the replies to these pieces; null if there is none. */
  wrongReply: (pieces: readonly Buffer[], replies: readonly Buffer[]) => string | null;
}

const ARGS = ['-m', '4', '-u', 'root'];

function textIsWrong(_: readonly Buffer[], replies: readonly Buffer[]): string | null {
  return wrongText(Buffer.concat(replies));
}

const tcp = { today: true, economy: true, args: ARGS, datagrams: false };

export const targets: readonly Target[] = [
  { ...tcp, name: 'text', seeds: TEXT_SEEDS, words: WORDS, wrongReply: textIsWrong },
  { ...tcp, name: 'meta', seeds: META_SEEDS, words: WORDS, wrongReply: textIsWrong },
  {
    ...tcp, name: 'binary', seeds: BINARY_SEEDS, words: BINARY_WORDS,
    wrongReply: (pieces, replies) => wrongBinary(Buffer.concat(pieces), Buffer.concat(replies)),
  },
  {
    ...tcp, name: 'classic', today: false, economy: false, args: ['-m', '4'], seeds: CLASSIC_SEEDS, words: WORDS,
    wrongReply: textIsWrong,
  },
  {
    ...tcp, name: 'udp', args: [...ARGS, '-U', '11211'], datagrams: true,
    seeds: [...TEXT_SEEDS, ...META_SEEDS, ...BINARY_SEEDS].map((seed) => datagram(seed)),
    words: [...WORDS, ...BINARY_WORDS], wrongReply: wrongDatagrams,
  },
];

/** The pieces to send one by one: the whole input, or its datagrams. */
export function piecesOf(target: Target, input: Buffer): Buffer[] {
  if (!target.datagrams) return [input];
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length; at += 1 + input[at]) pieces.push(input.subarray(at + 1, at + 1 + input[at]));
  return pieces;
}
