// Programs by seed, with and without the layer that makes fewer system calls: each gets and gives the same bytes on
// every connection, whatever the kernel takes of a write, and when. A process has one simulation at a time, so tests
// run one after another.
import test from 'ava';

import { eventEconomy } from '../reactor/backends';
import { CORK_BYTES } from '../reactor/economy/cork';
import { EAGAIN, ECONNRESET, EINTR, ENOMEM, EPIPE, errno } from '../reactor/errno.h';
import { EV_PERSIST, EV_READ, EV_WRITE, Event } from '../reactor/event.h';
import { eventActive, eventAdd, eventDel, eventDispatch, eventInit, eventSet } from '../reactor/event';
import { evtimerAdd, evtimerSet } from '../reactor/evtimer';
import { Random, Simulation, installSimulation, randomFaults } from '../reactor/sim';
import { POLLIN, POLLOUT } from '../reactor/sim/endpoint';
import { EPOLL_CTL_ADD } from '../reactor/sim/pollset';
import type { CallHook, FaultTable, SimClient, SimulationOptions } from '../reactor/sim';
import { SHUT_RDWR, SHUT_WR } from '../reactor/socket.h';
import { accept, close, lingering, read, sendmsg, shutdown, write } from '../reactor/syscalls';
import { PORT, batches, listening } from './support/simulated';
import { unblock } from './support/sockets';
import { upTo } from './support/thorough';

const SEEDS = Array.from({ length: upTo(50, 120) }, (_, seed) => seed + 1);

/** So long that no part of it looks like another. */
const TEXT_BYTES = 4 * CORK_BYTES;
const TEXT = Buffer.from(Array.from({ length: TEXT_BYTES }, (_, i) => (Math.imul(i, 2654435761) >>> 24) ^ (i >> 8)));

/**
 * What one side of a connection does: sends so many bytes, or pauses for so many seconds; 0 in the program lets the
 * others do something in the same turn of the loop.
 */
type Step = { send: number } | { pause: number };

/** What happens on one connection. */
interface Plan {
  /** When the client connects, in seconds. */
  at: number;
  program: Step[];
  client: Step[];
  /** Whether the program sends back what it gets, instead of going by its steps. */
  echoes: boolean;
  /**
   * Whether the program reads all that there is when it is called, or only once, and then perhaps no more for a second.
   */
  reads: 'all' | 'once' | 'once, and pauses';
  /** How the program waits until it can write on. */
  waits: 'once' | 'persistent' | 'both directions' | 'both directions, once' | 'timer';
  /** Whether it pauses by a timer of the loop, or by one of Node's, which comes while the loop waits. */
  timer: 'event' | 'outside';
  ends: 'close' | 'shutdown' | 'shutdown both';
  /** Whether the program ends when it has sent all, and does not wait for the client's end. */
  leaves: boolean;
  /** When the client stops reading and goes on, again and again, in seconds. */
  readsAt: number[];
  /** Whether it writes in several pieces at once. */
  gathers: boolean;
}

interface Run {
  /** What each client got. */
  heard: Buffer[];
  /** What the program got from each. */
  got: Buffer[];
  result: number;
  /** Descriptors that were left open, and how many of those that the program has closed. */
  left: number[];
  lingering: number;
  /** Which clients saw the end of the stream, instead of a reset. */
  ended: boolean[];
  calls: number;
  /** How often several descriptors were read from, or written to, together. */
  together: { recv: number; send: number };
}

/** A little every second, as all the other connections do. */
function chat(random: Random): Step[] {
  return Array.from({ length: random.int(15) }, () => {
    return [{ pause: 1 }, { send: 1 + random.int(random.pick([10, 200, 600])) }];
  }).flat();
}

/** Steps that send `most` bytes at most. */
function steps(random: Random, most: number): Step[] {
  const list: Step[] = [];
  let left = random.int(most + 1);
  while (left > 0) {
    if (random.chance(0.3)) list.push({ pause: random.int(3) });
    const send = Math.min(left, 1 + random.int(random.pick([10, 300, 5000, CORK_BYTES + 1000])));
    list.push({ send });
    left -= send;
  }
  return list;
}

/** The same steps, without a pause that is longer than the program would wait for more. */
function hasty(list: Step[]): Step[] {
  let pauses = 0;
  return list.filter((step) => 'send' in step || (step.pause === 1 && ++pauses < 20));
}

