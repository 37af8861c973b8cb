// The replies that hostile bytes may get: each protocol's grammar of replies. A stream may be cut off at its end.

const LINE = new RegExp('^(' + [
  'STORED|NOT_STORED|EXISTS|NOT_FOUND|DELETED|TOUCHED|END|OK|RESET|NOT_READY|MN|EN|\\d+ *',
  'ERROR( .*)?|CLIENT_ERROR .*|SERVER_ERROR:? .*|BUSY .*|MEMLIMIT_.*|BADCLASS .*|NOSPARE .*|NOTFULL .*|SAME .*|VERSION .*',
  'STAT .*|PREFIX .*|ITEM .*|key=.*|ME .*|mg .*|\\d+ \\d+|(HD|NF|NS|EX|EN)( .*)?',
  'ts=.*|WATCHER_.*|NOTSTARTED.*|\\[.*|INVALID.*',
].join('|') + ')$', 's');
const VALUE = /^(?:VALUE \S+ \d+|VA) (\d+)(?: .*)?$/s;

/** The first part of text protocol replies that is not a valid reply; or null. */
export function wrongText(replies: Buffer): string | null {
  const text = replies.toString('latin1');
  for (let at = 0; ;) {
    const newline = text.indexOf('\n', at);
    if (newline === -1) return null;
    const line = text.slice(at, newline).replace(/\r$/, '').replace(/^\0/, '');
    at = newline + 1;
    const value = VALUE.exec(line);
    if (value !== null) {
      const end = at + Number(value[1]);
      if (end + 2 > text.length) return null;
      if (text.slice(end, end + 2) !== '\r\n') return `no end of ${JSON.stringify(line)}`;
      at = end + 2;
    } else if (!LINE.test(line)) return `no reply: ${JSON.stringify(line.slice(0, 200))}`;
  }
}

const HEADER_BYTES = 24;
const REQUEST = 0x80;
const RESPONSE = 0x81;

interface Request {
  opcode: number;
  opaque: number;
}

/** The requests that the server can have seen: a header tells where the next one is. */
function requestsOf(input: Buffer): Request[] {
  const requests: Request[] = [];
  for (let at = 0; at + HEADER_BYTES <= input.length && input[at] === REQUEST;) {
    requests.push({ opcode: input[at + 1], opaque: input.readUInt32BE(at + 12) });
    at += HEADER_BYTES + input.readUInt32BE(at + 8);
  }
  return requests;
}

/** The error in binary protocol replies, which must belong to requests, in their order; null if there is none. */
export function wrongBinary(input: Buffer, replies: Buffer): string | null {
  if (input.length === 0 || input[0] !== REQUEST) return wrongText(replies);
  const requests = requestsOf(input);
  let next = 0;
  for (let at = 0; at + HEADER_BYTES <= replies.length;) {
    const opcode = replies[at + 1], opaque = replies.readUInt32BE(at + 12);
    if (replies[at] !== RESPONSE) return `magic ${replies[at]} at ${at}`;
    const body = replies.readUInt32BE(at + 8);
    if (replies.readUInt16BE(at + 2) + replies[at + 4] > body) return `a body of ${body} bytes at ${at} is too short`;
    const found = requests.findIndex((request, i) => {
      return i >= next && request.opcode === opcode && request.opaque === opaque;
    });
    if (found === -1) return `a reply of opcode ${opcode} and opaque ${opaque}, which nobody has asked for`;
    next = found;
    at += HEADER_BYTES + body;
  }
  return null;
}

const UDP_HEADER_BYTES = 8;
const UDP_MAX_BYTES = 1400;

/** The error in datagrams, each of which must have a request's id and a valid sequence number; null if none. */
export function wrongDatagrams(requests: readonly Buffer[], replies: readonly Buffer[]): string | null {
  const whole = requests.filter(({ length }) => length >= UDP_HEADER_BYTES);
  const ids = new Set(whole.map((bytes) => bytes.readUInt16BE(0)));
  for (const reply of replies) {
    if (reply.length < UDP_HEADER_BYTES || reply.length > UDP_MAX_BYTES) return `a datagram of ${reply.length} bytes`;
    if (!ids.has(reply.readUInt16BE(0))) return `a datagram for request ${reply.readUInt16BE(0)}, which nobody sent`;
    const number = reply.readUInt16BE(2), count = reply.readUInt16BE(4);
    if (number >= count) return `datagram ${number} of ${count}`;
  }
  return null;
}
