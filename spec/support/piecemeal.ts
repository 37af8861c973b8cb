// A server of today on the simulated backend, with calls that move few bytes or give EAGAIN; and a client that sends
// in pieces.
import { EAGAIN } from '../../reactor/errno.h';
import type { Random } from '../../reactor/sim';
import type { SimPeer, SimServerOptions } from './sim-server';
import { SimServer } from './sim-server';

const OFTEN = { probability: 0.3, errnos: [EAGAIN] };

/** Resolves when it listens. `args` are its arguments beside the port and -m. */
export function startPiecemeal(
  random: Random, seed: number, args: readonly string[] = [], options: SimServerOptions = {},
): Promise<SimServer> {
  return SimServer.start(['-m', '8', ...args], {
    today: true, seed, shortIo: true, shuffle: true, sendBuffer: random.pick([64, 65536]), maxTurns: Infinity,
    faults: { write: OFTEN, read: OFTEN }, ...options,
  });
}

/** Sends `text`, a byte for each character, in pieces of random lengths. Resolves when the server rests. */
export async function sendPiecemeal({ sim }: SimServer, peer: SimPeer, text: string, random: Random): Promise<void> {
  const longest = text.length > 10_000 ? 100_000 : 100;
  for (let from = 0; from < text.length;) {
    const to = from + 1 + random.int(longest);
    peer.send(Buffer.from(text.slice(from, to), 'latin1'));
    from = to;
    if (random.chance(0.5)) await sim.idle();
  }
  await sim.idle();
}