function plan(random: Random, most: number, latest: number, chatty: boolean, mayLeave: boolean): Plan {
  const leaves = mayLeave && random.chance(0.6);
  const programSteps = chatty ? chat(random) : steps(random, most);
  const clientSteps = chatty ? chat(random) : steps(random, Math.min(most, 5000));
  const waits = random.pick(['once', 'persistent', 'both directions', 'both directions, once', 'timer'] as const);
  return {
    at: random.int(latest + 1),
    program: leaves ? programSteps.slice(0, random.int(4)) : programSteps,
    client: leaves ? hasty(clientSteps) : clientSteps,
    echoes: !leaves && random.chance(chatty ? 0.6 : 0.3),
    // Where one event is for both directions, another one for reading would be in its place.
    reads: random.pick(waits.startsWith('both') ? ['all', 'once'] : ['all', 'once', 'once, and pauses']),
    waits,
    timer: random.pick(['event', 'outside']),
    ends: random.pick(['close', 'shutdown', 'shutdown both']),
    leaves,
    readsAt: chatty && random.chance(0.9)
      ? [0] : Array.from({ length: random.int(8) }, () => random.int(30)).sort((a, b) => a - b),
    gathers: random.chance(0.3),
  };
}

function after(seconds: number, callback: () => void): void {
  const ev = new Event();
  evtimerSet(ev, callback, null);
  evtimerAdd(ev, { tvSec: seconds, tvUsec: 0 });
}

/** The program's side of one connection. */
class Talker {
  readonly got: Buffer[] = [];
  private readonly steps: Step[];
  private readonly reader = new Event();
  private readonly writer = new Event();
  private readonly buf: Buffer;
  /** The unsent bytes, from TEXT or echoed. */
  private pending: Buffer = Buffer.alloc(0);
  private sent = 0;
  private heardAll = false;
  private pausing = false;
  private closed = false;

  constructor(
    private readonly sim: Simulation, private readonly fd: number, private readonly plan: Plan, bufSize: number,
  ) {
    this.steps = plan.echoes ? [] : [...plan.program];
    this.buf = Buffer.alloc(bufSize);
    eventSet(this.reader, fd, EV_READ | EV_PERSIST, () => this.read(), null);
    eventSet(this.writer, fd, EV_WRITE, (_fd, which) => this.onWriter(which), null);
    if (eventAdd(this.reader, null) === -1) this.giveUp();
    else this.go();
  }

  private onWriter(which: number): void {
    if (this.plan.waits !== 'once') eventDel(this.writer);
    if (this.plan.waits.startsWith('both') && !this.heardAll) {
      if (eventAdd(this.reader, null) === -1) this.giveUp();
      else if (which & EV_READ) this.read();
    }
    if (!this.closed) this.go();
  }

  private read(): void {
    for (;;) {
      const n = read(this.fd, this.buf, 0, this.buf.length);
      if (n === -1) {
        if (errno !== EAGAIN && errno !== EINTR) this.giveUp();
        return;
      }
      if (n === 0) {
        this.heardAll = true;
        eventDel(this.reader);
        this.go();
        return;
      }
      const bytes = Buffer.from(this.buf.subarray(0, n));
      this.got.push(bytes);
      if (this.plan.echoes) {
        this.pending = Buffer.concat([this.pending, bytes]);
        if (!this.go()) return;
      }
      if (this.plan.reads !== 'all') break;
    }
    if (this.plan.reads === 'once, and pauses') this.pauseReading();
  }

  private pauseReading(): void {
    eventDel(this.reader);
    this.afterwards(1, () => {
      if (!this.closed && eventAdd(this.reader, null) === -1) this.giveUp();
    });
  }

  /** Writes as much as possible. False if the program drops the connection, or it has ended. */
  private go(): boolean {
    if (this.pausing || this.closed) return !this.closed;
    for (;;) {
      if (this.pending.length === 0) {
        const step = this.steps.shift();
        if (step === undefined) return this.heardAll || this.plan.leaves ? this.end() : true;
        if ('pause' in step) {
          this.pausing = true;
          this.later(step.pause);
          return true;
        }
        this.pending = TEXT.subarray(this.sent, this.sent + step.send);
        this.sent += step.send;
      }
      const n = this.plan.gathers ? this.gather() : write(this.fd, this.pending, 0, this.pending.length);
      if (n === -1) {
        if (errno !== EAGAIN && errno !== EINTR) return this.giveUp();
        return this.wait();
      }
      this.pending = this.pending.subarray(n);
    }
  }

  /** Sends what is pending, in two pieces. */
  private gather(): number {
    const { length } = this.pending;
    const half = length >> 1;
    const buf = this.pending;
    return sendmsg(this.fd, [{ buf, offset: 0, length: half }, { buf, offset: half, length: length - half }], 0);
  }

