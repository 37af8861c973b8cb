// Conversations of clients with a memcached 1.6 that requires authentication: the requests, one after the other, and
// 1.6.45's answers. Both end a connection at `quit`.
import { hostname } from 'node:os';
import { request, words } from './packets-1.6';

/** Requests with their answers; if `closes` is set, the server closes the connection after the last. */
export interface Conversation {
  says: readonly (readonly [sends: string, ...receives: string[]])[];
  closes?: boolean;
}

/** The file of -Y for the conversations in text. */
export const AUTHFILE = 'foo:bar\nbaaaz:quux\n';

const UNAUTHENTICATED = 'CLIENT_ERROR unauthenticated\r\n';
const FAILURE = 'CLIENT_ERROR authentication failure\r\n';
const NO_TOKEN = 'CLIENT_ERROR bad authentication token format\r\n';
const TOO_LONG = 'CLIENT_ERROR auth token too long\r\n';
const STORED = 'STORED\r\n';

/** The set command that authenticates. */
export function token(value: string, line = `set foo 0 0 ${value.length}`): string {
  return `${line}\r\n${value}\r\n`;
}

export const inText: Readonly<Record<string, Conversation>> = {
  'nothing but a set is taken': {
    says: [
      ['get foo\r\n', UNAUTHENTICATED],
      ['mg foo v\r\n', UNAUTHENTICATED],
      ['version\r\n', UNAUTHENTICATED],
      ['stats\r\n', UNAUTHENTICATED],
      ['flush_all\r\n', UNAUTHENTICATED],
      ['shutdown\r\n', UNAUTHENTICATED],
      ['add foo 0 0 7\r\n', UNAUTHENTICATED],
      [' set foo 0 0 7\r\n', UNAUTHENTICATED],
      ['set foo 0 7\r\n', UNAUTHENTICATED],
      ['set foo 0 0 -1\r\n', UNAUTHENTICATED],
      ['set foo 0 0 four\r\n', UNAUTHENTICATED],
      ['set foo 0 0 4294967296\r\n', UNAUTHENTICATED],
      ['set foo 0 0 4294967295\r\n', TOO_LONG],
      ['set foo 0 0 16385\r\n', TOO_LONG],
    ],
  },
  'the right password opens the connection, and stores nothing': {
    says: [
      [token('foo bar'), STORED],
      ['get foo\r\n', 'END\r\n'],
      [token('foo bab'), STORED],
      ['get foo\r\n', 'VALUE foo 0 7\r\nfoo bab\r\nEND\r\n'],
      ['mn\r\n', 'MN\r\n'],
    ],
  },
  'each line of the file opens it, and key, flags, expiry and noreply say nothing': {
    says: [[token('baaaz quux', `set ${'k'.repeat(300)} x y 10 noreply`), STORED], ['mn\r\n', 'MN\r\n']],
  },
  'a wrong user or password does not, nor one of somebody else': {
    says: [
      [token('foo bab'), FAILURE],
      [token('fox bar'), FAILURE],
      [token('foo ba'), FAILURE],
      [token('foo barx'), FAILURE],
      [token('foo quux'), FAILURE],
      [token('foo bar\r'), FAILURE],
      [token('foo\0bar '), FAILURE],
      [token('foo '), FAILURE],
      [token(' '), FAILURE],
      ['get foo\r\n', UNAUTHENTICATED],
      [token('foo bar'), STORED],
      ['mn\r\n', 'MN\r\n'],
    ],
  },
  'a value that is no user and password': {
    says: [
      [token('hi'), NO_TOKEN],
      [token(''), NO_TOKEN],
      ['set foo 0 0 7\r\nfoo barxx', 'CLIENT_ERROR bad command line termination\r\n'],
      [token('foo bar'), STORED],
    ],
  },
  'what comes behind a wrong password is not run': {
    says: [
      [token('foo bab'), FAILURE],
      [token('hi', 'set stolen 0 0 2'), NO_TOKEN],
      ['get stolen\r\n', UNAUTHENTICATED],
      [token('foo bar'), STORED],
      ['get stolen\r\n', 'END\r\n'],
    ],
  },
  'the data of a set that is too long are not swallowed: they end the connection': {
    says: [[`set foo 0 0 100000\r\n`, TOO_LONG], [`${'x'.repeat(100_000)}\r\n`]],
    closes: true,
  },
  'a line that is too short ends the connection': { says: [['mn\r\n']], closes: true },
  'what has no newline in 2048 bytes ends the connection': { says: [['x'.repeat(2049)]], closes: true },
  'a long get does, too': { says: [[`get ${'k '.repeat(2000)}`]], closes: true },
};

/** The file of users for the conversations in the binary protocol. 1.6.45 needs a realm behind each. */
export const PWDB = [
  `foo@${hostname()}:bar`, 'u@realm:pw', `ext@${hostname()}:pass:more`, '',
].join('\n');

const [GET, SET, QUIT, SETQ, NOOP, VERSION] = [0x00, 0x01, 0x07, 0x11, 0x0a, 0x0b];
const [LIST, AUTH, STEP] = [0x20, 0x21, 0x22];

export function plain(user: string, password: string, author = '', opcode = AUTH): string {
  return request(opcode, { key: 'PLAIN', value: `${author}\0${user}\0${password}` });
}

