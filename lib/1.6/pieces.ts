// Answers of any length, made piece by piece as the client reads them, so that they need little memory and other
// connections get their turn in between. Until the end, the connection has a protocol of its own.
import { EV_PERSIST, EV_WRITE } from '../../reactor/event.h';
import type { Conn, Protocol } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { updateEvent } from '../memcached';
import type { Ptr } from '../libc/memory';
import { NULL, malloc } from '../libc/memory';
import { memcpy } from '../libc/string';

/** Bytes of a piece: the most that is made for one connection before the others get their turn. */
const PIECE_BYTES = 16 * 1024;

/**
 * Writes the next bytes of the answer to `dst`, at most `room`, and returns how many: 0 if nothing is left; NOT_YET if
 * there may be more, but this call has done enough work.
 */
export type Fill = (dst: Ptr, room: number) => number;
export const NOT_YET = -1;

/** Answers with what `fill` writes, and then `end`. Calls `done` at the end, or when the connection is closed. */
export function sendPieces(c: Conn, fill: Fill, end: string, done: () => void = () => {}): void {
  const before = c.protocol;
  let yielded = true; // the connection's turn has just begun
  c.protocol = {
    ...before,
    tryReadCommand: unexpected,
    completeNread: unexpected,
    drive: (): boolean => {
      if (!yielded) {
        yielded = true;
        if (updateEvent(c, EV_WRITE | EV_PERSIST) === 1) return true; // the others' turn
        c.state = ConnState.closing;
        return false;
      }
      yielded = false;
      const buf = malloc(PIECE_BYTES);
      if (buf === NULL) {
        c.state = ConnState.closing; // the cut answer would look complete
        return false;
      }
      const bytes = fill(buf, PIECE_BYTES);
      if (bytes === 0) {
        c.protocol = before;
        memcpy(buf, end, end.length);
        done();
      }
      c.writeAndFree = c.wcurr = buf;
      c.wbytes = bytes === 0 ? end.length : Math.max(bytes, 0);
      c.state = ConnState.write;
      c.writeAndGo = bytes === 0 ? ConnState.read : ConnState.transmit;
      return false;
    },
    connClose: (closed): void => {
      done();
      before.connClose(closed);
    },
  } satisfies Protocol;
  c.state = ConnState.transmit;
}

/** Writes a text; returns its end. */
export function putText(dst: Ptr, text: string): Ptr {
  memcpy(dst, text, text.length);
  return dst + text.length;
}

function unexpected(): never {
  throw new Error('no command is read before the answer is through');
}
