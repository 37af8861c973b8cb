// The first inputs, and words for mutations: the commands of each protocol, and numbers at the limits of their
// ranges.

const NUMBERS = [
  '0', '1', '-1', '2', '9', '10', '250', '251', '255', '256', '1024', '2048', '65535', '65536', '1048576', '2147483647',
  '2147483648', '4294967295', '4294967296', '9223372036854775807', '18446744073709551615', '18446744073709551616', '+5',
  '0x10', '007', '1e3', '2592001',
];
const KEYS = ['a', 'b', 'key', 'k'.repeat(249), 'k'.repeat(250), 'k'.repeat(251), '\x80\xff', 'a\0b', 'aW5kZXg=', 'AA=='];
const COMMANDS = [
  'get', 'gets', 'gat', 'gats', 'set', 'add', 'replace', 'append', 'prepend', 'cas', 'incr', 'decr', 'delete', 'touch',
  'mg', 'ms', 'md', 'ma', 'mn', 'me', 'stats', 'version', 'verbosity', 'flush_all', 'quit', 'shutdown', 'watch', 'slabs',
  'lru', 'lru_crawler', 'cache_memlimit', 'refresh_certs', 'misbehave', 'debug',
];
const SUBCOMMANDS = [
  'items', 'slabs', 'sizes', 'settings', 'conns', 'reset', 'detail', 'on', 'off', 'dump', 'cachedump', 'sizes_enable',
  'reassign', 'automove', 'tune', 'mode', 'flat', 'segmented', 'temp_ttl', 'crawl', 'metadump', 'mgdump', 'hash', 'all',
  'enable', 'disable', 'sleep', 'tocrawl', 'fetchers', 'mutations', 'noreply', 'graceful', 'maps', 'malloc',
];
const FLAGS = [
  'b', 'c', 'f', 'h', 'k', 'l', 'O1', `O${'o'.repeat(31)}`, `O${'o'.repeat(32)}`, 'q', 's', 't', 'v', 'x', 'I', 'E7', 'N30',
  'R30', 'T0', 'T-1', 'C1', 'F5', 'MS', 'ME', 'MA', 'MP', 'MR', 'MI', 'M+', 'MD', 'M-', 'J3', 'D2', 'S3',
];
const BREAKS = ['\r\n', '\n', ' ', '  ', '\0', '\r', '\t', '\r\nEND\r\n', '\x80', '\x81'];

export const WORDS: readonly string[] = [...NUMBERS, ...KEYS, ...COMMANDS, ...SUBCOMMANDS, ...FLAGS, ...BREAKS];

const STORES = ['set', 'add', 'replace', 'append', 'prepend'].map((name) => `${name} a 5 0 3\r\nabc\r\n`);

export const CLASSIC_SEEDS: readonly string[] = [
  ...STORES.slice(0, 3), 'set n 0 0 2\r\n99\r\nincr n 1\r\ndecr n 200\r\n', 'set a 0 0 3\r\nabc\r\nget a b a\r\ndelete a 0\r\n',
  'set a 0 0 1\r\nabc\r\n', 'get a\nget b\r\n', `get ${'k'.repeat(251)}\r\n`, `set a 0 0 3000000\r\nabc\r\nget a\r\n`,
  ...['', ' reset', ' malloc', ' maps', ' cachedump 6 10', ' slabs', ' items', ' sizes'].map((what) => `stats${what}\r\n`),
  'version\r\nquit\r\n', 'set a 0 -1 0\r\n\r\nadd a 0 1 1\r\nb\r\n',
];

export const TEXT_SEEDS: readonly string[] = [
  ...CLASSIC_SEEDS, ...STORES, 'set a 0 0 3\r\nabc\r\ngets a\r\ncas a 0 0 1 2\r\nx\r\ncas a 0 0 1 99 noreply\r\ny\r\n',
  'set a 0 100 3 noreply\r\nabc\r\ntouch a 5\r\ngat 7 a b\r\ngats 0 a\r\n',
  ...['settings', 'conns', 'detail on', 'detail dump', 'detail off'].map((what) => `stats ${what}\r\n`),
  'set a:b 0 0 1\r\n1\r\nstats detail on\r\nget a:b c:d\r\nstats detail dump\r\n', 'flush_all\r\nflush_all 10 noreply\r\n',
  'slabs reassign 1 2\r\nslabs automove 1\r\nlru mode flat\r\nlru tune 10 20 0.1 2.0\r\nlru temp_ttl 61\r\n',
  'set a 0 0 1\r\n1\r\nlru_crawler metadump all\r\nlru_crawler mgdump hash\r\nlru_crawler crawl 1\r\n',
  'lru_crawler enable\r\nlru_crawler sleep 100\r\nlru_crawler tocrawl 5\r\n', 'watch fetchers mutations\r\n', 'watch\r\n',
  'cache_memlimit 8\r\nverbosity 1\r\nversion\r\nverbosity 0 noreply\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'shutdown\r\n',
  `set a 0 0 400000\r\n${'L'.repeat(300)}`, 'misbehave\r\nrefresh_certs\r\n',
];

