// Which descriptors are ready for the events that wait for them. Level-triggered, as epoll(7) is by default; only those
// that may be ready are ever looked at, however many there are.
import { EV_READ, EV_WRITE } from '../event.h';
import type { Descriptor } from './descriptor';

/** EV_READ and EV_WRITE, as far as they are true and waited for. */
export function readiness({ endpoint, evread, evwrite }: Descriptor): number {
  if (evread === null && evwrite === null) return 0;
  const interest = (evread === null ? 0 : EV_READ) | (evwrite === null ? 0 : EV_WRITE);
  return endpoint.poll() & interest;
}

export class Pollset {
  /** In the order in which they became ready; some may no longer be. */
  private readonly candidates: Descriptor[] = [];

  /** `onReady` is called whenever a descriptor has become ready that was not. */
  constructor(private readonly onReady: () => void) {}

  /** `descriptor`, or what waits for it, is not as it was. */
  changed(descriptor: Descriptor): void {
    if (descriptor.candidate || readiness(descriptor) === 0) return;
    descriptor.candidate = true;
    this.candidates.push(descriptor);
    this.onReady();
  }

  /** Those that are ready now. The array is the poll set's own. */
  ready(): readonly Descriptor[] {
    const { candidates } = this;
    let n = 0;
    for (const descriptor of candidates) {
      if (readiness(descriptor) !== 0) candidates[n++] = descriptor;
      else descriptor.candidate = false;
    }
    // Setting the length is the slow way.
    while (candidates.length > n) candidates.pop();
    return candidates;
  }
}
