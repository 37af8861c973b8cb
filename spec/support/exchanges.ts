// Requests to a memcached 1.6 with their replies. A reply does not mark its end, and some requests have none, so a
// numbered question with a unique answer follows each request.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Random } from '../../reactor/sim';
import type { Replies } from './replies';
import { root } from './server';

export interface Exchange {
  /** One byte per character; afterwards the server expects a command. */
  sends: string;
  /** All that comes; ends in CLOSED if the server closes the connection. */
  receives: string;
}

export const CLOSED = '<closed>';

/** Dumps: no command may follow before their last line. */
const DUMP = /^lru_crawler (metadump|mgdump) /;

function question(number: number): string {
  return `mg z k O${number}\r\n`;
}

function answer(number: number): string {
  return `EN kz O${number}\r\n`;
}

/** Sends each request after the last answer, on a new connection if the server has closed one. */
export async function inLockstep(requests: readonly string[], connect: () => Promise<Replies>): Promise<Exchange[]> {
  let connection = await connect();
  const exchanges: Exchange[] = [];
  // The first byte of a connection tells text from binary.
  await connection.ask(question(0), answer(0));
  for (const [i, sends] of requests.entries()) {
    try {
      // A question would end a text that is too long for a line, making it a line; and nothing may follow a dump.
      const alone = sends.endsWith('\n') ? DUMP.test(sends) : true;
      const dump = alone ? await connection.ask(sends, 'END\r\n') : '';
      const reply = await connection.ask((alone ? '' : sends) + question(i), answer(i));
      exchanges.push({ sends, receives: dump + reply.slice(0, -answer(i).length) });
    } catch {
      exchanges.push({ sends, receives: (await connection.closed()) + CLOSED });
      connection = await connect();
    }
  }
  return exchanges;
}

/** All requests at once; none may end the connection. `send` gets all the bytes. */
export async function atOnce(
  requests: readonly string[], connection: Replies, send: (bytes: string) => void | Promise<void>,
): Promise<Exchange[]> {
  const bytes = requests.map((request, i) => request + question(i)).join('');
  const taken = connection.ask('', answer(requests.length - 1));
  await send(question(0) + bytes);
  let rest = (await taken).slice(answer(0).length);
  return requests.map((sends, i) => {
    const end = rest.indexOf(answer(i));
    const receives = rest.slice(0, end);
    rest = rest.slice(end + answer(i).length);
    return { sends, receives };
  });
}

/** A text for a file: longer runs of one character as [character, length]. */
export type Packed = (string | [character: string, length: number])[];

export interface PackedExchange {
  sends: Packed;
  receives: Packed;
}

export function packed(text: string): Packed {
  return text.split(/((.)\2{50,})/s).flatMap((part, i): Packed => {
    // split gives each run twice: the run, and its character.
    if (i % 3 === 2 || part === '') return [];
    return i % 3 === 1 ? [[part[0], part.length]] : [part];
  });
}

export function unpacked(parts: Packed): string {
  return parts.map((part) => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('');
}

/** The conversations in a file of spec/1.6. */
export function recordedConversations(name: string): Exchange[][] {
  const recorded = JSON.parse(readFileSync(join(root, 'spec', '1.6', name), 'utf8')) as
    (PackedExchange & { conversation: number })[];
  const conversations: Exchange[][] = [];
  for (const { conversation, sends, receives } of recorded) {
    (conversations[conversation - 1] ??= []).push({ sends: unpacked(sends), receives: unpacked(receives) });
  }
  return conversations;
}

/** `text` in pieces of any length. */
export function pieces(random: Random, text: string): string[] {
  const cuts = Array.from({ length: 60 }, () => random.int(text.length + 1)).sort((a, b) => a - b);
  return [0, ...cuts].map((from, i) => text.slice(from, cuts[i])).filter((piece) => piece !== '');
}

/** Times are in whole tens, of which a second or two may have passed. */
const TEN = 10;
const MONTH = 60 * 60 * 24 * 30;

/**
 * Exchanges without figures of the run or the build: the version, the time of day, the size of an item's header. cas
 * numbers are replaced by their order of appearance.
 */
export function masked(exchanges: readonly Exchange[]): Exchange[] {
  const seen = new Map<string, number>();
  const cas = (number: string): string => {
    const name = seen.get(number) ?? seen.size + 1;
    seen.set(number, name);
    return `#${name}`;
  };
  return exchanges.map(({ sends, receives }) => ({ sends, receives: maskedReply(receives, cas) }));
}

function maskedReply(reply: string, cas: (number: string) => string): string {
  return reply
    // A slip of 1.6.45: the line end of a withdrawn reply stays.
    .replace(/^(CLIENT_ERROR bad command line format\r\n)\r\n$/, '$1')
    .replace(/^VERSION \S+/gm, 'VERSION #')
    .replace(/^(VALUE \S+ \d+ \d+) (\d+)/gm, (_, head: string, number: string) => `${head} ${cas(number)}`)
    .replace(/^(HD|VA|EN|NF|EX|NS|ME) .*/gm, (line) => line
      .replace(/ (t|exp=)(\d+)/g, (_, name: string, time: string) => ` ${name}${seconds(Number(time))}`)
      .replace(/ (c|cas=)(\d+)/g, (_, name: string, number: string) => ` ${name}${cas(number)}`)
      .replace(/ l\d+/g, ' l#')
      .replace(/ la=\d+ /, ' la=# ')
      .replace(/ cls=\d+ size=\d+/, ' cls=# size=#'));
}

function seconds(time: number): string {
  return time > 2 * MONTH ? '#' : String(Math.ceil(time / TEN) * TEN);
}

/** Only the exchanges that differ, for a readable message. */
export function differences(actual: readonly Exchange[], expected: readonly Exchange[]): object[] {
  return expected.flatMap(({ sends, receives }, i) => {
    const other = actual.at(i)?.receives ?? 'nothing';
    return other === receives ? [] : [{ at: i, sends: short(sends), expected: short(receives), actual: short(other) }];
  });
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 100)}...${text.slice(-100)}` : text;
}
