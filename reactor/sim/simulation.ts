// A simulation: what a test controls, and how the loop waits for the test. Time stands still while the program works.
// It passes only when a test lets it, or, with `autoAdvance`, when nothing else is left to do.
import type { Syscalls } from '../syscalls.h';
import type { Timeval } from '../time';
import { familyOf, withPort } from '../sockaddr';
import { AF_INET, INADDR_ANY } from '../socket.h';
import type { Linger, Sockaddr } from '../socket.h';
import { EINTR } from '../errno.h';
import { randomFaults, transcript } from './calls';
import type { CallHook, CallRecord, FaultTable, TranscriptEntry } from './calls';
import { SimClient } from './client';
import { SimDatagrams } from './datagrams';
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
  /** Each read, write and turn's accepts move a random part of what they could, at least 1. */
  shortIo?: boolean;
  /** epoll_wait reports ready events in random order. */
  shuffle?: boolean;
  /** The time at the start, in seconds since 1970. */
  startTime?: number;
  /** How many bytes of a connection may be unread before the program's write gives EAGAIN. */
  sendBuffer?: number;
  /** RLIMIT_NOFILE: with this many descriptors, 0 to 2 included, calls give EMFILE. */
  maxFds?: number;
  /** Makes calls fail: by chance, or with a hook that is called after `onCall`. */
  faults?: FaultTable | CallHook;
  /** When nothing is ready, time jumps to the next due action, until stop(). For runs that at() controls completely. */
  autoAdvance?: boolean;
  /** Whether to record system calls. */
  record?: boolean;
  /** After this many turns without rest, idle() rejects and stops the simulation. */
  maxTurns?: number;
}

/** 2003-06-23 00:00:00 UTC. */
const START_TIME_SECONDS = 1056326400;
const SEND_BUFFER_BYTES = 65536;
const MAX_FDS = 1048576;
const MAX_TURNS = 100000;
/** If the loop finds something ready in every turn, it yields to Node after this many. */
const TURNS_PER_YIELD = 64;

/** What the loop is doing: outside of dispatch (in the program, or ended), yielding to Node, waiting for the test. */
type Phase = 'outside' | 'yielding' | 'waiting';

export class Simulation {
  /** Called before each system call. It can make the call fail, or move less. */
  onCall: CallHook | null = null;
  /** For a test's own random choices. */
  readonly random: Random;
  stopped = false;

  private readonly clock: Clock;
  private readonly network: Network;
  private readonly gate: CallGate;
  private readonly kernel: Kernel;
  private readonly order: Random | null;
  private readonly maxTurns: number;

  /** Time may pass by itself up to this, in microseconds since the start. */
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

    this.clock = new Clock(options.startTime ?? START_TIME_SECONDS);
    this.network = new Network(options.sendBuffer ?? SEND_BUFFER_BYTES);
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

  // For tests.

