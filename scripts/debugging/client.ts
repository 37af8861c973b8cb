// A client for debugging the server: it sends a few commands, each after the reply to the last, and prints both sides.
// It waits while the server stands at a breakpoint. Its argument is the port, on 127.0.0.1.
import { connect } from 'node:net';

/** Each with the end of its reply. */
const CONVERSATION: readonly (readonly [request: string, replyEnd: string])[] = [
  ['set greeting 0 0 5\r\nhello\r\n', 'STORED\r\n'],
  ['get greeting nothing\r\n', 'END\r\n'],
  ['set visits 0 0 1\r\n9\r\n', 'STORED\r\n'],
  ['incr visits 1\r\n', '\r\n'],
  ['get greeting\r\nget visits\r\n', 'END\r\n'],
  ['delete greeting\r\n', 'DELETED\r\n'],
  ['add greeting 0 0 2\r\nhi\r\n', 'NOT_STORED\r\n'],
  ['quit\r\n', ''],
];

const RETRY_MS = 100;
const port = Number(process.argv[2]);

function shown(text: string, mark: string): void {
  for (const line of text.split('\r\n').slice(0, -1)) process.stdout.write(`${mark} ${line}\n`);
}

function talk(): void {
  const socket = connect(port, '127.0.0.1');
  let at = -1;
  let reply = '';
  const next = (): void => {
    reply = '';
    const [request] = CONVERSATION[++at];
    shown(request, '>');
    socket.write(request, 'latin1');
  };
  socket.on('connect', next);
  socket.on('data', (chunk) => {
    const text = chunk.toString('latin1');
    shown(text, '<');
    reply += text;
    if (at < CONVERSATION.length - 1 && reply.endsWith(CONVERSATION[at][1])) next();
  });
  // The server is not listening yet.
  socket.on('error', () => setTimeout(talk, RETRY_MS));
}

// Ends with the server.
process.on('disconnect', () => process.exit());
talk();
