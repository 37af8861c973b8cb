// Finds the descriptors that are ready for the events that wait for them. Level-triggered, as epoll(7) is by default.
// It looks only at descriptors that may be ready, however many are open.
import { EV_READ, EV_WRITE } from '../event.h';
import type { Descriptor } from './descriptor';

/** Those of EV_READ and EV_WRITE that are true and that an event waits for. */
export function readiness({ endpoint, evread, evwrite }: Descriptor): number {
  if (evread === null && evwrite === null) return 0;
  const interest = (evread === null ? 0 : EV_READ) | (evwrite === null ? 0 : EV_WRITE);
  return endpoint.poll() & interest;
}

export class Pollset {
  /** In the order in which they became ready. Some may not be ready any more. */
  private readonly candidates: Descriptor[] = [];

  /** `onReady` is called when a descriptor becomes ready. */
  constructor(private readonly onReady: () => void) {}

  /** `descriptor` has changed, or its events have. */
  changed(descriptor: Descriptor): void {
    if (descriptor.candidate || readiness(descriptor) === 0) return;
    descriptor.candidate = true;
    this.candidates.push(descriptor);
    this.onReady();
  }

  /** The descriptors that are ready now. The array is the poll set's own. */
  ready(): readonly Descriptor[] {
    const { candidates } = this;
    let n = 0;
    for (const descriptor of candidates) {
      if (readiness(descriptor) !== 0) candidates[n++] = descriptor;
      else descriptor.candidate = false;
    }
    // Setting the length would be slower.
    while (candidates.length > n) candidates.pop();
    return candidates;
  }
}
