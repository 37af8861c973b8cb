// Random commands for memcached 1.6, and their possible replies. All values of a key repeat one character, so that a
// value shows its key.
import type { Random } from '../../reactor/sim';

/** The key of each letter. */
const TEXT_KEYS = Array.from('abcdefgh').map((letter, i) => letter.repeat(i === 7 ? 250 : 1 + i * 5));
/** Keys of any bytes, in base64. */
const BINARY_KEYS = Array.from('ijk').map((letter) => Buffer.from(`${letter}\0\x80 \n`, 'latin1').toString('base64'));

function letterOf(key: string): string {
  return BINARY_KEYS.includes(key) ? Buffer.from(key, 'base64').toString('latin1', 0, 1) : key.slice(0, 1);
}

function size(random: Random): number {
  const kind = random.int(100);
  if (kind < 30) return random.int(30);
  if (kind < 60) return random.int(3000);
  if (kind < 95) return random.int(50_000);
  return random.pick([300_000, 530_000, 700_000, 1_100_000]);
}

/** A value of the key, with \r\n, or now and then with a wrong end. */
function data(random: Random, key: string, length: number): string {
  return letterOf(key).repeat(length) + (random.chance(0.03) ? random.pick(['\n', 'x\r\n', '']) : '\r\n');
}

function noreply(random: Random): string {
  return random.chance(0.2) ? ' noreply' : '';
}

function flags(random: Random, choice: string): string {
  const chosen = Array.from(choice).filter(() => random.chance(0.3));
  random.shuffle(chosen);
  return chosen.map((flag) => {
    switch (flag) {
      case 'O': return ` O${'o'.repeat(random.int(33))}`;
      case 'T': case 'N': case 'R': return ` ${flag}${random.int(40)}`;
      case 'C': case 'E': return ` ${flag}${random.int(20)}`;
      case 'I': case 'q': case 'x': return random.chance(0.3) ? ` ${flag}` : '';
      default: return ` ${flag}`;
    }
  }).join('');
}

function keys(random: Random, most: number): string {
  return Array.from({ length: 1 + random.int(most) }, () => random.pick(TEXT_KEYS)).join(' ');
}

type Command = (random: Random) => string;

function update(random: Random): string {
  const key = random.pick(TEXT_KEYS), length = size(random);
  const command = random.pick(['set', 'set', 'set', 'add', 'replace', 'append', 'prepend', 'cas']);
  const cas = command === 'cas' ? ` ${random.int(50)}` : '';
  return `${command} ${key} ${random.pick([0, 7, 4294967295])} ${random.pick([0, 0, 2, -1])} ${length}${cas}` +
    `${noreply(random)}\r\n${data(random, key, length)}`;
}

function metaKey(random: Random): [key: string, b: string] {
  return random.chance(0.3) ? [random.pick(BINARY_KEYS), ' b'] : [random.pick(TEXT_KEYS), ''];
}

function metaSet(random: Random): string {
  const [key, b] = metaKey(random), length = size(random);
  const mode = random.chance(0.5) ? ` M${random.pick(Array.from('SEAPRZ'))}` : '';
  return `ms ${key} ${length}${b}${mode}${flags(random, 'OkcsTCEIqN')}\r\n${data(random, key, length)}`;
}

function number(random: Random): string {
  const key = random.pick(['1', '2']);
  return random.pick([
    `set ${key} 0 0 2\r\n11\r\n`, `incr ${key} 0${noreply(random)}\r\n`, `decr ${key} 0\r\n`,
    `ma ${key} D0${flags(random, 'ktcqOTN')}\r\n`, `incr ${random.pick(TEXT_KEYS)} 5\r\n`,
  ]);
}

