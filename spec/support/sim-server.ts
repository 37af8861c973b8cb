// A server of our own in this process, on the simulated backend: one at a time, since the port's variables are C's.
import { memoryNeeds } from '../../lib/1.6/options';
import { Simulation } from '../../reactor/sim';
import type { SimClient, SimulationOptions } from '../../reactor/sim';
import type { Eventop } from '../../reactor/event.h';
import { commandOptions } from '../../scripts/command/options';
import { PORT, argvOf, startOn, stopOn } from '../../scripts/sim/server';
import { takeMemory } from './memory';
import { replace } from './replace';
import { Replies } from './replies';

const MIB = 1 << 20;
/** For a few items. */
export const SMALL_MEMORY = [16 * MIB, 8 * MIB, 10 * MIB] as const;
/** Less than the command allocates, which serves more connections. */
const memoryFor = (megabytes: number): readonly [small: number, large: number, items: number] =>
  [16 * MIB, 32 * MIB, (1.25 * megabytes + 16) * MIB];

/** Hides from the server that root runs this process: switching to root is slow, and changes nothing. */
async function withoutRoot<T>(run: () => Promise<T>): Promise<T> {
  const restores = (['getuid', 'geteuid'] as const).map((name) => replace(process, name, () => () => 1));
  try {
    return await run();
  } finally {
    for (const restore of restores) restore();
  }
}

export interface SimServerOptions extends Partial<SimulationOptions> {
  /** Whether it runs with `--classic`. */
  classic?: boolean;
  /** Whether it is memcached 1.6; else 1.0.4. */
  today?: boolean;
  /** Bytes for small blocks, large ones and items; by default enough for -m, or for a few items without -m. */
  memory?: readonly [small: number, large: number, items: number];
  /** A layer above the backend. */
  over?: ((base: Eventop) => Eventop) | null;
}

export class SimServer {
  /** `ended` resolves to main's result. */
  private constructor(readonly sim: Simulation, readonly ended: Promise<number>) {}

  /** Resolves when it listens. `args` are the arguments besides the port and `--classic`. */
  static async start(args: readonly string[] = [], options: SimServerOptions = {}): Promise<SimServer> {
    const { classic = false, today = false, memory, over = null, ...simulation } = options;
    const sim = new Simulation({ seed: 1, record: false, ...simulation });
    const argv = argvOf(args);
    const said = args.includes('-m');
    const megabytes = today ? memoryNeeds(argv)?.megabytes : Number(commandOptions(args).megabytes);
    takeMemory(...(memory ?? (said && megabytes !== undefined ? memoryFor(megabytes) : SMALL_MEMORY)));
    const { ended } = await withoutRoot(() => startOn(sim, argv, { classic, today, over }));
    return new SimServer(sim, ended);
  }

  connect(): Promise<SimPeer> {
    return Promise.resolve(this.connectNow());
  }

  /** The same, without a promise. */
  connectNow(): SimPeer {
    return new SimPeer(this.sim.connect(PORT));
  }

  /** Ends the loop; main's memory and variables stay as they are. */
  async stop(): Promise<void> {
    await stopOn(this.sim, this.ended);
  }
}

/** A client of the simulation. */
export class SimPeer extends Replies {
  constructor(readonly client: SimClient) {
    super();
    client.onReceive = () => {
      const chunk = client.take();
      if (chunk.length > 0) this.received(chunk);
      if (client.ended || client.wasReset) this.ended();
    };
  }

  send(data: string | Uint8Array): void {
    this.client.send(data);
  }

  /** Ends the client's side. */
  end(): void {
    this.client.end();
  }

  /** Closes with an end of stream, or with a reset if there are unread bytes. */
  destroy(): void {
    this.client.close();
  }

  /** Closes with a reset. */
  reset(): void {
    this.client.reset();
  }

  pauseReading(): void {
    this.client.pauseReading();
  }

  resumeReading(): void {
    this.client.resumeReading();
  }
}
