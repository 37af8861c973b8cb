// Plays a plan, and checks everything whenever the server is idle. The model does each operation at the moment when the
// server does it, so it knows the order of the clients, and predicts all bytes sent and received.
import { Simulation } from '../../reactor/sim';
import { stats } from '../../lib/memcached.h';
import { statsState } from '../../lib/1.6/memcached.h';
import { currentTime } from '../../lib/1.6/clock';
import { restartMmapClose } from '../../lib/1.6/restart';
import type { Conn } from '../../lib/memcached.h';
import { ITEMS_START, freshMemory } from './arenas';
import { checkBuffers, checkDescriptors, checkItems16, checkItems2003, conns, isListening } from './checks';
import { unchecked, violation } from './checking';
import { Faults } from './faults';
import { Guest } from './guest';
import type { Model } from './model';
import { usedBytes, watch, watchProtocol } from './observer';
import type { Watcher } from './observer';
import type { Act, Plan } from './plan';
import { Owed, PATIENCE_SECONDS } from './owed';
import { sameProcess } from './process';
import { PORT, argvOf, startOn, stopOn } from './server';
import { Stderr } from './stderr';
import type { Telling } from './telling';
import { START_TIME_SECONDS } from './times';
import { memoryFile, removeMemoryFile } from './warm';
import type { Facts, World } from './world';
import { World10 } from './world10';
import { World16, noteHeld } from './world16';

/** Allowed lines on stderr. */
const TOLD = /^(warning: serving as root|accept\(\)|setting O_NONBLOCK|malloc\(\)|\[restart\] no metadata save file)/;
/** Size of malloc's block for a conn. */
const CONN_BYTES = 512;
const MAX_TURNS = 50_000;
/** Longer than a closed connection may go on reading. */
const LAST_SECONDS = 35;
/** From the end of a server to its restart with the old items. */
const DOWN_SECONDS = 2;

export interface Failure {
  /** Index of the act after which it was seen; the number of acts for the end. */
  act: number;
  what: string;
}

/** Thrown inside a run, to end it. */
class Wrong extends Error {}

export class Play implements Watcher {
  private sim: Simulation;
  private ended: Promise<number> = Promise.resolve(0);
  private world: World;
  private readonly guests = new Map<string, Guest>();
  private readonly faults = new Faults();
  private readonly stderr = new Stderr();
  private owed: Owed;
  private listeners = 0;
  private serial = 0;
  private firstUsed = 0;
  private problem: string | null = null;
  /** The command line words for the items' file, if there is one. */
  private memoryFile: string[] = [];
  /** How many system calls were reported. */
  private told = 0;

  // Of the command that is being done.
  private guest: Guest | null = null;
  private evictions: string[] = [];
  private noMemory = false;
  private mallocFailed = false;

  constructor(private readonly plan: Plan, private readonly telling: Telling | null = null) {
    this.sim = this.newSimulation(plan.seed);
    this.world = this.newWorld();
    this.owed = new Owed(this.sim);
  }

