// The rest of the C library: addresses, command lines, numbers of a command line.
import test from 'ava';
import fc from 'fast-check';

import { inetAton } from '../lib/libc/arpa_inet';
import { isdigit, isspace } from '../lib/libc/ctype';
import { getopt, optarg, optopt } from '../lib/libc/getopt';
import type { Ref } from '../lib/libc/stdio';
import { strtonum } from '../lib/libc/stdlib';
import { Errx } from '../reactor/err';

test('isspace and isdigit are those of the C locale', (t) => {
  const all = Array.from({ length: 256 }, (_, c) => c);
  t.deepEqual(all.filter(isspace), [0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);
  t.deepEqual(all.filter(isdigit), [...Buffer.from('0123456789')]);
});

const addresses: [string, number][] = [
  ['127.0.0.1', 0x7f000001],
  ['255.255.255.255', 0xffffffff],
  ['0', 0],
  ['00', 0],
  ['127.1', 0x7f000001],
  ['1.2.3', 0x01020003],
  ['1.2.65535', 0x0102ffff],
  ['1.16777215', 0x01ffffff],
  ['2130706433', 0x7f000001],
  ['4294967295', 0xffffffff],
  ['0x7f.1', 0x7f000001],
  ['0X7F000001', 0x7f000001],
  ['0177.0.0.01', 0x7f000001],
];
for (const [cp, value] of addresses) {
  test(`inet_aton takes ${cp} for ${value.toString(16).padStart(8, '0')}`, (t) => {
    const inp: Ref = { value: -1 };
    t.is(inetAton(cp, inp), 1);
    t.is(inp.value, value);
  });
}

const noAddresses = [
  '', '.', '1.', '.1', '1..2', '1.2.3.4.5', '256.1.1.1', '1.2.3.256', '1.2.65536', '1.16777216', '4294967296',
  '1.2.3.0400', '0x100.1.1.1', '08.1.1.1', '0x', '0x1g', '-1', '+1', ' 1.2.3.4', '1.2.3.4x', 'localhost', '::1', '1,2',
];
for (const cp of noAddresses) {
  test(`inet_aton refuses ${JSON.stringify(cp)}, and stores nothing`, (t) => {
    const inp: Ref = { value: -1 };
    t.is(inetAton(cp, inp), 0);
    t.is(inp.value, -1);
  });
}

test('inet_aton reads four parts as bytes, in decimal, octal and hexadecimal', (t) => {
  const part = fc.tuple(fc.nat(255), fc.constantFrom(10, 8, 16)).map(([value, base]) => {
    const prefix = base === 16 ? '0x' : base === 8 && value !== 0 ? '0' : '';
    return { value, written: prefix + value.toString(base) };
  });
  fc.assert(fc.property(fc.array(part, { minLength: 4, maxLength: 4 }), (parts) => {
    const inp: Ref = { value: -1 };
    t.is(inetAton(parts.map(({ written }) => written).join('.'), inp), 1);
    t.is(inp.value, Buffer.from(parts.map(({ value }) => value)).readUInt32BE());
  }));
});

/** All that getopt says of a command line: the options with their arguments, up to the end or the first error. */
function options(...args: string[]): string[] {
  const said: string[] = [];
  for (;;) {
    const c = getopt(['program', ...args], 'p:m:khvd');
    if (c === -1) return said;
    said.push(c === '?' || c === ':' ? c + optopt : optarg === '' ? c : `${c}=${optarg}`);
    if (c === '?' || c === ':') return said;
  }
}

const commandLines: [string, string[], string[]][] = [
  ['no options at all', [], []],
  ['options one by one', ['-k', '-v'], ['k', 'v']],
  ['options in one word', ['-kvd'], ['k', 'v', 'd']],
  ['an argument in the same word', ['-p11211'], ['p=11211']],
  ['an argument in the next word', ['-p', '11211'], ['p=11211']],
  ['an argument at the end of several options', ['-kp11211', '-v'], ['k', 'p=11211', 'v']],
  ['an argument in the word after several options', ['-kp', '11211', '-v'], ['k', 'p=11211', 'v']],
  ['an argument that looks like an option', ['-p', '-1'], ['p=-1']],
  ['an option that comes twice, in its order', ['-p1', '-m2', '-p3'], ['p=1', 'm=2', 'p=3']],
  ['a missing argument', ['-k', '-p'], ['k', ':-p']],
  ['an unknown option', ['-k', '-x', '-v'], ['k', '?-x']],
  ['an unknown option among known ones', ['-kxv'], ['k', '?-x']],
  ['a long option', ['--classic'], ['?--classic']],
  ['a letter as a long option', ['--k'], ['?--k']],
  ['a long option with an argument', ['--classic=1'], ['?--classic']],
  ['a word that is no option', ['-k', 'word', '-v'], ['k', '?word']],
  ['a hyphen alone', ['-'], ['?-']],
  ['the end of the options', ['-k', '--'], ['k']],
  ['an option behind the end of the options, which is a word', ['--', '-k'], ['?-k']],
];
for (const [what, args, said] of commandLines) {
  test(`getopt takes ${what}: ${JSON.stringify(args.join(' '))}`, (t) => {
    t.deepEqual(options(...args), said);
  });
}

test('getopt begins anew after its end, and after an error', (t) => {
  t.deepEqual(options('-k', '-x', '-v'), ['k', '?-x']);
  t.deepEqual(options('-v'), ['v']);
  t.deepEqual(options('-v'), ['v']);
});

test('strtonum takes whole decimal numbers within its bounds', (t) => {
  t.is(strtonum('port', '0', 0, 65535), 0);
  t.is(strtonum('port', '65535', 0, 65535), 65535);
  t.is(strtonum('port', '+80', 0, 65535), 80);
  t.is(strtonum('port', '0080', 0, 65535), 80);
  t.is(strtonum('depth', '-5', -10, 10), -5);
});

const noNumbers = [
  '65536', '-1', '', ' ', '80 ', ' 80', '8.0', '1e3', '0x50', '80x', 'x', '--1', '99999999999999999999', 'NaN', 'Infinity',
];
for (const nptr of noNumbers) {
  test(`strtonum refuses ${JSON.stringify(nptr)} as a port with one line that names it, and status 1`, (t) => {
    const error = t.throws(() => strtonum('port', nptr, 0, 65535), { instanceOf: Errx });
    t.is(error.status, 1);
    t.is(error.message, `illegal port: ${nptr} (it is a number from 0 to 65535)`);
  });
}
