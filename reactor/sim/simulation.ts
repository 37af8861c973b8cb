// A simulation: what a test decides, and how the loop waits for it. Time stands still while the program works; it
// passes only when a test lets it, or, with `autoAdvance`, whenever nothing else is left to do.
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import type { Linger } from '../socket.h';
import { EINTR } from '../errno.h';
import { randomFaults, transcript } from './calls';
import type { CallHook, CallRecord, FaultTable, TranscriptEntry } from './calls';
import { SimClient } from './client';
import { Clock, microseconds } from './clock';
import { CallGate } from './gate';
import { Kernel } from './kernel';
import { Network } from './network';
import type { ReadyEvent } from './pollset';
import { Random } from './random';
import { listeningFor, raise } from './signals';

export interface SimulationOptions {
  /** The same seed gives the same run. */
  seed: number;
  /** Reads, writes and batches of accept move a random part, at least 1, of what they could. */
  shortIo?: boolean;
  /** Events that are ready at the same time are reported in random order. */
  shuffle?: boolean;
  /** What the clock says at the start, in seconds since 1970. */
  startTime?: number;
  /** Bytes that the program may have written to a connection which are not read, before write gives EAGAIN. */
  sendBuffer?: number;
  /** RLIMIT_NOFILE: at this number of descriptors, 0 to 2 included, EMFILE. */
  maxFds?: number;
  /** Which calls fail: by chance, or as a function says that is asked before each, after `onCall`. */
  faults?: FaultTable | CallHook;
  /** Time jumps to what is due next whenever nothing is ready, until stop(). For runs that at() decides altogether. */
  autoAdvance?: boolean;
  /** Whether system calls are recorded. */
  record?: boolean;
  /** How often the loop may turn without coming to rest, before idle() rejects and the simulation is stopped. */
  maxTurns?: number;
}

/** 2003-06-23 00:00:00 UTC. */
const START_TIME = 1056326400;
const SEND_BUFFER = 65536;
const MAX_FDS = 1048576;
const MAX_TURNS = 100000;
/** A loop that finds something ready each time lets Node's own loop turn after so many. */
const TURNS_PER_YIELD = 64;

/** What the loop is at: outside of dispatch (in the program, or ended), letting Node turn, or waiting for the test. */
type Phase = 'outside' | 'turning' | 'waiting';

export class Simulation {
  /** Asked before each system call: makes it fail, or move less. */
  onCall: CallHook | null = null;
  /** For a test's own choices by seed. */
  readonly random: Random;
  stopped = false;

  private readonly clock: Clock;
  private readonly network: Network;
  private readonly gate: CallGate;
  private readonly kernel: Kernel;
  private readonly order: Random | null;
  private readonly maxTurns: number;

  /** Up to when time may pass by itself, in microseconds since the start. */
  private horizon: number;
  private turns = 0;
  private phase: Phase = 'outside';
  private wakeUp: () => void = () => {};
  private interrupted = false;

  constructor(options: SimulationOptions) {
    const seeds = new Random(options.seed);
    const [io, order, entropy, chance, own] = Array.from({ length: 5 }, () => seeds.fork());
    const { faults = {} } = options;
    const byChance = typeof faults === 'function' ? faults : randomFaults(faults, chance);

    this.clock = new Clock(options.startTime ?? START_TIME);
    this.network = new Network(options.sendBuffer ?? SEND_BUFFER);
    this.gate = new CallGate((call) => this.onCall?.(call) ?? byChance(call));
    this.gate.recording = options.record ?? true;
    this.kernel = new Kernel({
      clock: this.clock,
      network: this.network,
      gate: this.gate,
      shortIo: options.shortIo === true ? io : null,
      entropy,
      maxFds: options.maxFds ?? MAX_FDS,
      onCandidate: () => {
        this.rouse();
      },
    });
    this.order = options.shuffle === true ? order : null;
    this.random = own;
    this.maxTurns = options.maxTurns ?? MAX_TURNS;
    this.horizon = options.autoAdvance === true ? Infinity : 0;
  }

  // What a test does.

  /** A client's connection to a port on which the program listens. Throws an error of code ECONNREFUSED otherwise. */
  connect(port: number): SimClient {
    let queued = (): void => {};
    let inQueue = false;
    const endpoint = this.network.connect(port, () => {
      inQueue = true;
      queued();
    });
    const client = this.client(endpoint);
    client.connected = inQueue;
    queued = () => {
      client.connected = true;
    };
    return client;
  }

  /** Has `onConnection` get the other end of every connection that the program makes to `port`. */
  serve(port: number, onConnection: (client: SimClient) => void): void {
    this.network.serve(port, (endpoint) => {
      const client = this.client(endpoint);
      client.connected = true;
      onConnection(client);
    });
  }

  /** Two descriptors of the program that are connected with each other. */
  socketpair(): [number, number] {
    return this.kernel.socketpair();
  }

  /** Seconds since 1970, by the simulated clock. */
  get now(): number {
    return this.clock.now;
  }

  /** Seconds since the start of the simulation, whatever was done to the clock. */
  get elapsed(): number {
    return this.clock.elapsed / 1e6;
  }

  /** Sets the clock, forward or back; no time passes. Who waits for an interval goes on waiting as long as before. */
  setClock(seconds: number): void {
    this.clock.set(seconds);
  }

  /** Runs `fn` when `seconds` have passed since the start. In the past means in the loop's next turn. */
  at(seconds: number, fn: () => void): void {
    this.clock.at(microseconds(seconds), fn);
    this.rouse();
  }