  /** Null, or what went wrong. */
  async run(): Promise<Failure | null> {
    const restore = sameProcess();
    let act = -1;
    try {
      if (this.plan.keepsItems) this.memoryFile = memoryFile();
      await this.start();
      for (act = 0; act < this.plan.acts.length; act++) {
        this.telling?.act(act, this.plan.acts[act]);
        await this.do(this.plan.acts[act]);
        if (this.problem !== null) throw new Wrong(this.problem);
      }
      await this.finish();
      return null;
    } catch (error) {
      if (error instanceof Wrong) return { act, what: error.message };
      return { act, what: error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error) };
    } finally {
      this.faults.clear();
      watch(null);
      this.stderr.restore();
      restore();
      await stopOn(this.sim, this.ended.catch(() => 1));
      if (this.memoryFile.length > 0) removeMemoryFile();
      this.tellCalls();
    }
  }

  private get today(): boolean {
    return this.plan.mode === 'default';
  }

  private newSimulation(seed: number): Simulation {
    const { sendBuffer, maxFds, shortIo } = this.plan;
    const faults = this.faults;
    return new Simulation({
      seed, sendBuffer, maxFds, shortIo, shuffle: true, startTime: START_TIME_SECONDS, maxTurns: MAX_TURNS,
      faults: (call) => {
        const intervention = faults.ofCall(call);
        if (intervention !== undefined) this.noteFault(call.name, call.fd, intervention);
        return intervention;
      },
    });
  }

  private newWorld(): World {
    if (this.today) return new World16();
    return new World10((of, form) => {
      for (const guest of this.guests.values()) guest.expected.changed(of, form);
    });
  }

  /** `kept`: the model of a server that has kept its items. */
  private async start(kept: Model | null = null): Promise<void> {
    watch(this);
    const version = { classic: this.plan.mode === 'classic', today: this.today };
    freshMemory();
    const { ended } = await startOn(this.sim, argvOf([...this.plan.args, ...this.memoryFile]), version);
    this.ended = ended;
    ended.catch((error: unknown) => { this.wrong(`the server has ended: ${String(error)}`); });
    const accepting = conns();
    if (this.sim.openFds().length === 0) throw new Error(`the server did not start: ${this.stderr.lines().join('\n')}`);
    this.listeners = accepting.length;
    if (!this.today) watchProtocol(accepting[0].protocol);
    this.world = kept === null ? this.newWorld() : new World16(kept); // -C is known now
    kept?.restart(currentTime);
    this.firstUsed = this.used();
    this.owed = new Owed(this.sim);
  }

  private used(): number {
    return usedBytes() - stats.connStructs * CONN_BYTES;
  }

  private async do(act: Act): Promise<void> {
    this.world.sees(this.now());
    if ('connect' in act) this.connect(act.connect, act.binary);
    else if ('say' in act) this.guests.get(act.say[0])?.say(act.say[1], this.world, ++this.serial);
    else if ('push' in act) this.push(...act.push);
    else if ('pause' in act) this.guests.get(act.pause)?.pause(this.sim.elapsed);
    else if ('resume' in act) this.resume(act.resume);
    else if ('shutdown' in act) this.shutdown(act.shutdown);
    else if ('reset' in act) this.guests.get(act.reset)?.leave(true);
    else if ('close' in act) this.guests.get(act.close)?.leave(false);
    else if ('clock' in act) this.sim.setClock(this.sim.now + act.clock);
    else if ('sleep' in act) this.sim.suspend(act.sleep);
    else if ('restart' in act) await this.restart(act.restart === 'warm' && this.memoryFile.length > 0);
    else if ('fault' in act) this.fault(act.fault);
    else if ('advance' in act) await this.rest(act.advance);
    else await this.rest(0);
  }

  private connect(name: string, binary: boolean): void {
    const guest = new Guest(name, this.sim.connect(PORT), binary);
    this.guests.set(name, guest);
  }

  private push(name: string, bytes: number): void {
    const sent = this.guests.get(name)?.push(bytes) ?? '';
    if (sent !== '') this.telling?.sends(name, sent);
  }

  private resume(name: string): void {
    const guest = this.guests.get(name);
    guest?.waits(this.sim.elapsed);
    guest?.resume();
  }

  private shutdown(name: string): void {
    const guest = this.guests.get(name);
    guest?.shutdown();
    // The server of 2003 sees the end of the stream before the commands.
    if (guest !== undefined && this.plan.mode === 'classic') guest.mayDie = true;
  }

  private fault(fault: Parameters<Faults['add']>[0]): void {
    const guest = fault.client === undefined ? null : this.guests.get(fault.client);
    if (guest === undefined) return;
    this.faults.add(fault, guest === null ? null : () => (guest.gone ? -1 : guest.client.fd));
  }

  /** A call has failed, or moved less. The server may then close the connection. */
  private noteFault(name: string, fd: number, intervention: { errno: number } | { limit: number }): void {
    this.owed.faulted();
    for (const guest of this.guests.values()) {
      if (guest.client.fd !== fd || guest.gone) continue;
      if ('limit' in intervention) {
        guest.readShort ||= name === 'read';
        continue;
      }
      if (Owed.isForNow(intervention.errno)) continue;
      guest.mayDie = true;
      guest.mayStick ||= Owed.isHarmless(name, intervention.errno);
    }
  }

  private async restart(warm: boolean): Promise<void> {
    await this.rest(0);
    this.faults.clear();
    const kept = warm && this.world instanceof World16 ? this.world.model : null;
    if (kept !== null) restartMmapClose();
    await stopOn(this.sim, this.ended);
    this.guests.clear();
    this.tellCalls();
    this.told = 0;
    const wall = this.sim.now;
    this.sim = this.newSimulation(this.plan.seed + 1);
    if (kept !== null) this.sim.setClock(wall + DOWN_SECONDS);
    await this.start(kept);
  }

  // Checks.

  /** Lets time pass until the server is idle; then checks everything. */
  private async rest(seconds: number, whole = false): Promise<void> {
    if (await this.restOnce(seconds, whole) === null) return;
    // The room may have appeared only a moment ago.
    const still = await this.restOnce(PATIENCE_SECONDS, whole);
    expect(still === null ? null : `${still} waits to be accepted, and there is room`);
  }

  /** Resolves to a client that waits for accept although there is room. */
  private async restOnce(seconds: number, whole: boolean): Promise<string | null> {
    this.owed.begin();
    if (seconds > 0) await this.sim.advance(seconds);
    else await this.sim.idle();
    this.tellCalls();
    if (this.problem !== null) throw new Wrong(this.problem);
    for (const guest of this.guests.values()) {
      guest.waits(this.sim.elapsed);
      const wrong = guest.receive();
      this.telling?.receives(guest);
      expect(wrong);
    }
    expect(violation());
    expect(this.saidWrong());
    expect(this.owed.spin());
    expect(unchecked(() => this.wrongInMemory(whole)));
    expect(this.owed.check([...this.guests.values()], seconds, this.listeners, this.plan));
    return this.owed.waiting;
  }

  private wrongInMemory(whole: boolean): string | null {
    return checkDescriptors(this.sim, this.listeners) ?? checkBuffers(ITEMS_START) ??
      (this.today ? checkItems16(whole) : checkItems2003()) ?? this.world.compare(this.now(), whole);
  }

  private tellCalls(): void {
    this.telling?.rests(this.sim.calls.slice(this.told), this.sim.elapsed);
    this.told = this.sim.calls.length;
  }

  private now(): number {
    return this.today ? currentTime : Math.floor(this.sim.now);
  }

  /** Unexpected lines on stderr; or null. */
  private saidWrong(): string | null {
    const said = this.stderr.lines();
    const strange = said.find((line) => !TOLD.test(line));
    return strange === undefined ? null : `stderr: ${said.join('\n')}`;
  }

  /** The end: all due replies are sent; then all clients leave, and nothing of them remains. */
  private async finish(): Promise<void> {
    this.faults.clear();
    for (const guest of this.guests.values()) {
      guest.waits(this.sim.elapsed);
      guest.push(0);
      guest.resume();
    }
    await this.rest(0.1);
    for (const guest of this.guests.values()) guest.leave(false);
    await this.rest(LAST_SECONDS, true);
    expect(conns().every(isListening) ? null : 'a connection is left');
    if (this.today && (statsState.slabReassignRunning || statsState.lruCrawlerRunning)) return;
    const lost = this.used() - this.firstUsed;
    expect(lost === 0 ? null : `${lost} bytes of memory are lost`);
  }

  // Watcher.

  begins(c: Conn, phase: 'line' | 'data'): void {
    this.guest = this.guestOf(c.sfd);
    this.evictions = [];
    this.noMemory = this.mallocFailed = false;
    const op = this.guest?.next?.op;
    this.world.sees(this.now());
    if (op === undefined) return;
    const keys = 'keys' in op ? op.keys : 'key' in op ? [op.key] : [];
    for (const key of keys) {
      if (this.world instanceof World10) this.world.look(key);
      else if (phase === 'line') noteHeld(key);
    }
  }

  done(c: Conn, phase: 'line' | 'data', waits: boolean): void {
    const { guest } = this;
    this.guest = null;
    if (guest === null) {
      this.wrong(`a command was done on descriptor ${c.sfd}, which is nobody's`);
      return;
    }
    const job = guest.begun(phase);
    if (typeof job === 'string') {
      this.wrong(job);
      return;
    }
    const facts: Facts = {
      now: this.now(), wall: Math.floor(this.sim.now), noMemory: this.noMemory, evicted: this.evictions,
    };
    if (this.mallocFailed) guest.wild = guest.mayDie = true;
    this.telling?.did(guest.name, phase, job);
    const outcome = phase === 'line' ? this.world.line(job, facts) : this.world.data(job, facts);
    if (outcome.waits !== waits) {
      this.wrong(`${guest.name}: ${outcome.waits ? 'no data were' : 'data are'} waited for after ${job.written.text.slice(0, 60)}`);
    }
    guest.answered(outcome);
    // Unread input then makes the close a reset, which may lose replies.
    if (outcome.closes && this.plan.mode === 'classic') guest.mayDie = true;
  }

  private guestOf(fd: number): Guest | null {
    let found: Guest | null = null;
    for (const guest of this.guests.values()) {
      if (guest.client.fd === fd && (found === null || guest.client.socket > found.client.socket)) found = guest;
    }
    return found;
  }

  evicted(key: string): void {
    if (this.guest !== null) this.evictions.push(key);
    else this.world.evict(key);
  }

  moved(key: string): void {
    if (this.guest === null) this.world.evict(key);
  }

  fails(name: 'malloc' | 'slab'): boolean {
    if (!this.faults.ofAllocation(name)) return false;
    if (name === 'malloc') {
      this.mallocFailed = this.world.unsure = true;
      for (const guest of this.guests.values()) guest.mayDie = guest.wild = true;
    }
    return true;
  }

  noItem(): void {
    this.noMemory = true;
  }

  wrong(what: string): void {
    this.problem ??= what;
  }
}

function expect(problem: string | null): void {
  if (problem !== null) throw new Wrong(problem);
}
