// A server in this process on the simulated backend, in a checked memory. Checks that hostile bytes do nothing to it
// but end their connection.
import { main } from '../../lib/memcached';
import { main as mainToday } from '../../lib/1.6/main';
import { memoryInit } from '../../lib/libc/memory';
import { eventEconomy } from '../../reactor/backends';
import { Simulation, installSimulation } from '../../reactor/sim';
import type { SimClient } from '../../reactor/sim';
import { FREED_JUNK, NEW_JUNK } from '../checked/allocator';
import type { CheckedMemory } from '../checked/memory';
import { checkedMemory } from '../checked/memory';
import { replace } from '../checked/replace';
import type { Target } from './targets';

const PORT = 11211;
const MIB = 1 << 20;
const MEMORY = [2 * MIB, 8 * MIB, 60 * MIB] as const;
/** More turns of the loop for one piece of input count as a spin. */
const TURNS_MAX = 5000;
/** How much more memory may be in use than after the first connection: some lists never shrink. */
const GROWTH_MAX_BYTES = 256 * 1024;

/** Other clients' data, under keys that no input guesses. No reply to the input may contain it. */
const MARKER = '#of another client#';
const HIDDEN_KEYS = ['hidden-3f9a', 'hidden-b07c'];
const HIDDEN = [MARKER.repeat(3), MARKER.repeat(120)];
const HIDDEN_REPLY = HIDDEN_KEYS.map((key, i) => `VALUE ${key} 0 ${HIDDEN[i].length}\r\n${HIDDEN[i]}\r\n`);
const HIDDEN_SET = HIDDEN_KEYS.map((key, i) => `set ${key} 0 0 ${HIDDEN[i].length}\r\n${HIDDEN[i]}\r\n`).join('');
const JUNK = [NEW_JUNK, FREED_JUNK].map((byte) => Buffer.alloc(8, byte));

let checked: CheckedMemory | null = null;

/** The answer to the input: the bytes of a connection, or its datagrams. */
export interface Outcome {
  replies: Buffer[];
  /** The error, with its stack if there is one; null if there is none. */
  problem: string | null;
}

export class HostileServer {
  private readonly guest: SimClient;
  private stderr = '';
  private readonly restore: () => void;
  private readonly seen: number;
  private used: number | null = null;

  private constructor(
    private readonly target: Target, private readonly sim: Simulation, private readonly ended: Promise<number>,
    private readonly memory: CheckedMemory,
  ) {
    this.restore = replace(process.stderr, 'write', () => (chunk: string | Uint8Array): boolean => {
      this.stderr += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('latin1');
      return true;
    });
    this.seen = memory.violations.length;
    this.guest = sim.connect(PORT);
  }

  static async start(target: Target): Promise<HostileServer> {
    checked ??= checkedMemory();
    const sim = new Simulation({ seed: 1, record: false, maxTurns: TURNS_MAX });
    installSimulation(sim);
    eventEconomy(target.economy);
    memoryInit(...MEMORY);
    const argv = ['memcached-ts', '-p', String(PORT), ...target.args];
    const ended = target.today ? mainToday(argv) : main(argv.length, argv);
    await sim.idle();
    const server = new HostileServer(target, sim, ended, checked);
    await server.exchange(HIDDEN_SET);
    return server;
  }

  /** Sends the pieces one by one, each when the server is done with the last, and then disconnects. */
  async run(pieces: readonly Buffer[]): Promise<Outcome> {
    let replies: Buffer[] = [];
    let problem: string | null;
    try {
      replies = this.target.datagrams ? await this.sendDatagrams(pieces) : [await this.sendBytes(pieces)];
      problem = this.wrongReply(pieces, replies) ?? await this.wrongOtherwise();
    } catch (error) {
      problem = error instanceof Error ? error.stack ?? error.message : String(error);
    }
    return { replies, problem: this.failure() ?? problem };
  }

  async stop(): Promise<void> {
    this.restore();
    this.sim.stop();
    await this.ended;
    installSimulation(null);
  }

  private async sendBytes(pieces: readonly Buffer[]): Promise<Buffer> {
    const client = this.sim.connect(PORT);
    for (const piece of pieces) {
      if (client.ended || client.wasReset) break;
      client.send(piece);
      await this.sim.idle();
    }
    await this.sim.advance(0.01);
    const replies = client.take();
    if (!client.ended && !client.wasReset) client.close();
    await this.sim.idle();
    return replies;
  }

  private async sendDatagrams(pieces: readonly Buffer[]): Promise<Buffer[]> {
    const client = this.sim.datagrams(PORT);
    for (const piece of pieces) client.send(piece);
    await this.sim.idle();
    await this.sim.advance(0.01);
    return client.take();
  }

  /** The error in the replies themselves. */
  private wrongReply(pieces: readonly Buffer[], replies: readonly Buffer[]): string | null {
    const input = Buffer.concat(pieces);
    for (const reply of replies) {
      if (reply.includes(MARKER) && !input.includes(MARKER)) return 'what another client has stored was sent';
      if (JUNK.some((junk) => reply.includes(junk) && !input.includes(junk))) return 'memory that was never written was sent';
    }
    return this.target.wrongReply(pieces, replies);
  }

  /** An error outside of the connection. */
  private async wrongOtherwise(): Promise<string | null> {
    const others = await this.exchange(`get ${HIDDEN_KEYS.join(' ')}\r\n`);
    // The input may have flushed them.
    const allowed = [HIDDEN_REPLY.join(''), ...HIDDEN_REPLY, ''].map((values) => `${values}END\r\n`);
    if (!allowed.includes(others)) return `another client was answered ${JSON.stringify(others.slice(0, 200))}`;
    if (others !== allowed[0]) await this.exchange(HIDDEN_SET);
    this.memory.verify();
    const used = this.memory.live().reduce((sum, { by, size }) => sum + (by === 'malloc' ? size : 0), 0);
    this.used ??= used;
    return used > this.used + GROWTH_MAX_BYTES ? `${used - this.used} bytes were lost` : null;
  }

  private async exchange(request: string): Promise<string> {
    this.guest.send(request);
    await this.sim.idle();
    return this.guest.take().toString('latin1');
  }

  /** A memory violation, or the server's message about an exception, since the last call. */
  private failure(): string | null {
    const { stderr } = this;
    this.stderr = '';
    const violation = this.memory.violations.at(this.seen);
    if (violation !== undefined) return violation.stack ?? violation.message;
    return /^memcached-ts: /m.test(stderr) ? stderr : null;
  }
}
