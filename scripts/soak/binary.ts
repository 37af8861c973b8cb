// Random packets of the binary protocol, each with the answer that it must get.
import type { Random } from '../bench/random';
import { below } from '../bench/random';
import type { Store, StoreMode } from './store';
import { counter, key, mode, value } from './text';

export interface BinaryExchange {
  request: string;
  /** Null if there must be none. */
  answer: Answer | null;
}

export interface Answer {
  opcode: number;
  status: number;
  opaque: number;
  /** Extras, key and value, concatenated; null for an error, whose text does not matter. */
  body: string | null;
}

export const HEADER_BYTES = 24;
const CAS_AT = 16;
const REQUEST = 0x80;
const RESPONSE = 0x81;
const NOT_FOUND = 1;
const EXISTS = 2;
const NOT_STORED = 5;
const NOT_A_NUMBER = 6;

const GET = 0x00;
const DELETE = 0x04;
const INCREMENT = 0x05;
const DECREMENT = 0x06;
const GETQ = 0x09;
const NOOP = 0x0a;
const GETK = 0x0c;
const STORE: Readonly<Record<StoreMode, number>> = { set: 0x01, add: 0x02, replace: 0x03, append: 0x0e, prepend: 0x0f };
/** The expiry of an increment that does not create a missing item. */
const NO_INITIAL = 0xffffffff;

/** A packet, a character for each byte. */
export function packet(opcode: number, opaque: number, extras: string, name: string, data: string): string {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = REQUEST;
  header[1] = opcode;
  header.writeUInt16BE(name.length, 2);
  header[4] = extras.length;
  header.writeUInt32BE(extras.length + name.length + data.length, 8);
  header.writeUInt32BE(opaque, 12);
  return header.toString('latin1') + extras + name + data;
}

/** How a received packet, of header and body, differs from the answer; null if it does not. */
export function difference(header: string, body: string, answer: Answer): string | null {
  const bytes = Buffer.from(header, 'latin1');
  const came: Answer = {
    opcode: bytes[1], status: bytes.readUInt16BE(6), opaque: bytes.readUInt32BE(12),
    body: answer.body === null ? null : body,
  };
  const right = bytes[0] === RESPONSE && came.opcode === answer.opcode && came.status === answer.status
    && came.opaque === answer.opaque && came.body === answer.body;
  return right ? null : `${JSON.stringify({ ...came, magic: bytes[0] })} for ${JSON.stringify(answer)}`;
}

export function bodyLength(header: string): number {
  return Buffer.from(header.slice(0, CAS_AT), 'latin1').readUInt32BE(8);
}

function word(number: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes.toString('latin1');
}

function long(number: bigint): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(number);
  return bytes.toString('latin1');
}

/** One exchange about a key that begins with `prefix`, and what it changes in `store`. */
export function binaryExchange(random: Random, store: Store, prefix: string, opaque: number): BinaryExchange {
  switch (below(random, 8)) {
    case 0: case 1: return storage(random, store, prefix, opaque);
    case 2: case 3: case 4: return get(random, store, prefix, opaque);
    case 5: return remove(random, store, prefix, opaque);
    case 6: return count(random, store, prefix, opaque);
    default: return { request: packet(NOOP, opaque, '', '', ''), answer: { opcode: NOOP, status: 0, opaque, body: '' } };
  }
}

function storage(random: Random, store: Store, prefix: string, opaque: number): BinaryExchange {
  const name = key(random, prefix), data = value(random), flags = below(random, 2 ** 32);
  const how = mode(random, store, name), opcode = STORE[how];
  const joins = how === 'append' || how === 'prepend';
  const status = store.store(how, name, data, flags) ? 0 : joins ? NOT_STORED : how === 'add' ? EXISTS : NOT_FOUND;
  return {
    request: packet(opcode, opaque, joins ? '' : word(flags) + word(0), name, data),
    answer: { opcode, status, opaque, body: status === 0 ? '' : null },
  };
}

function get(random: Random, store: Store, prefix: string, opaque: number): BinaryExchange {
  const name = key(random, prefix), entry = store.get(name);
  const opcode = [GET, GETQ, GETK][below(random, 3)];
  const request = packet(opcode, opaque, '', name, '');
  if (entry === undefined) {
    if (opcode === GETQ) return { request, answer: null };
    return { request, answer: { opcode, status: NOT_FOUND, opaque, body: opcode === GETK ? name : null } };
  }
  const body = word(entry.flags) + (opcode === GETK ? name : '') + entry.value;
  return { request, answer: { opcode, status: 0, opaque, body } };
}

function remove(random: Random, store: Store, prefix: string, opaque: number): BinaryExchange {
  const name = key(random, prefix), gone = store.delete(name);
  return {
    request: packet(DELETE, opaque, '', name, ''),
    answer: { opcode: DELETE, status: gone ? 0 : NOT_FOUND, opaque, body: gone ? '' : null },
  };
}

function count(random: Random, store: Store, prefix: string, opaque: number): BinaryExchange {
  const name = counter(random, prefix), delta = BigInt(below(random, 1000));
  const up = random() < 0.5 || !store.staysLong(name, delta);
  const opcode = up ? INCREMENT : DECREMENT;
  const counted = store.count(name, delta, up);
  const status = counted === null ? NOT_FOUND : counted === false ? NOT_A_NUMBER : 0;
  return {
    request: packet(opcode, opaque, long(delta) + long(0n) + word(NO_INITIAL), name, ''),
    answer: { opcode, status, opaque, body: status === 0 ? long(BigInt(counted || 0)) : null },
  };
}
