// Records a run: at each mark, the place in the server and the changes since the mark before.
import { Item } from '../../../lib/memcached.h';
import type { Conn } from '../../../lib/memcached.h';
import type { Call, Intervention, Simulation } from '../../../reactor/sim';
import type { Locals, Probe } from '../probe';
import type { Tables } from '../tables';
import type { Site, Step } from '../trace';
import { Calls } from './calls';
import { Changes } from './changes';
import type { Clients } from './clients';
import { Conns } from './conns';
import { Events } from './events';
import { MemoryWatch } from './memory';
import type { Region } from './memory';
import { addTo, shown } from './names';
import type { Targets } from './names';
import { Stacks } from './stacks';
import { Storage } from './storage';

/** The phase of the loop, by function. */
const PHASES: Readonly<Record<string, string | undefined>> = {
  eventLoop: 'loop', timeoutProcess: 'timers', eventProcessActive: 'callbacks',
};
/** The loop waits in this call. */
const WAITS = 'evsel.dispatch(';

export class Recorder implements Probe, Targets {
  readonly steps: Step[] = [];
  readonly stacks = new Stacks();
  /** The sites that steps are at, in the order of their first step. */
  readonly sites: Site[] = [];
  /** Whether marks become steps. */
  on = false;
  /** The act whose consequences are running: an index in Scene.acts. */
  act = -1;

  /** The error that has ended the recording early. */
  failure: unknown = null;

  private readonly siteIds = new Map<number, number>();
  private readonly changes = new Changes();
  private readonly connections = new Conns((fd) => this.clientOf(fd));
  private readonly storage = new Storage();
  private readonly events: Events;
  private readonly memory = new MemoryWatch();
  private readonly calls: Calls;
  private turns = 0;
  /** Items that connections hold, and watched regions: valid until a connection or an item changes. */
  private held: readonly number[] = [];
  private regions: readonly Region[] = [];

  constructor(
    private readonly tables: Tables, private readonly sim: Simulation, private readonly clients: Clients,
    private readonly stepsMax: number,
  ) {
    this.events = new Events((fd) => this.clientOf(fd), sim.now);
    this.calls = new Calls(sim, this);
    sim.onCall = (call) => this.called(call);
  }

  /** Leaves out the calls until now. */
  skipCalls(): void {
    this.calls.take();
  }

  enter(fn: number): void {
    this.stacks.enter(fn);
  }

  leave(): void {
    this.stacks.leave();
  }

  mark(site: number, locals: Locals): void {
    const { top } = this.stacks;
    if (top === undefined) return;
    const { line, code } = this.tables.sites[site];
    top.site = site;
    top.line = line;
    if (code.includes(WAITS)) this.turns++;
    if (!this.on) {
      top.later = locals;
      return;
    }
    top.locals = locals();
    try {
      this.step();
    } catch (error) {
      // Must not be thrown here: the server would take it for a bug of its own.
      this.on = false;
      this.failure = error;
    }
  }

  /** Adds a step at the last mark while the server does not run, for an outside event. */
  stepNow(): void {
    for (const frame of this.stacks.open) {
      if (frame.later !== null) frame.locals = frame.later();
      frame.later = null;
    }
    this.step();
  }

  private step(): void {
    const { top } = this.stacks;
    if (top === undefined || top.site === -1) return;
    if (this.steps.length >= this.stepsMax) throw new Error(`the scene takes more than ${this.stepsMax} steps`);
    const calls = this.calls.take();
    this.observe();
    const { file, line, fn } = this.tables.sites[top.site];
    const step: Step = { file, line, fn, site: this.siteId(top.site), stack: this.stacks.now(), act: this.act };
    const locals = this.localsShown();
    if (locals !== null) step.locals = locals;
    const set = this.changes.take();
    if (set !== null) step.set = set;
    const mem = this.memory.changes(this.regions);
    if (mem.length > 0) step.mem = mem;
    if (calls.length > 0) step.calls = calls;
    this.steps.push(step);
  }

  // Targets.

  conns(): Iterable<Conn> {
    return this.connections.all();
  }

  items(): Iterable<number> {
    return this.storage.known;
  }

  clientOf(fd: number): string | undefined {
    return this.clients.nameAt(fd);
  }

  private observe(): void {
    const { changes, sim } = this;
    const connsChanged = this.connections.observe(changes);
    if (connsChanged) this.held = this.connections.items();
    const storageChanged = this.storage.observe(changes, [...this.held, ...this.itemsInLocals()]);
    if (connsChanged || storageChanged) this.regions = [...this.connections.regions(), ...this.storage.regions()];
    this.events.observe(changes);
    this.clients.observe(changes);
    changes.put('clock', sim.elapsed);
    changes.put('clock.wall', sim.now);
    changes.put('loop.turn', this.turns);
    changes.put('loop.phase', this.phase());
  }

  private phase(): string {
    let phase = 'start';
    for (const { fn } of this.stacks.open) phase = PHASES[this.tables.functions[fn]] ?? phase;
    if (phase !== 'loop') return phase;
    return this.calls.waiting ? 'waiting' : 'loop';
  }

  private siteId(site: number): number {
    const known = this.siteIds.get(site);
    if (known !== undefined) return known;
    this.siteIds.set(site, this.sites.length);
    this.sites.push(this.tables.sites[site]);
    return this.sites.length - 1;
  }

  /** The locals of the innermost frame, if they have changed. */
  private localsShown(): Record<string, string> | null {
    const { top } = this.stacks;
    if (top === undefined) return null;
    const kinds = this.tables.kinds[top.fn];
    const { locals, signature } = top;
    for (const name in locals) {
      signature.add(name);
      addTo(signature, locals[name], kinds[name]);
    }
    if (!signature.changed()) return null;
    return Object.fromEntries(
      Object.entries(locals).map(([name, value]) => [name, shown(value, kinds[name], this)]),
    );
  }

  private itemsInLocals(): number[] {
    const items: number[] = [];
    for (const { locals } of this.stacks.open) {
      for (const name in locals) {
        const value = locals[name];
        if (value instanceof Item) items.push(value.ptr);
      }
    }
    return items;
  }

  private called(call: Call): Intervention | undefined {
    if (call.name === 'epoll_wait') this.calls.waits(call.args[0]);
    const intervention = this.clients.intervene(call);
    if (intervention !== undefined) this.calls.inject();
    this.calls.owned(this.clientOf(call.fd));
    return intervention;
  }
}
