// A process that plays the seeds that its parent sends, one after the other.
import { checkMemory } from './checking';
import { generate } from './generate';
import type { Mode } from './plan';
import { Play } from './play';
import type { Failure } from './play';

/** A message to a worker. */
export interface Order {
  mode: Mode;
  /** On a checked memory: the same in all orders. */
  checked: boolean;
  seeds: number[];
}

/** Its reports: that it begins a seed, and the outcome. */
export type Report = { begins: number } | { seed: number; failure: Failure | null };

async function work({ mode, checked, seeds }: Order): Promise<void> {
  if (checked) checkMemory();
  for (const seed of seeds) {
    tell({ begins: seed });
    tell({ seed, failure: await new Play(generate(seed, mode)).run() });
  }
}

function tell(report: Report): void {
  process.send?.(report);
}

process.on('message', (order: Order) => {
  void work(order);
});
// Its parent may be gone.
process.on('disconnect', () => {
  process.exit(0);
});