const set = request(SET, { key: 'k', value: 'v', extras: words(0, 0) });
const get = request(GET, { key: 'k' });
const noop: readonly [string, string] = [request(NOOP), '0a, status 0'];
const right: readonly [string, string] = [plain('foo', 'bar'), '21, status 0, value Authenticated'];
const begin: readonly [string, string] = [request(AUTH, { key: 'PLAIN' }), '21, status 21'];
const refusedNoop: readonly [string, string] = [request(NOOP), '0a, status 20, value Auth failure.'];
const REFUSED = '21, status 20, value Auth failure.';
const STEP_REFUSED = '22, status 20, value Auth failure.';
const INVALID = '21, status 4, value Invalid arguments';

/** Conversations of one request, after which the connection is closed. */
function ends(sends: string, receives: string): Conversation {
  return { says: [[sends, receives]], closes: true };
}

/** Attempts that fail: the connection stays open, but the server refuses commands. */
function fails(...attempts: readonly string[]): Conversation {
  return { says: [...attempts.map((sends): [string, string] => [sends, REFUSED]), refusedNoop], closes: true };
}

export const inBinary: Readonly<Record<string, Conversation>> = {
  'a get of a stranger ends the connection': ends(get, '00, status 20, value Auth failure.'),
  'so does a set, whatever its value is':
    ends(set.slice(0, -1) + request(NOOP), '01, status 20, value Auth failure.'),
  'so does a quiet set': ends(request(SETQ, { key: 'k', extras: words(0, 0) }), '11, status 20, value Auth failure.'),
  'so does a noop': ends(...refusedNoop),
  'so does a quit': ends(request(QUIT), '07, status 20, value Auth failure.'),
  'so does what there is not': ends(request(0x30), '30, status 20, value Auth failure.'),
  'a stranger is told the version and the mechanisms': {
    says: [[request(VERSION), '0b, status 0, value 1.6.45'], [request(LIST), '20, status 0, value PLAIN'], refusedNoop],
    closes: true,
  },
  'the right password opens the connection': {
    says: [right, [set, '01, status 0, cas'], [get, '00, status 0, extras 00000000, value v, cas']],
  },
  'with the realm, too': { says: [[plain(`foo@${hostname()}`, 'bar'), right[1]], noop] },
  'a realm of its own': { says: [[plain('u@realm', 'pw'), right[1]], noop] },
  'the name of the mechanism in small letters': {
    says: [[request(AUTH, { key: 'plain', value: '\0foo\0bar' }), right[1]], noop],
  },
  'as oneself': { says: [[plain('foo', 'bar', 'foo'), right[1]], noop] },
  'but not as somebody else': fails(plain('foo', 'bar', 'ext')),
  'a password ends at a colon, or goes on there': {
    says: [[plain('ext', 'pass'), right[1]], noop],
  },
  'with what is behind the colon': { says: [[plain('ext', 'pass:more'), right[1]], noop] },
  'what is wrong fails, and tells nothing of what it is': fails(
    plain('foo', 'bab'), plain('foo', 'ba'), plain('foo', ''), plain('foo', 'barx'), plain('nobody', 'bar'),
    plain('', 'bar'), plain('u', 'pw'), plain('ext:pass', 'more'), plain('ext', 'pas'), plain('foo', 'x'.repeat(300)),
    plain('foo', 'x'.repeat(100_000)),
  ),
  'so does what is no message of PLAIN': fails(
    ...['foo', '\0foo', '\0foo\0bar\0', '\0foo\0bar\0x'].map((value) => request(AUTH, { key: 'PLAIN', value })),
  ),
  'so does another mechanism': fails(
    request(AUTH, { key: 'CRAM-MD5' }), request(AUTH, { key: 'ANONYMOUS', value: 'me' }),
    request(AUTH, { key: 'X'.repeat(32), value: '\0foo\0bar' }),
  ),
  'the right password after a wrong one': { says: [[plain('foo', 'bab'), REFUSED], right, noop] },
  'a mechanism with too long a name, and its value': {
    says: [[request(AUTH, { key: 'X'.repeat(33), value: request(QUIT) }), INVALID], right, noop],
  },
  'a message that is larger than the largest chunk': {
    says: [
      [request(AUTH, { key: 'PLAIN', value: 'x'.repeat(600_000) }), '21, status 82, value Out of memory'], right, noop,
    ],
  },
  'no mechanism': ends(request(AUTH, { value: '\0foo\0bar' }), INVALID),
  extras: ends(request(AUTH, { key: 'PLAIN', value: '\0foo\0bar', extras: words(0) }), INVALID),
  'a list with a key': ends(request(LIST, { key: 'k' }), '20, status 4, value Invalid arguments'),
  'in two steps': { says: [begin, [plain('foo', 'bar', '', STEP), '22, status 0, value Authenticated'], noop] },
  'in two steps, with a wrong password first': {
    says: [
      begin, [plain('foo', 'bab', '', STEP), STEP_REFUSED], [request(STEP, { key: 'PLAIN' }), STEP_REFUSED],
      [plain('foo', 'bar', '', STEP), '22, status 0, value Authenticated'], noop,
    ],
  },
  'a second step without a first': { says: [[plain('foo', 'bar', '', STEP), STEP_REFUSED], right, noop] },
  'a step more than there is': {
    says: [right, [plain('foo', 'bar', '', STEP), STEP_REFUSED], refusedNoop], closes: true,
  },
  'who authenticates again fails, and once more not': {
    says: [right, [plain('foo', 'bar'), REFUSED], right, noop],
  },
  'who asks for the mechanisms is a stranger again': {
    says: [right, [request(LIST), '20, status 0, value PLAIN'], refusedNoop], closes: true,
  },
  'who asks for the version is not': { says: [right, [request(VERSION), '0b, status 0, value 1.6.45'], noop] },
  'text ends the connection': { says: [['version\r\n'.repeat(3)]], closes: true },
};
