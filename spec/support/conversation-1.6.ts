// Random conversations with a memcached 1.6, in text and meta commands: mostly sense, some nonsense.
import type { Random } from '../../reactor/sim';

const KEYS = ['a', 'b', 'c', 'n', 'm', 'key', 'a-longer-key', 'caf\u00e9', 'k'.repeat(249), 'k'.repeat(250)];
const TOO_LONG = 'k'.repeat(251);
/** Keys for the flag b: some that no text key can be, and some that are invalid. */
const BASE64_KEYS = ['IA0KAA==', '/w==', 'AAE=', 'YQ', '=', '!!!', 'IA==IA=='];
/** None is blank: in a blank one 1.6.45 looks for the number in the memory behind it. */
const VALUES = [
  '0', '9', '10', '99', '100', '18446744073709551615', '18446744073709551616', '18446744073709551610', ' 12', '12 ',
  '-5', '+7', 'abc', '12abc', 'a\0b', '', '\t\n3', 'x'.repeat(30), 'END\r\n', '1'.repeat(21),
];
const NUMBERS = [
  '0', '1', '7', '9', '65536', '4294967295', '4294967296', '18446744073709551615', '18446744073709551616', '-1', '+5',
  '2147483647', '2147483648', '08', '1x', 'x', '-', '99999999999999999999999', '0x10', '1.5',
];
const FLAGS = ['0', '0', '0', '5', '65535', '4294967295', '4294967296', '-1', 'x', '+1', '1x'];
/** None ends within a test, and all are whole tens, so that a second more or less does not show. */
const EXPIRIES = ['0', '0', '0', '0', '100', '1000', '-1', '2592000', '2592001', '2147483640', '4294967296', 'x', '+100', '100x'];
const LENGTHS = [100, 500, 1000, 2040, 3000, 16300, 16400, 70000];
/** Few numbers for the flags E and C, and for cas, so that some match; larger than a server's own. */
const CAS = ['7777777', '8888888'];
const ENDS = ['\r\n', '\r\n', '\r\n', '\r\n', '\n', ' \r\n', ' noreply\r\n', ' and more\r\n', '\0\r\n', '\r\r\n'];

/**
 * Requests that ours handles differently on purpose, or 1.6.45 by a slip: delete takes no second word; me ignores a b
 * that comes last; an item that mg or ma vivifies, that md empties, or that a delta or an append makes longer is not
 * base64 afterwards, and a number that ma makes longer keeps its expiry; gets with noreply and too long a key answers
 * an empty line; the word of stats ends at a NUL; if ms is refused late, the next set gets its E number.
 */
const SLIPS = [
  /^delete and/, /^me \S+ b *\r?\n/, /^mg .* b .*N|^mg .*N.* b /, /^ma .* [bT]/, /^md .* b .*x|^md .*x.* b /,
  /^ms .* b .*M[AP]|^ms .*M[AP].* b /, /^gets? .*k{251}.* noreply/, /^stats.*\0/,
  /^ms .*(E.* O.{32}|O.{32}.* E)/,
];

/** `length` requests. Each ends where the server expects a command, with a line's end. */
export function converse(random: Random, length: number): string[] {
  const requests: string[] = [];
  while (requests.length < length) {
    const next = request(random);
    if (!SLIPS.some((slip) => slip.test(next))) requests.push(next);
  }
  return requests;
}

function request(random: Random): string {
  const end = random.chance(0.7) ? '\r\n' : random.pick(ENDS);
  switch (random.int(20)) {
    case 0: case 1: case 2: case 3:
      return storage(random);
    case 4: case 5:
      return metaSet(random);
    case 6: case 7:
      return `mg ${metaKey(random)}${flags(random, 'bcfhklqstuvxNRTEOMIzv')}${end}`;
    case 8:
      return `md ${metaKey(random)}${flags(random, 'bqkOCEITxvs')}${end}`;
    case 9: case 10:
      return `ma ${metaKey(random)}${flags(random, 'bNJDTMqtcvkOCE')}${end}`;
    case 11: case 12: case 13:
      return `${random.pick(['get', 'gets'])}${keys(random)}${end}`;
    case 14:
      return `${random.pick(['gat', 'gats'])} ${random.pick(EXPIRIES)}${keys(random)}${end}`;
    case 15: case 16:
      return `${random.pick(['incr', 'decr'])} ${key(random)} ${random.pick(NUMBERS)}${end}`;
    case 17:
      return random.chance(0.5) ? `touch ${key(random)} ${random.pick(EXPIRIES)}${end}` : `delete ${key(random)}${random.pick(['\r\n', ' 0\r\n', ' noreply\r\n'])}`;
    case 18:
      return `${random.pick(['me', 'me', 'mn', 'mx'])} ${metaKey(random)}${random.pick(['', '', ' b', ' b x', ' v'])}${end}`;
    default:
      return random.chance(0.4) ? `${noise(random, random.int(100))}\n` : `${random.pick(ODDITIES)}${end}`;
  }
}

