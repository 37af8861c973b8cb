// What is still to be sent after close(2): how many connections have it, and when it is given up.
import type { Socket } from 'node:net';

/** How long such a connection may go without getting on, as in the economy. */
const ORPHAN_TIMEOUT_MS = 60_000;

export class Orphans {
  /** Connections that the program has closed, and that are still being sent. */
  count = 0;

  /** `socket` was closed, and the peer has taken nothing since `since`, in milliseconds of performance.now(). */
  add(socket: Socket, since: number): void {
    const left = Math.max(0, since + ORPHAN_TIMEOUT_MS - performance.now());
    const timer = setTimeout(() => socket.resetAndDestroy(), left);
    timer.unref();
    this.count++;
    socket.once('close', () => {
      clearTimeout(timer);
      this.count--;
    });
  }
}
