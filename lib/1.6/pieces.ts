// An answer of any length, made piece by piece as the client takes it, so that it needs little memory, and other
// connections have their turn in between. Until it is through, the connection speaks a protocol of its own.
import { EV_PERSIST, EV_WRITE } from '../../reactor/event.h';
import type { Conn, Protocol } from '../memcached.h';
import { ConnState } from '../memcached.h';
import { updateEvent } from '../memcached';
import type { Ptr } from '../libc/memory';
import { NULL, malloc } from '../libc/memory';
import { memcpy } from '../libc/string';

/** Bytes of a piece: what is made for one connection, before the others have their turn. */
const PIECE_BYTES = 16 * 1024;

/**
 * Writes the next bytes of the answer from `dst`, `room` at most, and returns how many; 0 if nothing is left; NOT_YET
 * if there may be more, but enough was looked at for once.
 */
export type Fill = (dst: Ptr, room: number) => number;
export const NOT_YET = -1;

/** Answers with what `fill` writes, and `end` behind it. `done` is called when it is through, or the client is gone. */
export function sendPieces(c: Conn, fill: Fill, end: string, done: () => void = () => {}): void {
  const before = c.protocol;
  let yielded = true; // the command itself has just begun
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
        c.state = ConnState.closing; // it would look whole otherwise
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
