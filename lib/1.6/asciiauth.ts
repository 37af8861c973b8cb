// With -Y, the only command that a client of the text protocol may send before it has authenticated: `set`, with
// `user password` as the value (proto_text.c: try_read_command_asciiauth).
import type { Conn, Protocol } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { memchr } from '../libc/string';
import { authfileCheck } from './authfile';
import { currentTime } from './clock';
import { ERROR_CLOSE, threadStats } from './memcached.h';
import { text } from './proto_text';
import { consume } from './receive';
import { ntokens, number, tokenU32, tokenize } from './tokens';
import { outString } from './transmit';

/** Maximum bytes of a value. */
const MAX_AUTH_REQ_LEN = 16384;
/** Minimum and maximum bytes of a line without its newline. */
const MIN_AUTH_REQ_LEN = 6;
const LINE_MAX_BYTES = 2048;

const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const CRLF = 2;

// proto_text.c: try_read_command_asciiauth
function tryReadCommandAsciiauth(c: Conn): number {
  if (!c.saslStarted) return tryReadLine(c);
  // rlbytes counts the value and its \r\n.
  if (c.rbytes < c.rlbytes) return 0;
  c.saslStarted = false;
  authenticate(c, c.rbuf, c.rbuf + c.rlbytes - CRLF);
  consume(c, c.rlbytes);
  return 1;
}

function tryReadLine(c: Conn): number {
  const el = memchr(c.rbuf, LF, c.rbytes);
  if (el === NULL && c.rbytes <= LINE_MAX_BYTES) return 0;
  // C accepts a longer line if its newline has arrived by the time C looks.
  if (el === NULL || el - c.rbuf < MIN_AUTH_REQ_LEN || el - c.rbuf > LINE_MAX_BYTES) {
    c.closeReason = ERROR_CLOSE;
    c.state = ConnState.closing;
    return 1;
  }
  c.lastCmdTime = currentTime;
  c.noreply = false;
  tokenize(c.rbuf, u8[el - 1] === CR ? el - 1 : el);
  if (!startsWithSet(c.rbuf) || ntokens < 5 || !tokenU32(4)) {
    outString(c, 'CLIENT_ERROR unauthenticated');
  } else if (number > MAX_AUTH_REQ_LEN) {
    outString(c, 'CLIENT_ERROR auth token too long');
  } else {
    // The key, the flags and the exptime are ignored.
    c.rlbytes = number + CRLF;
    c.saslStarted = true;
  }
  consume(c, el + 1 - c.rbuf);
  return 1;
}

/** C compares no more of the word. */
function startsWithSet(p: Ptr): boolean {
  return u8[p] === 0x73 && u8[p + 1] === 0x65 && u8[p + 2] === 0x74;
}

/** The value lies from `p` to `end`; its \r\n follows. */
function authenticate(c: Conn, p: Ptr, end: Ptr): void {
  if (u8[end] !== CR || u8[end + 1] !== LF) {
    outString(c, 'CLIENT_ERROR bad command line termination');
    return;
  }
  const space = memchr(p, SPACE, end - p);
  if (space === NULL) {
    outString(c, 'CLIENT_ERROR bad authentication token format');
    return;
  }
  threadStats.authCmds++;
  if (authfileCheck(u8.subarray(p, space), u8.subarray(space + 1, end))) {
    c.authenticated = true;
    c.protocol = text;
    outString(c, 'STORED');
  } else {
    threadStats.authErrors++;
    outString(c, 'CLIENT_ERROR authentication failure');
  }
}

/** The text protocol until the client has authenticated. */
export const asciiauth: Protocol = { ...text, tryReadCommand: tryReadCommandAsciiauth };