  /** Runs `fn` in the loop's next turn. */
  soon(fn: () => void): void {
    this.clock.at(this.clock.elapsed, fn);
    this.rouse();
  }

  /** Lets time pass, with all that is due meanwhile, each at its time; resolves when the loop rests. */
  async advance(seconds: number): Promise<void> {
    const until = this.clock.elapsed + microseconds(seconds);
    this.horizon = Math.max(this.horizon, until);
    this.rouse();
    await this.idle();
    // Where no loop runs, or none any more.
    this.clock.passUntil(until);
  }

  /**
   * Resolves when the loop waits for the test, or does not run at all. Rejects where it does not come to rest, and
   * stops the simulation then.
   */
  async idle(): Promise<void> {
    const limit = this.turns + this.maxTurns;
    do {
      await nodeTurn();
      if (this.turns > limit) {
        this.stop();
        throw new Error(`the loop turned ${this.maxTurns} times without coming to rest`);
      }
    } while (this.phase === 'turning');
  }

  /** A signal for the program, by its number. False where nothing listens for it. */
  kill(sig: number): boolean {
    const handled = raise(sig);
    this.rouse();
    return handled;
  }

  /** Ends a wait with EINTR, as a signal does that nobody waits for: the loop then looks again at what it waits for. */
  interrupt(): void {
    this.interrupted = true;
    this.rouse();
  }

  /** From now on dispatch gives -1, so that eventLoop ends. */
  stop(): void {
    this.stopped = true;
    this.rouse();
  }

  /** The system calls so far, if they are recorded. */
  get calls(): readonly CallRecord[] {
    return this.gate.calls;
  }

  get recording(): boolean {
    return this.gate.recording;
  }

  set recording(on: boolean) {
    this.gate.recording = on;
  }

  /** The calls made for one connection: a client's, or that of a descriptor, the last one if there were several. */
  transcript(connection: SimClient | number): TranscriptEntry[] {
    if (typeof connection !== 'number') return transcript(this.calls, connection.socket);
    const last = this.calls.findLast((call) => {
      return call.name === 'accept' ? call.result === connection : call.fd === connection && call.socket !== 0;
    });
    return transcript(this.calls, last?.socket ?? 0);
  }

  /** The descriptors that are open: to see that none is left behind. */
  openFds(): number[] {
    return this.kernel.openFds();
  }

  /** What setsockopt has set. */
  sockopt(fd: number, level: number, optname: number): number | Linger | undefined {
    return this.kernel.sockopt(fd, level, optname);
  }

  // What the backend needs.

  get syscalls(): Syscalls {
    return this.kernel;
  }

  epollCreate(): void {
    this.kernel.epollCreate();
  }

  epollCtl(op: number, fd: number, events: number): number {
    return this.kernel.epollCtl(op, fd, events);
  }

  /**
   * epoll_wait(2): waits at most `tv` until something is ready, or until `signalled` says that one of `signals` came.
   * What is ready, or null with errno set; no promise where nothing had to be waited for.
   */
  epollWait(tv: Timeval, signals: () => number[], signalled: () => boolean): Waited | Promise<Waited> {
    const timeout = tv.tvSec * 1000 + Math.trunc(tv.tvUsec / 1000);
    if (this.kernel.enterEpollWait(timeout) === -1) return null;
    this.turns++;
    const deadline = this.clock.elapsed + tv.tvSec * 1e6 + tv.tvUsec;
    if (this.turns % TURNS_PER_YIELD !== 0 && this.passTime(deadline, signalled)) return this.wake();
    return this.sleep(deadline, signals, signalled);
  }

  private async sleep(deadline: number, signals: () => number[], signalled: () => boolean): Promise<Waited> {
    if (this.turns % TURNS_PER_YIELD === 0) {
      this.phase = 'turning';
      await nodeTurn();
    }
    while (!this.passTime(deadline, signalled)) {
      this.phase = 'waiting';
      await new Promise<void>((resolve) => {
        const unlisten = listeningFor(signals(), () => {
          this.rouse();
        });
        this.wakeUp = () => {
          unlisten();
          resolve();
        };
      });
    }
    this.phase = 'outside';
    return this.wake();
  }

  /** Lets time pass as far as it may. True where the wait is over. */
  private passTime(deadline: number, signalled: () => boolean): boolean {
    const { clock } = this;
    for (;;) {
      clock.runDue();
      if (this.stopped || this.interrupted || signalled()) return true;
      if (this.kernel.hasReady() || clock.elapsed >= deadline) return true;
      const next = Math.min(deadline, clock.nextAction);
      clock.elapsed = Math.max(clock.elapsed, Math.min(next, this.horizon));
      if (clock.elapsed < next) return false;
    }
  }

  /** The result of a wait that is over. */
  private wake(): Waited {
    if (this.stopped || this.interrupted) {
      this.interrupted = false;
      this.kernel.leaveEpollWait(-EINTR);
      return null;
    }
    const ready = this.kernel.ready();
    this.order?.shuffle(ready);
    this.kernel.leaveEpollWait(ready.length);
    return ready;
  }

  /** Has a loop that waits look again whether it still must. */
  private rouse(): void {
    if (this.phase !== 'waiting') return;
    this.phase = 'turning';
    this.wakeUp();
  }

  private client(endpoint: ConstructorParameters<typeof SimClient>[0]): SimClient {
    return new SimClient(endpoint, (fn) => {
      this.soon(fn);
    });
  }
}

/** What is ready, or null with errno set. */
export type Waited = ReadyEvent[] | null;

function nodeTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
