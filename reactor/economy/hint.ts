// The hint. A read that returns less than it asked for has drained the descriptor: for the rest of the turn, further
// reads give EAGAIN without a system call. The next wait reports what arrives meanwhile, since readiness is
// level-triggered. End of stream is held back to the next turn as well, even after a full read, so a client that sends
// and closes at once still gets its answer.
import { withRoomFor } from './bydescriptor';

export class Hint {
  /** The number of the turn, counted in twos; 0 is none. It wraps after 2^29 turns, which may cost one extra EAGAIN. */
  private turn = 2;
  /** By descriptor, the turn of the last read that returned bytes, plus one if it drained the descriptor. */
  private reads = new Int32Array(1024);

  beginTurn(): void {
    this.turn = (this.turn + 2) & 0x3ffffffe || 2;
  }

  /** A read in this turn has drained `fd`. */
  isDrained(fd: number): boolean {
    return fd < this.reads.length && this.reads[fd] === this.turn + 1;
  }

  /** The last read of `fd` in this turn returned as many bytes as it asked for. */
  gaveAll(fd: number): boolean {
    return fd < this.reads.length && this.reads[fd] === this.turn;
  }

  hasRead(fd: number, drained: boolean): void {
    if (fd >= this.reads.length) this.reads = withRoomFor(this.reads, fd);
    this.reads[fd] = drained ? this.turn + 1 : this.turn;
  }

  closed(fd: number): void {
    if (fd < this.reads.length) this.reads[fd] = 0;
  }
}
