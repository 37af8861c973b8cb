// Polls for events several times before the loop goes to sleep. If a client answers at once, that is quicker than to
// sleep and be woken, and takes less processor time. Polls that find nothing soon stop, and are tried again from time
// to time.

/** These polls take about as long as the kernel's sleep and wake-up of a process: some 20 microseconds. */
const LOOKS_MAX = 30;
/** After giving up, we poll before one of this many sleeps. */
const PAUSE = 16;

export class Patience {
  private most = LOOKS_MAX;
  private slept = 0;

  /** Calls `poll` until it returns non-zero, or as often as it pays. Returns the last result. */
  look(poll: (arg: object) => number, arg: object): number {
    for (let looks = this.looks(); looks > 0; looks--) {
      const found = poll(arg);
      if (found === 0) continue;
      this.most = LOOKS_MAX;
      return found;
    }
    this.most >>= 1;
    return 0;
  }

  private looks(): number {
    if (this.most > 0) return this.most;
    this.slept = (this.slept + 1) % PAUSE;
    return this.slept === 0 ? LOOKS_MAX : 0;
  }
}
