// base64 of lib/1.6, in which keys of any bytes are sent: against Node's Buffer.
import test from 'ava';
import fc from 'fast-check';

import { base64Decode, base64Encode } from '../lib/1.6/base64';
import { u8 } from '../lib/libc/heap';
import { bss, memoryInit } from '../lib/libc/memory';
import { bytes, put } from './support/memory';
import { upTo } from './support/thorough';

memoryInit(1 << 20, 0);

const src = bss(1024);
const dst = bss(1024);

const octet = fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c));
const key = fc.string({ unit: octet, maxLength: 250 });
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const digit = fc.integer({ min: 0, max: 63 }).map((i) => ALPHABET[i]);
const noise = fc.constantFrom('!', '-', '_', '.', '\t', '\0', '\xff', '*', '@', '[', '`', '{');

test.beforeEach(() => {
  u8.fill(0x7e, src, src + 1024);
  u8.fill(0x7e, dst, dst + 1024);
});

function encode(text: string): string {
  const end = base64Encode(dst, put(src, text), text.length);
  return bytes(dst, end - dst);
}

/** What `text` is decoded to; null if it is refused. */
function decode(text: string): string | null {
  const length = base64Decode(dst, put(src, text), text.length);
  return length === 0 ? null : bytes(dst, length);
}

/** The same by Node's Buffer, which is more lenient. */
function model(text: string): string | null {
  const digits = text.replace(/[^A-Za-z0-9+/=]/g, '');
  if (digits.length === 0 || digits.length % 4 !== 0) return null;
  const groups = digits.match(/.{4}/g) ?? [];
  const padded = groups.findIndex((group) => group.includes('='));
  if (padded === -1) return Buffer.from(digits, 'base64').toString('latin1');
  const padding = groups[padded].replace(/[^=]/g, '').length;
  if (padding > 2) return null;
  const all = groups.slice(0, padded + 1).join('').replaceAll('=', 'A');
  const decoded = Buffer.from(all, 'base64');
  return decoded.subarray(0, decoded.length - padding).toString('latin1');
}

test.serial('encoding gives what Buffer gives, and writes nothing behind it', (t) => {
  fc.assert(fc.property(key, (text) => {
    u8.fill(0x7e, dst, dst + 1024);
    const encoded = encode(text);
    t.is(encoded, Buffer.from(text, 'latin1').toString('base64'));
    t.is(u8[dst + encoded.length], 0x7e);
  }));
});

test.serial('decoding gives the encoded bytes back, also in place', (t) => {
  fc.assert(fc.property(fc.string({ unit: octet, minLength: 1, maxLength: 250 }), (text) => {
    const encoded = encode(text);
    t.is(decode(encoded), text);
    t.is(base64Decode(src, src, encoded.length), text.length);
    t.is(bytes(src, text.length), text);
  }));
});

test.serial('decoding skips characters outside the alphabet', (t) => {
  t.is(decode('Y!Q=='), 'a');
  t.is(decode(' Y-Q_=\xff='), 'a');
});

test.serial('decoding refuses input that is not whole groups of four, or has none', (t) => {
  for (const text of ['', '!!!', 'YQ', 'YQ=', 'YWJjZ', 'Y!Q=']) t.is(decode(text), null, text);
});

test.serial('a group has at most two padding characters, in any place, and a padded group ends the input', (t) => {
  t.is(decode('YQ==YQ=='), 'a');
  t.is(decode('Q=Q='), '@');
  for (const text of ['Y===', '====', '=Q==', 'YWJj====']) t.is(decode(text), null, text);
});

test.serial('any input is decoded or refused, and at most three bytes are written for each four', (t) => {
  const text = fc.string({
    unit: fc.oneof({ weight: 8, arbitrary: digit }, { weight: 1, arbitrary: noise }, { weight: 1, arbitrary: fc.constant('=') }),
    maxLength: 60,
  });
  fc.assert(fc.property(text, (text) => {
    u8.fill(0x7e, dst, dst + 1024);
    t.is(decode(text), model(text));
    t.is(u8[dst + Math.ceil(text.length / 4) * 3], 0x7e);
  }), { numRuns: upTo(200, 1000) });
});
