// Packets of the binary protocol of memcached 1.6, for specs: requests as strings, each byte a character, and answers
// as short texts.
import type { ExecutionContext } from 'ava';
import type { Replies } from './replies';

const HEADER_BYTES = 24;
const OPAQUE = 'opaq';
/** Opaque of the request that ends a conversation. */
const LAST = 'last';

const NOOP = 0x0a;

export interface Parts {
  key?: string;
  extras?: string;
  value?: string;
  cas?: bigint;
  opaque?: string;
  /** Body length for the header, instead of the real one. */
  bodylen?: number;
}

/** A request, each byte a character. */
export function request(opcode: number, parts: Parts = {}): string {
  const { key = '', extras = '', value = '', cas = 0n, opaque = OPAQUE, bodylen } = parts;
  const body = extras + key + value;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = 0x80;
  header[1] = opcode;
  header.writeUInt16BE(key.length, 2);
  header[4] = extras.length;
  header.writeUInt32BE(bodylen ?? body.length, 8);
  header.write(opaque, 12);
  header.writeBigUInt64BE(cas, 16);
  return header.toString('latin1') + body;
}

export function words(...values: number[]): string {
  return String.fromCharCode(...values.flatMap((n) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]));
}

export interface Answer {
  opcode: number;
  status: number;
  extras: string;
  key: string;
  value: string;
  cas: bigint;
}

/** An answer as in the conversations: its parts, if not empty, and whether there is a cas number. */
export function told({ opcode, status, extras, key, value, cas }: Answer): string {
  const parts = [
    opcode.toString(16).padStart(2, '0'), `status ${status.toString(16)}`, extras && `extras ${hex(extras)}`,
    key && `key ${key}`, value && `value ${value}`, cas === 0n ? '' : 'cas',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function hex(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('hex');
}

/** The next answer; null for that to `end`, or if the server has closed the connection. */
export async function answer(t: ExecutionContext, peer: Replies): Promise<Answer | null> {
  const header = await peer.takeBytes(HEADER_BYTES);
  const opaque = header.toString('latin1', 12, 16);
  if (header.length === 0 || opaque === LAST) return null;
  t.is(header[0], 0x81);
  t.is(header[5], 0);
  t.is(opaque, OPAQUE);
  const body = await peer.take(header.readUInt32BE(8));
  const keyAt = header[4], valueAt = keyAt + header.readUInt16BE(2);
  return {
    opcode: header[1], status: header.readUInt16BE(6), cas: header.readBigUInt64BE(16),
    extras: body.slice(0, keyAt), key: body.slice(keyAt, valueAt), value: body.slice(valueAt),
  };
}

/** The request that ends a conversation. */
export const end = request(NOOP, { opaque: LAST });

/** All answers up to that to `end`, or to the end of the connection. */
export async function answers(t: ExecutionContext, peer: Replies): Promise<string[]> {
  const all: string[] = [];
  for (let next = await answer(t, peer); next !== null; next = await answer(t, peer)) all.push(told(next));
  return all;
}
