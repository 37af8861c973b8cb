// Closed connections that still have bytes to send: how many there are, and when to give up.
import type { Socket } from 'node:net';

/** How long such a connection may make no progress, as in the economy. */
const ORPHAN_TIMEOUT_MS = 60_000;

export class Orphans {
  /** How many there are. */
  count = 0;

  /** Adds a closed socket. The peer has taken nothing since `since`, by performance.now(). `reset` ends it. */
  add(socket: Socket, since: number, reset: () => void): void {
    const left = Math.max(0, since + ORPHAN_TIMEOUT_MS - performance.now());
    const timer = setTimeout(reset, left);
    timer.unref();
    this.count++;
    socket.once('close', () => {
      clearTimeout(timer);
      this.count--;
    });
  }
}