  /**
   * Connects a client to a port of IPv4, or to an address. Throws an error with code ECONNREFUSED if the program does
   * not listen there.
   */
  connect(to: number | Sockaddr): SimClient {
    const addr = typeof to === 'number' ? { sinFamily: AF_INET, sinPort: to, sinAddr: INADDR_ANY } : to;
    let queued = (): void => {};
    let inQueue = false;
    const endpoint = this.network.connect(addr, () => {
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

  /** `onConnection` will get the other end of every connection that the program makes to `port`. */
  serve(port: number, onConnection: (client: SimClient) => void): void {
    this.network.serve(port, (endpoint) => {
      const client = this.client(endpoint);
      client.connected = true;
      onConnection(client);
    });
  }

  /** A client that sends datagrams to a port of IPv4, or to an address; from a port of its own, or from `port`. */
  datagrams(to: number | Sockaddr, port?: number): SimDatagrams {
    const addr = typeof to === 'number' ? { sinFamily: AF_INET, sinPort: to, sinAddr: INADDR_ANY } : to;
    const from = this.network.clientAddress(familyOf(addr));
    return new SimDatagrams(this.network, addr, port === undefined ? from : withPort(from, port));
  }

  /** Makes two descriptors of the program that are connected with each other. */
  socketpair(): [number, number] {
    return this.kernel.socketpair();
  }

  /** Seconds since 1970, by the simulated wall clock. */
  get now(): number {
    return this.clock.now;
  }

  /** Seconds since the start of the simulation, whatever the wall clock says. */
  get elapsed(): number {
    return this.clock.elapsed / 1e6;
  }

  /** Sets the wall clock, forward or back. No time passes, so what waits for an interval waits as long as before. */
  setClock(seconds: number): void {
    this.clock.set(seconds);
  }

  /** A slow program: from now on, so many seconds pass before each of its looks at the monotonic clock. */
  slowDown(seconds: number): void {
    this.clock.workTime = microseconds(seconds);
  }

  /** The machine sleeps: so many seconds pass at once, and nothing runs meanwhile. */
  suspend(seconds: number): void {
    this.clock.elapsed += microseconds(seconds);
    this.rouse();
  }

  /** Runs `fn` when `seconds` have passed since the start; if they have passed already, in the loop's next turn. */
  at(seconds: number, fn: () => void): void {
    this.clock.at(microseconds(seconds), fn);
    this.rouse();
  }

  /** Runs `fn` in the loop's next turn. */
  soon(fn: () => void): void {
    this.clock.at(this.clock.elapsed, fn);
    this.rouse();
  }

  /** Lets time pass, and runs what is due meanwhile, each at its time. Resolves when the loop rests. */
  async advance(seconds: number): Promise<void> {
    const until = this.clock.elapsed + microseconds(seconds);
    this.horizon = Math.max(this.horizon, until);
    this.rouse();
    await this.idle();
    // If no loop runs, nothing else lets time pass.
    this.clock.passUntil(until);
  }

  /**
   * Resolves when the loop waits for the test, or does not run at all. If the loop does not come to rest, stops the
   * simulation and rejects.
   */
  async idle(): Promise<void> {
    const limit = this.turns + this.maxTurns;
    do {
      await yieldToNode();
      if (this.turns > limit) {
        this.stop();
        throw new Error(`the loop turned ${this.maxTurns} times without coming to rest`);
      }
    } while (this.phase === 'yielding');
  }

  /** Sends a signal to the program. False if nothing listens for it. */
  kill(sig: number): boolean {
    const handled = raise(sig);
    this.rouse();
    return handled;
  }

  /** Ends a wait with EINTR, like a signal without an event. The loop then looks again at what it waits for. */
  interrupt(): void {
    this.interrupted = true;
    this.rouse();
  }

  /** From now on dispatch returns -1, so that eventLoop ends. */
  stop(): void {
    this.stopped = true;
    this.rouse();
  }

  /** The recorded system calls. */
  get calls(): readonly CallRecord[] {
    return this.gate.calls;
  }

  get recording(): boolean {
    return this.gate.recording;
  }

  set recording(on: boolean) {
    this.gate.recording = on;
  }

  /** The calls for one connection: a client's, or the last one that had a descriptor. */
  transcript(connection: SimClient | number): TranscriptEntry[] {
    if (typeof connection !== 'number') return transcript(this.calls, connection.socket);
    const last = this.calls.findLast((call) => {
      return call.name === 'accept' ? call.result === connection : call.fd === connection && call.socket !== 0;
    });
    return transcript(this.calls, last?.socket ?? 0);
  }

  /** The open descriptors, for a test that none is left behind. */
  openFds(): number[] {
    return this.kernel.openFds();
  }

  /** The value that setsockopt has set. */
  sockopt(fd: number, level: number, optname: number): number | Linger | undefined {
    return this.kernel.sockopt(fd, level, optname);
  }

  // For the backend.

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
   * epoll_wait(2): waits at most `tv` until something is ready, or until `signalled` is true because one of `signals`
   * came. Returns what is ready, or null with errno set; a promise only if it had to wait.
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
      this.phase = 'yielding';
      await yieldToNode();
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

  /** Lets time pass as far as it may. True if the wait is over. */
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

  /** Ends a wait, and returns its result. */
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

  /** Makes a loop that waits check whether it still has to. */
  private rouse(): void {
    if (this.phase !== 'waiting') return;
    this.phase = 'yielding';
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

function yieldToNode(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
