// Random conversations with a memcached 1.6 in the binary protocol. A noop with a unique number follows each request,
// since quiet requests have no reply.
import type { Random } from '../../reactor/sim';
import { CLOSED } from './exchanges';
import type { Exchange } from './exchanges';
import type { Replies } from './replies';

const HEADER_BYTES = 24;
const REQUEST = 0x80;
const NOOP = 0x0a;
const VERSION = 0x0b;
/** Opaques of the noops; those of requests are smaller. */
const FIRST_NOOP = 0x40000000;

const KEYS = ['a', 'b', 'c', 'n', 'm', 'key', ' \r\n\0', '\u00ff', 'k'.repeat(250)];
const VALUES = ['0', '9', '99', '18446744073709551615', '18446744073709551616', 'abc', '', '12 ', 'x'.repeat(100), '\0\r\n', 'y'.repeat(5000)];
const EXPIRIES = [0, 0, 0, 100, 1000, 2592000, 0xffffffff];

interface Packet {
  opcode: number;
  key?: string;
  extras?: Uint8Array;
  value?: string;
  cas?: number;
}

function packet(random: Random, { opcode, key = '', extras = Buffer.alloc(0), value = '', cas = 0 }: Packet): string {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = REQUEST;
  header[1] = opcode;
  header.writeUInt16BE(key.length, 2);
  header[4] = extras.length;
  header.writeUInt32BE(extras.length + key.length + value.length, 8);
  header.writeUInt32BE(random.int(FIRST_NOOP), 12);
  header.writeUInt32BE(cas, 20);
  return Buffer.concat([header, extras, Buffer.from(key + value, 'latin1')]).toString('latin1');
}

function words(...values: number[]): Uint8Array {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => void bytes.writeUInt32BE(value, 4 * i));
  return bytes;
}

/** `length` requests, one packet each; none ends the connection. */
export function converseBinary(random: Random, length: number): string[] {
  return Array.from({ length }, () => request(random));
}

function request(random: Random): string {
  const key = random.pick(KEYS);
  const expiry = random.pick(EXPIRIES);
  // Servers count cas differently, so a wrong one is a number that none has reached.
  const cas = random.chance(0.9) ? 0 : 7777777;
  switch (random.int(12)) {
    case 0: case 1: case 2: {
      const [opcode, value] = [random.pick([0x01, 0x01, 0x02, 0x03, 0x11, 0x12, 0x13]), random.pick(VALUES)];
      return packet(random, { opcode, key, value, cas, extras: words(random.pick([0, 5, 0xffffffff]), expiry) });
    }
    case 3: case 4: case 5:
      return packet(random, { opcode: random.pick([0x00, 0x09, 0x0c, 0x0d]), key });
    case 6:
      return packet(random, { opcode: random.pick([0x04, 0x14]), key, cas });
    case 7: case 8: {
      const delta = random.pick([0, 1, 7, 0xffffffff]);
      const extras = words(0, delta, 0, random.pick([0, 100]), random.pick([0, 0, 100, 0xffffffff]));
      return packet(random, { opcode: random.pick([0x05, 0x06, 0x15, 0x16]), key, cas, extras });
    }
    case 9:
      return packet(random, { opcode: random.pick([0x0e, 0x0f, 0x19, 0x1a]), key, cas, value: random.pick(VALUES) });
    case 10:
      return packet(random, { opcode: random.pick([0x1c, 0x1d, 0x1e, 0x23, 0x24]), key, extras: words(expiry) });
    default:
      return packet(random, { opcode: random.pick([VERSION, NOOP]) });
  }
}

function noop(number: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes[0] = REQUEST;
  bytes[1] = NOOP;
  bytes.writeUInt32BE(FIRST_NOOP + number, 12);
  return bytes;
}

/** Frames up to the answer of the noop, which is left out. */
async function untilNoop(connection: Replies, number: number): Promise<string> {
  let receives = '';
  for (;;) {
    const header = await connection.takeBytes(HEADER_BYTES);
    if (header.length < HEADER_BYTES) return receives + header.toString('latin1') + CLOSED;
    if (header[1] === NOOP && header.readUInt32BE(12) === FIRST_NOOP + number) return receives;
    receives += header.toString('latin1') + (await connection.take(header.readUInt32BE(8)));
  }
}

/** Sends each request after the last answer, on a new connection if the server has closed one. */
export async function binaryInLockstep(
  requests: readonly string[], connect: () => Promise<Replies>,
): Promise<Exchange[]> {
  let connection = await connect();
  const exchanges: Exchange[] = [];
  for (const [i, sends] of requests.entries()) {
    connection.send(Buffer.concat([Buffer.from(sends, 'latin1'), noop(i)]));
    const receives = await untilNoop(connection, i);
    exchanges.push({ sends, receives });
    if (receives.endsWith(CLOSED)) connection = await connect();
  }
  return exchanges;
}

/** All requests at once. `send` gets all the bytes. */
export async function binaryAtOnce(
  requests: readonly string[], connection: Replies, send: (bytes: string) => void | Promise<void>,
): Promise<Exchange[]> {
  const sent = send(requests.map((each, i) => each + noop(i).toString('latin1')).join(''));
  const exchanges: Exchange[] = [];
  for (const [i, sends] of requests.entries()) exchanges.push({ sends, receives: await untilNoop(connection, i) });
  await sent;
  return exchanges;
}

/** Exchanges without the version; cas numbers are replaced by their order of appearance. */
export function maskedBinary(exchanges: readonly Exchange[]): Exchange[] {
  const seen = new Map<string, number>([['0', 0]]);
  return exchanges.map(({ sends, receives }) => {
    const frames: string[] = [];
    let rest = Buffer.from(receives, 'latin1');
    while (rest.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + rest.readUInt32BE(8);
      const cas = String(rest.readBigUInt64BE(16));
      if (!seen.has(cas)) seen.set(cas, seen.size);
      const body = rest[1] === VERSION ? '#' : rest.toString('latin1', HEADER_BYTES, end);
      frames.push(`${rest.toString('hex', 0, 16)} cas ${seen.get(cas)} ${JSON.stringify(body)}`);
      rest = rest.subarray(end);
    }
    return { sends: Buffer.from(sends, 'latin1').toString('hex'), receives: frames.join('\n') + rest.toString('latin1') };
  });
}
