// Looks for events some times before the loop goes to sleep. Where a client answers at once, that is quicker than to
// sleep and be woken, and takes less of the processor. Where nothing is found, it is soon given up, and then tried from
// time to time.

/** In all about as long as the kernel takes to put a process to sleep and to wake it: some 20 microseconds. */
const LOOKS_MAX = 30;
/** Of so many times that the loop goes to sleep, we look before one, where looking has been given up. */
const PAUSE = 16;

export class Patience {
  private most = LOOKS_MAX;
  private slept = 0;

  /** Calls `poll` until it returns something else than 0, or as often as it is worth it. Returns the last result. */
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