  private wait(): boolean {
    if (this.plan.waits === 'timer') {
      this.pausing = true;
      this.later(1);
      return true;
    }
    eventDel(this.writer);
    this.writer.evEvents = this.plan.waits.endsWith('once') ? EV_WRITE : EV_WRITE | EV_PERSIST;
    if (this.plan.waits.startsWith('both') && !this.heardAll) {
      eventDel(this.reader);
      this.writer.evEvents |= EV_READ;
    }
    return eventAdd(this.writer, null) === -1 ? this.giveUp() : true;
  }

  private later(seconds: number): void {
    const goOn = (): void => {
      this.pausing = false;
      this.go();
    };
    if (seconds === 0) {
      const ev = new Event();
      eventSet(ev, -1, 0, goOn, null);
      eventActive(ev, EV_WRITE, 1);
    } else this.afterwards(seconds, goOn);
  }

  private afterwards(seconds: number, goOn: () => void): void {
    if (this.plan.timer === 'event') after(seconds, goOn);
    else {
      this.sim.at(this.sim.elapsed + seconds, goOn);
      after(seconds + 1, () => {}); // so that the loop does not end
    }
  }

  private end(): boolean {
    if (this.plan.ends !== 'close') shutdown(this.fd, this.plan.ends === 'shutdown' ? SHUT_WR : SHUT_RDWR);
    return this.giveUp();
  }

  private giveUp(): boolean {
    if (this.closed) return false;
    eventDel(this.reader);
    eventDel(this.writer);
    close(this.fd);
    this.closed = true;
    return false;
  }
}

function schedule(sim: Simulation, client: SimClient, { at: start, client: list, readsAt }: Plan): void {
  let time = start;
  let sent = 0;
  client.pauseReading();
  for (const step of list) {
    if ('pause' in step) time += step.pause;
    else {
      const bytes = TEXT.subarray(sent, sent + step.send);
      sent += step.send;
      sim.at(time, () => {
        if (!client.wasReset) client.send(bytes);
      });
    }
  }
  sim.at(time, () => client.end());
  for (const [i, at] of readsAt.entries()) {
    sim.at(start + at, () => i % 2 === 0 ? client.resumeReading() : client.pauseReading());
  }
  sim.at(Math.max(time, start + 30), () => client.resumeReading());
}

/** Runs the program of `seed`. Its calls fail as `table` says; `waiting`: how often adding an event fails. */
async function run(seed: number, economy: boolean, table: FaultTable, waiting = 0): Promise<Run & { plans: Plan[] }> {
  const random = new Random(seed);
  const sendBuffer = random.pick([1, 10, 1000, 65536, Infinity]);
  const byChance = randomFaults(table, random.fork());
  // Adding an event fails; not deleting one, which a program cannot do anything about.
  const faults: CallHook = (call) => {
    const adds = call.name === 'epoll_ctl' && (call.args[0] === EPOLL_CTL_ADD || call.args[1] === (POLLIN | POLLOUT));
    return adds && call.fd !== listener && random.chance(waiting) ? { errno: ENOMEM } : byChance(call);
  };
  const options: SimulationOptions = {
    seed, sendBuffer, faults, shortIo: random.chance(0.5), shuffle: random.chance(0.5), autoAdvance: true,
    maxTurns: Infinity,
  };
  const most = sendBuffer < 1000 ? 300 : options.shortIo ? 20_000 : TEXT.length;
  // Often so many that what they do in one turn is done together; some come when others are gone, and get their
  // numbers.
  const count = random.chance(0.7) ? 4 + random.int(5) : 1 + random.int(3);
  const chatty = random.chance(0.5);
  const latest = random.pick([0, 0, 2, 20]);
  // With reads that are cut short or fail by chance, we cannot know whether input is unread.
  const mayLeave = options.shortIo === false && Object.keys(table).length === 0;
  const plans = Array.from({ length: count }, () => plan(random, most, latest, chatty, mayLeave))
    .sort((a, b) => a.at - b.at);
  const bufSize = random.pick([16, 100, 300, 4096]);

  let listener = -1;
  const sim = new Simulation(options);
  installSimulation(sim);
  eventEconomy(economy);
  eventInit();
  const together = batches(sim);
  const clients: SimClient[] = [];
  for (const each of plans) {
    sim.at(each.at, () => {
      const client = sim.connect(PORT);
      clients.push(client);
      schedule(sim, client, each);
    });
  }
  const talkers: Talker[] = [];
  const acceptor = new Event();
  listener = listening();
  eventSet(acceptor, listener, EV_READ | EV_PERSIST, () => {
    for (let fd = accept(listener, null); fd !== -1; fd = accept(listener, null)) {
      talkers.push(new Talker(sim, unblock(fd), plans[talkers.length], bufSize));
    }
    if (talkers.length < plans.length) return;
    eventDel(acceptor);
    close(listener);
  }, null);
  eventAdd(acceptor, null);
  const result = await eventDispatch();
  const left = sim.openFds();
  const stillOpen = lingering();
  const calls = sim.calls.filter(({ name }) => name === 'read' || name === 'write').length;
  installSimulation(null);
  const heard = clients.map((client) => {
    client.resumeReading();
    return client.take();
  });
  const times = (name: string): number => together.filter((call) => call.startsWith(name)).length;
  return {
    plans, heard, got: talkers.map(({ got }) => Buffer.concat(got)), result, left, lingering: stillOpen, calls,
    ended: clients.map(({ ended }) => ended),
    together: { recv: times('recv'), send: times('send') },
  };
}

