// The hint. A read that gave less than it was asked for has drained the descriptor: in this turn of the loop a further read
// gives EAGAIN, and the kernel is not asked. What comes meanwhile is reported by the next wait, since readiness is
// level-triggered. The end of the stream, too, is told in a turn after the one that gave the last bytes: whoever sends and
// is done at once is answered, however much was sent.
import { withRoomFor } from './bydescriptor';

export class Hint {
  /** The turn of the loop, counted in twos; 0 is none. That numbers come again after 2^29 turns costs an EAGAIN at most. */
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
