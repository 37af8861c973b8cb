// The hint. A read that gave less than it was asked for has drained the descriptor: in this turn of the loop a further
// read gives EAGAIN, and the kernel is not asked. What comes meanwhile is reported by the next wait, since readiness is
// level-triggered. End of stream is held back to the next turn as well, even after a full read, so a client that sends and
// closes at once still gets its answer.
import { withRoomFor } from './bydescriptor';

export class Hint {
  /** The turn of the loop, counted in twos; 0 is none. Numbers come again after 2^29 turns: an EAGAIN too many. */
  private turn = 2;
  /** By descriptor, the turn in which a read last gave bytes, plus one where it drained the descriptor. */
  private reads = new Int32Array(1024);

  beginTurn(): void {
    this.turn = (this.turn + 2) & 0x3ffffffe || 2;
  }

  /** A read in this turn has drained `fd`. */
  isDrained(fd: number): boolean {
    return fd < this.reads.length && this.reads[fd] === this.turn + 1;
  }

  /** A read in this turn has given bytes of `fd`, as many as it was asked for. */
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