const COMMANDS: readonly Command[] = [
  update, update, update, metaSet, metaSet, number,
  (random) => `${random.pick(['get', 'gets'])} ${keys(random, 12)}\r\n`,
  (random) => `${random.pick(['get', 'gets'])} ${keys(random, 12)}\r\n`,
  (random) => `${random.pick(['gat', 'gats'])} ${random.int(3)} ${keys(random, 4)}\r\n`,
  (random) => {
    const [key, b] = metaKey(random);
    return `mg ${key} k v${b}${flags(random, 'stcflhOqTNR')}\r\n`;
  },
  (random) => {
    const [key, b] = metaKey(random);
    return `md ${key}${b}${flags(random, 'OkqxTICE')}\r\n`;
  },
  (random) => `me ${random.pick(TEXT_KEYS)}\r\nmn\r\n`,
  (random) => `delete ${random.pick(TEXT_KEYS)}${noreply(random)}\r\n`,
  (random) => `touch ${random.pick(TEXT_KEYS)} ${random.int(3)}${noreply(random)}\r\n`,
  (random) => random.pick([
    `get ${'nothing '.repeat(4200)}${keys(random, 5)}\r\n`,
    `gets ${keys(random, 40)} ${'n '.repeat(17_000)}${keys(random, 40)}\r\n`,
    `get ${'n '.repeat(17_000)}${'k'.repeat(251)}\r\n`,
    ` get ${'n '.repeat(20_000)}`, 'x'.repeat(2100),
  ]),
  (random) => random.pick([
    'lru_crawler metadump all\r\n', 'lru_crawler mgdump hash\r\n', 'lru_crawler crawl all\r\n', 'stats\r\n',
    'stats items\r\n', 'stats slabs\r\n', 'stats conns\r\n', 'stats settings\r\n', 'stats cachedump 1 0\r\n',
    'stats detail on\r\n', 'stats detail dump\r\n', 'stats detail off\r\n', 'stats reset\r\n', 'version\r\n',
  ]),
  (random) => random.pick([
    'flush_all\r\n', 'flush_all 1\r\n', 'lru mode flat\r\n', 'lru mode segmented\r\n', 'bogus\r\n', '\r\n', 'get\r\n',
    `get a ${'k'.repeat(251)}\r\n`, `set ${'k'.repeat(251)} 0 0 20\r\n${'z'.repeat(20)}\r\n`, 'set a x 0 5\r\nzzzzz\r\n',
    'GET / HTTP/1.1\r\n', 'quit\r\n', '\x80\r\n', 'mg a a\r\n', 'mg a v v\r\n',
    'ms a 3 O123456789012345678901234567890123\r\naaa\r\n',
  ]),
];

/** Some commands, concatenated. */
export function storm(random: Random): string {
  return Array.from({ length: 1 + random.int(4) }, () => random.pick(COMMANDS)(random)).join('');
}

const LINE = new RegExp('^(' + [
  'STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|TOUCHED|END|OK|RESET|ERROR|VERSION .*|ERROR .*|\\d+',
  'CLIENT_ERROR .*|SERVER_ERROR .*|BUSY .*|STAT .*|PREFIX .*|ITEM .*|key=.* ',
  'MN|EN|ME .*|mg .*|(HD|NF|NS|EX|EN)( .*)?',
].join('|') + ')$');

/** The first part of a stream of replies, which may be cut off, that no command of the storm can get; or null. */
export function unexpected(replies: string): string | null {
  let at = 0;
  for (;;) {
    const newline = replies.indexOf('\n', at);
    if (newline === -1) return null;
    const line = replies.slice(at, newline).replace(/\r$/, '');
    at = newline + 1;
    const value = /^VALUE (\S+) \d+ (\d+)( \d+)?$/.exec(line) ?? /^VA (\d+)(?: .*)? k(\S+)/.exec(line);
    if (value === null) {
      if (/^VA \d+/.test(line)) return line;
      if (!LINE.test(line)) return line;
      continue;
    }
    const [key, length] = line.startsWith('VALUE') ? [value[1], value[2]] : [value[2], value[1]];
    const end = at + Number(length);
    const letter = letterOf(key);
    const body = replies.slice(at, end);
    if (body !== letter.repeat(body.length)) return `${line}: ${body.slice(0, 100)}`;
    if (end + 2 > replies.length) return null;
    if (replies.slice(end, end + 2) !== '\r\n') return `${line}: no end`;
    at = end + 2;
  }
}
