// Coverage-guided fuzzing of one target: inputs that reach new code of the server are kept, and mutated into others.
// An input is tried in one piece and in several, and both must get the same answer.
import { Random } from '../../reactor/sim';
import type { Coverage } from './coverage';
import { cut, mutate } from './mutate';
import { HostileServer } from './server';
import type { Outcome } from './server';
import type { Target } from './targets';
import { piecesOf } from './targets';

/** Inputs per coverage report, since taking a report takes longer than running an input. */
const BATCH = 24;
/** Inputs per server. */
const RUNS_PER_SERVER = 400;
const SHRINKS_MAX = 40;
const PIECES_MAX = 8;

/** Answers to such inputs depend on how they are cut, or on earlier inputs. */
const NOT_COMPARED = /stats|watch|lru|slabs|verbosity|flush|cache_memlimit|[^\n]{1024}/;
/** Opcodes of the binary protocol, likewise: stat. */
const STAT = '\x80\x10';

export interface Finding {
  input: Buffer;
  problem: string;
}

/** Whether an input must get the same answer, however it is cut. */
export function isCompared(input: Buffer): boolean {
  const text = input.toString('latin1');
  return !NOT_COMPARED.test(text) && !text.includes(STAT);
}

export class Fuzzer {
  readonly findings: Finding[] = [];
  runs = 0;
  private readonly random: Random;
  private corpus: Buffer[] = [];
  private readonly reached = new Set<string>();
  private server: HostileServer | null = null;
  private served = 0;

  /** `trying` is called with each input before it is tried. */
  constructor(
    private readonly target: Target, seed: number, private readonly coverage: Coverage,
    private readonly trying: (input: Buffer) => void,
  ) {
    this.random = new Random(seed);
  }

  get blocks(): number {
    return this.reached.size;
  }

  get inputs(): readonly Buffer[] {
    return this.corpus;
  }

  /** Begins with these inputs, and with those of the target. */
  async begin(known: readonly Buffer[]): Promise<void> {
    this.coverage.take();
    const seeds = this.target.seeds.map((seed) => Buffer.from(seed, 'latin1'));
    for (const input of [...known, ...seeds]) if (await this.isNew(input)) await this.keep(input);
  }

  /** Tries some new inputs. */
  async step(): Promise<void> {
    const { corpus, random, target } = this;
    const batch = Array.from({ length: BATCH }, () => {
      return mutate(random, random.pick(corpus), random.pick(corpus), target.words);
    });
    for (const input of batch) await this.attempt(input, random.chance(0.3));
    const together = this.coverage.take();
    if (![...together].some((block) => !this.reached.has(block))) return;
    for (const input of batch) {
      const before = new Set(this.reached);
      if (!(await this.isNew(input))) continue;
      const news = [...this.reached].filter((block) => !before.has(block));
      await this.keep(await this.shrink(input, news));
    }
    for (const block of together) this.reached.add(block); // blocks that no input reached on its own
  }

  /** Keeps only inputs that are needed to reach all known blocks, short ones first. */
  async minimise(): Promise<void> {
    const inputs = [...this.corpus].sort((a, b) => a.length - b.length);
    this.corpus = [];
    this.reached.clear();
    await this.restart();
    this.coverage.take();
    for (const input of inputs) if (await this.isNew(input)) this.corpus.push(input);
  }

  async end(): Promise<void> {
    await this.server?.stop();
    this.server = null;
  }

  /** Whether an input reaches new blocks, which then count as known. */
  private async isNew(input: Buffer): Promise<boolean> {
    await this.attempt(input, false);
    const before = this.reached.size;
    for (const block of this.coverage.take()) this.reached.add(block);
    return this.reached.size > before;
  }

  private async keep(input: Buffer): Promise<void> {
    this.corpus.push(input);
    await this.compare(input);
    this.coverage.take();
  }

  /** The input without the parts that are not needed to reach `blocks`. */
  private async shrink(input: Buffer, blocks: readonly string[]): Promise<Buffer> {
    let shortest = input;
    let tries = SHRINKS_MAX;
    for (let length = input.length >>> 1; length > 0 && tries > 0; length >>>= 1) {
      for (let at = 0; at + length <= shortest.length && tries > 0; tries--) {
        const shorter = Buffer.concat([shortest.subarray(0, at), shortest.subarray(at + length)]);
        await this.attempt(shorter, false);
        const reached = this.coverage.take();
        if (blocks.every((block) => reached.has(block))) shortest = shorter;
        else at += length;
      }
    }
    return shortest;
  }

  /** In one piece and in several, each on a server of its own, the input must get the same answer. */
  private async compare(input: Buffer): Promise<void> {
    if (this.target.datagrams || !isCompared(input)) return;
    const outcomes: string[] = [];
    for (const pieces of [[input], cut(this.random, input, 100)]) {
      await this.restart();
      const { replies } = await this.tryPieces(input, pieces);
      outcomes.push(Buffer.concat(replies).toString('latin1'));
    }
    const other = outcomes.find((outcome) => outcome !== outcomes[0]);
    if (other === undefined) return;
    this.found(input, `cut, it is answered ${JSON.stringify(other)}, and whole ${JSON.stringify(outcomes[0])}`);
  }

  private async attempt(input: Buffer, inPieces: boolean): Promise<void> {
    if (this.served >= RUNS_PER_SERVER || this.server === null) await this.restart();
    const whole = piecesOf(this.target, input);
    await this.tryPieces(input, inPieces && !this.target.datagrams ? cut(this.random, input, PIECES_MAX) : whole);
  }

  private async tryPieces(input: Buffer, pieces: readonly Buffer[]): Promise<Outcome> {
    if (this.server === null) throw new Error('no server');
    this.trying(input);
    this.runs++;
    this.served++;
    const outcome = await this.server.run(pieces);
    if (outcome.problem !== null) {
      this.found(input, outcome.problem);
      await this.restart();
    }
    return outcome;
  }

  private found(input: Buffer, problem: string): void {
    const kind = (text: string): string => text.replace(/\d+/g, '').split('\n').slice(0, 2).join('\n').slice(0, 120);
    if (this.findings.some((known) => kind(known.problem) === kind(problem))) return;
    this.findings.push({ input, problem });
  }

  private async restart(): Promise<void> {
    await this.server?.stop();
    this.server = await HostileServer.start(this.target);
    this.served = 0;
  }
}