const ODDITIES = [
  'version', 'GET a', ' get a', 'get', 'gets', 'gat', 'gat 0', 'set a', 'set a 0 0', 'add', 'incr', 'incr n', 'decr',
  'touch', 'touch a', 'delete', '', 'a', 'ab', 'mg', 'ms', 'ms a', 'md', 'ma', 'me', 'mn', 'verbosity', 'verbosity x',
  'verbosity 0', 'stats foo', 'stats cachedump', 'stats cachedump 300 0', 'shutdown', 'cache_memlimit',
  'cache_memlimit 1', 'cache_memlimit x', 'slabs', 'slabs reassign', 'slabs automove x', 'slabs automove 3', 'lru', 'lru mode', 'lru mode x',
  'lru tune', 'lru_crawler', 'lru_crawler sleep', 'lru_crawler sleep 2000000', 'lru_crawler x', 'flush_all x', 'misc', 'mgx a',
  'getx a', 'setx a 0 0 1', 'gets\ta', 'get\0a', 'stats reset',
];

function key(random: Random): string {
  return random.chance(0.03) ? TOO_LONG : random.pick(KEYS);
}

function keys(random: Random): string {
  return Array.from({ length: random.int(4) }, () => `${random.chance(0.05) ? '  ' : ' '}${key(random)}`).join('');
}

function metaKey(random: Random): string {
  return random.chance(0.2) ? random.pick(BASE64_KEYS) : key(random);
}

/** A few of the flags in `known`, with arguments if they take one; now and then a flag twice, or an unknown one. */
function flags(random: Random, known: string): string {
  if (random.chance(0.02)) return ` ${Array.from({ length: 22 }, (_, i) => String.fromCharCode(97 + i)).join(' ')}`;
  const chosen = new Set(Array.from({ length: random.int(6) }, () => known[random.int(known.length)]));
  const words = [...chosen].map((flag) => flag + argument(random, flag));
  if (random.chance(0.03)) words.push(random.pick(['v', 'k', 'z', '1', '\u00e9', 'O']));
  return words.map((word) => ` ${word}`).join('');
}

function argument(random: Random, flag: string): string {
  if (random.chance(0.03)) return random.pick(['', 'x', '-1', '1x', '0']);
  switch (flag) {
    case 'T': case 'N':
      return random.pick(['0', '100', '1000', '-1', '2592000']);
    case 'R':
      return random.pick(['50', '500', '2000']);
    case 'E': case 'C':
      return random.pick(CAS);
    case 'O':
      return random.pick(['1', 'opaque', '', 'o'.repeat(31), 'o'.repeat(32)]);
    case 'J': case 'D':
      return random.pick(NUMBERS);
    case 'F':
      return random.pick(FLAGS);
    case 'M':
      return random.pick(['S', 'E', 'A', 'P', 'R', 'I', 'D', '+', '-', 'e', 's', 'X', '', 'set']);
    default:
      return '';
  }
}

function value(random: Random): string {
  if (random.chance(0.8)) return random.pick(VALUES);
  return String.fromCharCode(33 + random.int(223)).repeat(random.pick(LENGTHS));
}

function storage(random: Random): string {
  const name = random.pick(['set', 'set', 'set', 'add', 'replace', 'append', 'prepend', 'cas']);
  const data = value(random);
  const length = announced(random, data);
  const words = [name, key(random), random.pick(FLAGS), random.pick(EXPIRIES), length];
  if (name === 'cas' && random.chance(0.95)) words.push(random.pick([...CAS, '0', 'x', '18446744073709551616']));
  if (random.chance(0.1)) words.push('noreply');
  if (random.chance(0.05)) words.push('junk');
  return block(random, words.join(random.chance(0.05) ? '  ' : ' '), length, data);
}

function metaSet(random: Random): string {
  const data = value(random);
  // No invalid flag: after it the server takes the data, which may be long, for a line.
  const words = flags(random, 'bcCEFIkOqsTMvN').replace(' \u00e9', '');
  const length = words.includes(' E') ? String(data.length) : announced(random, data);
  return block(random, `ms ${metaKey(random)} ${length}${words}`, length, data);
}

/** Mostly the length of the data. After an invalid length the server takes the data for lines, so these are short. */
function announced(random: Random, data: string): string {
  if (random.chance(0.93)) return String(data.length);
  const { length } = data;
  const wrong = [length + 1, length + 2, Math.max(length - 1, 0), ...(length < 1000 ? [-1, 'x', '2147483647', 'S2'] : [])];
  return String(random.pick(wrong));
}

/** A line and its data, with more bytes if the announced length needs them. */
function block(random: Random, line: string, length: string, data: string): string {
  const missing = Number(length) > data.length && Number(length) < 1e6 ? 'zz\r\n' : '';
  return `${line}${random.chance(0.1) ? '\n' : '\r\n'}${data}\r\n${missing}${random.chance(0.05) ? 'ab\r\n' : ''}`;
}

/** Any bytes but the one that ends a line. */
function noise(random: Random, length: number): string {
  return Array.from({ length }, () => String.fromCharCode(random.int(256))).join('').replaceAll('\n', '');
}