function total(list: readonly Step[]): number {
  return list.reduce((sum, step) => sum + ('send' in step ? step.send : 0), 0);
}

test.serial('programs by chance give and get the same bytes as without economy, in fewer calls', async (t) => {
  let [without, withIt, resets] = [0, 0, 0];
  const together = { recv: 0, send: 0 };
  for (const seed of SEEDS) {
    const faults = seed % 3 !== 0 ? {} : {
      read: { probability: 0.1, errnos: [EAGAIN, EINTR] },
      write: { probability: 0.1, errnos: [EAGAIN, EINTR] },
    };
    const plain = await run(seed, false, faults);
    const thrifty = await run(seed, true, faults);
    for (const { plans, heard, got, result, left } of [plain, thrifty]) {
      t.is(result, 1, `seed ${seed}`);
      t.deepEqual(left, [], `seed ${seed}`);
      for (const [i, { program, client, echoes, leaves }] of plans.entries()) {
        const expected = TEXT.subarray(0, total(echoes ? client : program));
        t.is(heard[i].length, expected.length, `seed ${seed}, connection ${i}`);
        t.is(Buffer.compare(heard[i], expected), 0, `seed ${seed}, connection ${i}`);
        const sent = TEXT.subarray(0, leaves ? got[i].length : total(client));
        t.is(Buffer.compare(got[i], sent), 0, `seed ${seed}, connection ${i}`);
      }
    }
    t.is(thrifty.lingering, 0, `seed ${seed}`);
    resets += plain.ended.filter((end) => !end).length;
    t.false(thrifty.ended.includes(false), `seed ${seed}`);
    without += plain.calls;
    withIt += thrifty.calls;
    together.recv += thrifty.together.recv;
    together.send += thrifty.together.send;
    t.deepEqual(plain.together, { recv: 0, send: 0 });
  }
  t.true(resets > SEEDS.length / 10, `${resets} resets`);
  t.true(withIt < without, `${withIt} and ${without} calls`);
  t.true(together.recv > SEEDS.length && together.send > SEEDS.length / 3, JSON.stringify(together));
});

test.serial('programs by chance whose connections break lose only the end of what they gave, and all descriptors', async (t) => {
  const faults = {
    read: { probability: 0.02, errnos: [ECONNRESET, EAGAIN] },
    write: { probability: 0.05, errnos: [ECONNRESET, EPIPE, ENOMEM, EAGAIN, EINTR] },
    shutdown: { probability: 0.1, errnos: [ENOMEM] },
  };
  let broken = 0;
  const together = { recv: 0, send: 0 };
  for (const seed of SEEDS) {
    const { plans, heard, result, left, ...thrifty } = await run(seed, true, faults, 0.03);
    together.recv += thrifty.together.recv;
    together.send += thrifty.together.send;
    t.is(result, 1, `seed ${seed}`);
    t.deepEqual(left, [], `seed ${seed}`);
    for (const [i, { program, client, echoes }] of plans.entries()) {
      const expected = TEXT.subarray(0, total(echoes ? client : program));
      t.is(Buffer.compare(heard[i], expected.subarray(0, heard[i].length)), 0, `seed ${seed}, connection ${i}`);
      if (heard[i].length < expected.length) broken++;
    }
  }
  t.true(broken > SEEDS.length / 10, `${broken} were broken`);
  t.true(together.recv > SEEDS.length / 3 && together.send > SEEDS.length / 10, JSON.stringify(together));
});
