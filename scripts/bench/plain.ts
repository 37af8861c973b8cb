// A plain server on node:net that knows get and set: what Node does without a port of memcached. Started with its port.
import { createServer } from 'node:net';
import type { Socket } from 'node:net';

const END = Buffer.from('END\r\n');
const STORED = Buffer.from('STORED\r\n');
const ERROR = Buffer.from('ERROR\r\n');
const BAD_CHUNK = Buffer.from('CLIENT_ERROR bad data chunk\r\n');

/** By key, the part of a reply that has the item: "VALUE <key> <flags> <bytes>\r\n<data>\r\n". */
const items = new Map<string, Buffer>();

function serve(socket: Socket): void {
  let rest: Buffer | null = null;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    const input = rest === null ? chunk : Buffer.concat([rest, chunk]);
    const replies: Buffer[] = [];
    const used = execute(input, replies);
    rest = used === input.length ? null : input.subarray(used);
    if (replies.length > 0) socket.write(replies.length === 1 ? replies[0] : Buffer.concat(replies));
  });
}

/** Runs all complete commands, and returns how many bytes they took. */
function execute(input: Buffer, replies: Buffer[]): number {
  let at = 0;
  for (;;) {
    const end = input.indexOf('\r\n', at, 'latin1');
    if (end === -1) return at;
    const words = input.toString('latin1', at, end).split(' ');
    if (words[0] === 'get' && words.length > 1) {
      get(words, replies);
      at = end + 2;
    } else if (words[0] === 'set' && words.length === 5) {
      const next = end + 2 + Number(words[4]) + 2;
      if (next > input.length) return at;
      replies.push(set(words, input, end + 2, next));
      at = next;
    } else {
      replies.push(ERROR);
      at = end + 2;
    }
  }
}

function get(words: readonly string[], replies: Buffer[]): void {
  for (let i = 1; i < words.length; i++) {
    const item = items.get(words[i]);
    if (item !== undefined) replies.push(item);
  }
  replies.push(END);
}

/** `data`: offset of the data in the input; `next`: offset of the next command, behind the data's "\r\n". */
function set(words: readonly string[], input: Buffer, data: number, next: number): Buffer {
  if (input[next - 2] !== 0x0d || input[next - 1] !== 0x0a) return BAD_CHUNK;
  const head = `VALUE ${words[1]} ${words[2]} ${words[4]}\r\n`;
  const item = Buffer.allocUnsafe(head.length + next - data);
  item.write(head, 'latin1');
  input.copy(item, head.length, data, next);
  items.set(words[1], item);
  return STORED;
}

createServer(serve).listen(Number(process.argv[2]), '127.0.0.1');
