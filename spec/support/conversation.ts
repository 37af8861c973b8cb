// Random conversations: mostly sense, some nonsense, with a model's answers.
import type { Random } from '../../reactor/sim';
import { Model } from './model';

export interface Conversation {
  /** What the client sends, down to its quit. */
  sends: string;
  /** What the server answers before it closes the connection. */
  receives: string;
}

/** Lines other than `get ` must be shorter than 1,024 bytes, even with leftovers of a bad line before them. */
const SHORT_BYTES = 300;

const KEYS = ['a', 'b', 'c', 'key', 'a-longer-key', 'n', 'm', 'k'.repeat(249), 'k'.repeat(250), 'k'.repeat(251), 'k'.repeat(256)];
const NUMBERS = [
  '0', '1', '7', '65535', '65536', '4294967295', '4294967296', '99999999999', '-1', '+5', '2147483647', '2147483648', '08',
  '1x', 'x', '',
];
const EXPIRIES = ['0', '0', '0', '0', '0', '2147483647', '1', '2147483648', '-1'];
const VALUES = ['0', '9', '10', '99', '4294967295', '4294967296', ' 12', '12 ', '   ', '-5', '+7', 'abc', '12abc', '\0', '', '\t\n3'];
/**
 * The last ones fill the largest chunk, or are one byte too large for it (with a key of one to four bytes).
 */
const LENGTHS = [0, 1, 2, 9, 14, 15, 16, 100, 1990, 2048, 4000, 20000];
const HUGE = [600000, 1048576 - 48 - 4 - 2, 1048576 - 48 - 4 - 1, 1048576 - 48 - 8, 1048576];

/** `length` commands, some of them invalid. */
export function converse(random: Random, length: number): Conversation {
  const model = new Model();
  const conversation: Conversation = { sends: '', receives: '' };
  const say = (bytes: string): void => {
    conversation.sends += bytes;
    conversation.receives += model.feed(bytes);
  };
  // One command, at a random place, is huge.
  const huge = random.int(length);
  for (let i = 0; i < length; i++) {
    if (i !== huge) {
      const bytes = command(random);
      // A command whose data are a byte short would take the first byte of this, and leave a line of thousands.
      if (bytes.length > 1000 && model.missing > 0) settle(model, say);
      say(bytes);
    } else {
      settle(model, say);
      say(storage(random, random.pick(HUGE), 0));
      say(`get ${Array.from({ length: 40 }, () => random.pick(KEYS.slice(0, 9))).join(' ')}\r\n`);
    }
  }
  settle(model, say);
  say('stats\r\nstats slabs\r\nstats items\r\nstats sizes\r\nquit\r\n');
  return conversation;
}

/** Brings the model, and so the server, to the state in which it expects a command. */
function settle(model: Model, say: (bytes: string) => void): void {
  while (model.missing > 0) say('-'.repeat(model.missing));
  say('\n');
}

function command(random: Random): string {
  const key = random.pick(KEYS);
  const end = random.pick(['\r\n', '\r\n', '\r\n', '\n', ' \r\n', ' and more\r\n', '\0ignored\r\n']);
  switch (random.int(12)) {
    case 0: case 1: case 2:
      return storage(
        random, random.chance(0.5) ? -1 : random.pick(LENGTHS), random.chance(0.95) ? 0 : 1 - random.int(4),
      );
    case 3: case 4:
      return `incr ${key} ${random.pick(NUMBERS)}${end}`;
    case 5:
      return `decr ${key} ${random.pick(NUMBERS)}${end}`;
    case 6: case 7: case 8:
      return `get ${Array.from({ length: random.int(4) }, () => random.pick(KEYS.slice(0, 7))).join(' ')}${end}`;
    case 9:
      return `${random.pick(['delete', 'get'])} ${key}${end}`;
    case 10: {
      const what = ['', ' slabs', ' items', ' sizes', ' cachedump', ` cachedump ${6 + random.int(30)} ${random.int(4)}`, ' reset', 's'];
      return `stats${random.pick(what)}${end}`;
    }
    default:
      return random.chance(0.5) ? `${noise(random, random.int(SHORT_BYTES))}\n` : `${random.pick(['version', 'GET a', 'set a', 'add', ''])}${end}`;
  }
}

/** A set, add or replace of `length` bytes, or of a listed value if negative; its length word is `off` too large. */
function storage(random: Random, length: number, off: number): string {
  const value = length < 0 ? random.pick(VALUES) : noise(random, off === 0 ? length : Math.min(length, SHORT_BYTES));
  const name = random.pick(['set', 'set', 'add', 'replace']);
  // If a refused line has an unreadable length, the server takes its data for a line; a long one ends the connection.
  const long = value.length > 1000;
  const key = random.pick(long ? KEYS.slice(0, 7) : KEYS);
  const [flags, expiry] = long ? ['0', '0'] : [random.pick(NUMBERS), random.pick(random.chance(0.1) ? NUMBERS : EXPIRIES)];
  const words = [key, flags, expiry, value.length + off].join(random.pick([' ', ' ', ' ', '  ', '\t', ' \v\f']));
  return `${name} ${words}\r\n${value}\r\n`;
}

/** Random bytes; a long text repeats a single byte. */
function noise(random: Random, length: number): string {
  if (length > SHORT_BYTES) return String.fromCharCode(random.int(256)).repeat(length);
  return Array.from({ length }, () => String.fromCharCode(random.int(256))).join('');
}
