// The clients of a soak: a process of their own, so that no measurement waits for them. The parent sends orders.
import { monitorEventLoopDelay } from 'node:perf_hooks';

import { seeded } from '../bench/random';
import { Careful } from './careful';
import type { Orders, Outcome } from './protocol';
import { Rough } from './rough';
import { Tally } from './tally';

const CAREFUL = 6;
const ROUGH = 4;

/** Runs the clients until the time is over, or an answer is wrong. */
async function perform({ port, seed, seconds }: Orders): Promise<Outcome> {
  const tally = new Tally();
  const end = performance.now() + seconds * 1000;
  const over = (): boolean => performance.now() >= end || tally.isWrong;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const clients = [
    ...Array.from({ length: CAREFUL }, (_, i) => new Careful(port, seeded(seed * 100 + i), `careful${i}:`, tally)),
    ...Array.from({ length: ROUGH }, (_, i) => new Rough(port, seeded(seed * 100 + 50 + i), `rough${i}-`, tally)),
  ];
  await Promise.all(clients.map(async (client) => {
    try {
      await client.run(over);
    } catch (error) {
      tally.wrong(error instanceof Error ? error.message : String(error));
    }
  }));
  delay.disable();
  return { seen: tally.seen, pause: delay.max / 1e6 };
}

process.on('message', (orders: Orders) => {
  void perform(orders).then((outcome) => process.send?.(outcome));
});
// The parent is gone.
process.on('disconnect', () => process.exit());