export const META_SEEDS: readonly string[] = [
  'ms a 3 T0 F5 c k O1\r\nabc\r\nmg a v k f s t c h l O2\r\nmn\r\n', 'ms a 2 MA q\r\nde\r\nmg a v q\r\nmg b v q\r\nmn\r\n',
  'mg a N30 v t\r\nmg a N30 v t\r\nms a 1 c\r\n1\r\n', 'ma n N0 J5 v\r\nma n D2 MD v t c\r\nma n M+ D9999999999\r\nme n\r\n',
  'ms YWI= 2 b k\r\nab\r\nmg YWI= b k v\r\nmd YWI= b\r\n', 'ms a 1\r\n1\r\nmd a I T30\r\nmg a v s c\r\nms a 1 C1 I\r\n2\r\n',
  'ms a 1 E77\r\n1\r\nmg a c\r\nmd a C77 E78 x\r\nmd a q k O3\r\n', 'ms a S3\r\nms a\r\nms a x\r\nms a 3 zz\r\nabc\r\n',
  'mg a R30 v\r\nmg a E5 N5 T5 v k\r\nmg\r\nmg a a a\r\n', 'me a b\r\nme\r\nma a\r\nma a D\r\n',
  ...['S', 'E', 'A', 'P', 'R', 's', 'Z'].map((mode) => `ms a 1 M${mode} N5\r\n1\r\n`),
];

const HEADER_BYTES = 24;

interface Packet {
  key?: string;
  extras?: string;
  value?: string;
  opaque?: number;
}

/** A request of the binary protocol, as latin1. */
function packet(opcode: number, { key = '', extras = '', value = '', opaque = opcode }: Packet = {}): string {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = 0x80;
  header[1] = opcode;
  header.writeUInt16BE(key.length, 2);
  header[4] = extras.length;
  header.writeUInt32BE(extras.length + key.length + value.length, 8);
  header.writeUInt32BE(opaque, 12);
  return header.toString('latin1') + extras + key + value;
}

const SET = packet(0x01, { key: 'a', extras: '\0'.repeat(8), value: 'abc' });
const NUMBER = `${'\0'.repeat(7)}\x01${'\0'.repeat(7)}\x05${'\0'.repeat(4)}`;

/** Opcodes of requests with a key; and with extras of 8 bytes, of 20, of 4. */
const KEYED = [0x00, 0x04, 0x09, 0x0c, 0x0d, 0x0e, 0x0f, 0x14, 0x19, 0x1a];
const STORING = [0x01, 0x02, 0x03, 0x11, 0x12, 0x13];

export const BINARY_SEEDS: readonly string[] = [
  ...KEYED.map((opcode) => SET + packet(opcode, { key: 'a' })),
  ...[0x0e, 0x0f].map((opcode) => SET + packet(opcode, { key: 'a', value: 'z' }) + packet(0x00, { key: 'a' })),
  ...STORING.map((opcode) => packet(opcode, { key: 'b', extras: '\0'.repeat(8), value: 'b' })),
  ...[0x05, 0x06, 0x15, 0x16].map((opcode) => packet(opcode, { key: 'n', extras: NUMBER })),
  ...[0x1c, 0x1d, 0x1e, 0x23, 0x24].map((opcode) => SET + packet(opcode, { key: 'a', extras: '\0\0\0\x05' })),
  ...[0x07, 0x08, 0x0a, 0x0b, 0x10, 0x17, 0x18, 0x1b, 0x20, 0x21, 0x25, 0x40, 0xff].map((opcode) => packet(opcode)),
  packet(0x10, { key: 'items' }) + packet(0x10, { key: 'detail on' }), packet(0x08, { extras: '\0\0\0\x02' }),
  packet(0x21, { key: 'PLAIN', value: '\0user\0password' }), `${SET}${SET}${packet(0x0d, { key: 'a' })}${packet(0x0a)}`,
];

export const BINARY_WORDS: readonly string[] = [
  '\x80', '\x81', '\0', '\xff\xff\xff\xff', '\0\0\0\0', '\x7f\xff\xff\xff', '\x80\0\0\0', '\0\x10\0\0', '\xff\xff', '\0\xfa',
  '\0\xfb', '\0\x01', 'a', 'items', 'PLAIN', SET, packet(0x0a), packet(0x00, { key: 'a' }), packet(0x07), packet(0x17),
];

/** A UDP request of at most 255 bytes, with its length before it in one byte, as latin1. */
export function datagram(request: string): string {
  const payload = `\0\x07\0\0\0\x01\0\0${request}`.slice(0, 255);
  return String.fromCharCode(payload.length) + payload;
}
