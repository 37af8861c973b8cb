// Programs by seed, with and without the layer that makes fewer system calls: each gets and gives the same bytes on every
// connection, whatever the kernel takes of a write, and when. A process has one simulation at a time, so tests run one
// after another.
import test from 'ava';

import { CORK_SIZE } from '../reactor/economy';
import { EAGAIN, ECONNRESET, EINTR, ENOMEM, EPIPE, errno } from '../reactor/errno.h';
import { EV_PERSIST, EV_READ, EV_WRITE, Event } from '../reactor/event.h';
import { eventActive, eventAdd, eventDel, eventDispatch, eventEconomy, eventInit, eventSet } from '../reactor/event';
import { evtimerAdd, evtimerSet } from '../reactor/evtimer';
import { Random, Simulation, installSimulation, randomFaults } from '../reactor/sim';
import { POLLIN, POLLOUT } from '../reactor/sim/endpoint';
import { EPOLL_CTL_ADD } from '../reactor/sim/pollset';
import type { CallHook, FaultTable, SimClient, SimulationOptions } from '../reactor/sim';
import { AF_INET, INADDR_ANY, SHUT_RDWR, SHUT_WR, SOCK_STREAM } from '../reactor/socket.h';
import { accept, bind, close, listen, read, shutdown, socket, write } from '../reactor/syscalls';

const PORT = 11211;
const SEEDS = Array.from({ length: 300 }, (_, seed) => seed + 1);

/** So long that no part of it looks like another. */
const TEXT = Buffer.from(Array.from({ length: 4 * CORK_SIZE }, (_, i) => (Math.imul(i, 2654435761) >>> 24) ^ (i >> 8)));

/**
 * What one side of a connection does: sends so many bytes, or pauses for so many seconds; 0 in the program lets the others do
 * something in the same turn of the loop.
 */
type Step = { send: number } | { pause: number };

/** What happens on one connection. */
interface Plan {
  program: Step[];
  client: Step[];
  /** Whether the program sends back what it gets, instead of going by its steps. */
  echoes: boolean;
  /** How the program waits until it can write on. */
  waits: 'once' | 'persistent' | 'both directions' | 'timer';
  /** Whether it pauses by a timer of the loop, or by one of Node's, which comes while the loop waits. */
  timer: 'event' | 'outside';
  ends: 'close' | 'shutdown' | 'shutdown both';
  /** When the client stops reading and goes on, again and again, in seconds. */
  readsAt: number[];
}

interface Run {
  /** What each client got. */
  heard: Buffer[];
  /** What the program got from each. */
  got: Buffer[];
  result: number;
  /** Descriptors that were left open. */
  left: number[];
  calls: number;
}

/** Steps that send `most` bytes at most. */
function steps(random: Random, most: number): Step[] {
  const list: Step[] = [];
  let left = random.int(most + 1);
  while (left > 0) {
    if (random.chance(0.3)) list.push({ pause: random.int(3) });
    const send = Math.min(left, 1 + random.int(random.pick([10, 300, 5000, CORK_SIZE + 1000])));
    list.push({ send });
    left -= send;
  }
  return list;
}

function plan(random: Random, most: number): Plan {
  return {
    program: steps(random, most),
    client: steps(random, Math.min(most, 5000)),
    echoes: random.chance(0.3),
    waits: random.pick(['once', 'persistent', 'both directions', 'timer']),
    timer: random.pick(['event', 'outside']),
    ends: random.pick(['close', 'shutdown', 'shutdown both']),
    readsAt: Array.from({ length: random.int(8) }, () => random.int(30)).sort((a, b) => a - b),
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
  /** What is to be sent, from TEXT or as it came. */
  private pending: Buffer = Buffer.alloc(0);
  private sent = 0;
  private heardAll = false;
  private pausing = false;
  private closed = false;

  constructor(private readonly sim: Simulation, private readonly fd: number, private readonly plan: Plan, bufSize: number) {
    this.steps = plan.echoes ? [] : [...plan.program];
    this.buf = Buffer.alloc(bufSize);
    eventSet(this.reader, fd, EV_READ | EV_PERSIST, () => this.read(), null);
    eventSet(this.writer, fd, EV_WRITE, (_fd, which) => this.onWriter(which), null);
    if (eventAdd(this.reader, null) === -1) this.giveUp();
    else this.go();
  }

  private onWriter(which: number): void {
    if (this.plan.waits !== 'once') eventDel(this.writer);
    if (this.plan.waits === 'both directions' && !this.heardAll) {
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
      if (!this.plan.echoes) continue;
      this.pending = Buffer.concat([this.pending, bytes]);
      if (!this.go()) return;
    }
  }

  /** Writes as much as can be; false where the connection is given up or at its end. */
  private go(): boolean {
    if (this.pausing || this.closed) return !this.closed;
    for (;;) {
      if (this.pending.length === 0) {
        const step = this.steps.shift();
        if (step === undefined) return this.heardAll ? this.end() : true;
        if ('pause' in step) {
          this.pausing = true;
          this.later(step.pause);
          return true;
        }
        this.pending = TEXT.subarray(this.sent, this.sent + step.send);
        this.sent += step.send;
      }
      const n = write(this.fd, this.pending, 0, this.pending.length);
      if (n === -1) {
        if (errno !== EAGAIN && errno !== EINTR) return this.giveUp();
        return this.wait();
      }
      this.pending = this.pending.subarray(n);
    }
  }

  private wait(): boolean {
    if (this.plan.waits === 'timer') {
      this.pausing = true;
      this.later(1);
      return true;
    }
    eventDel(this.writer);
    this.writer.evEvents = this.plan.waits === 'once' ? EV_WRITE : EV_WRITE | EV_PERSIST;
    if (this.plan.waits === 'both directions' && !this.heardAll) {
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
    } else if (this.plan.timer === 'event') after(seconds, goOn);
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

function schedule(sim: Simulation, client: SimClient, { client: list, readsAt }: Plan): void {
  let time = 0;
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
  for (const [i, at] of readsAt.entries()) sim.at(at, () => i % 2 === 0 ? client.resumeReading() : client.pauseReading());
  sim.at(Math.max(time, 30), () => client.resumeReading());
}

/** Runs the program of `seed`; `waiting` is how often a descriptor cannot be waited for. */
async function run(seed: number, economy: boolean, table: FaultTable, waiting = 0): Promise<Run & { plans: Plan[] }> {
  const random = new Random(seed);
  const sendBuffer = random.pick([1, 10, 1000, 65536, Infinity]);
  const byChance = randomFaults(table, random.fork());
  // Adding an event fails; not deleting one, which a program cannot do anything about.
  const faults: CallHook = (call) => {
    const adds = call.name === 'epoll_ctl' && (call.args[0] === EPOLL_CTL_ADD || call.args[1] === (POLLIN | POLLOUT));
    return adds && random.chance(waiting) ? { errno: ENOMEM } : byChance(call);
  };
  const options: SimulationOptions = {
    seed, sendBuffer, faults, shortIo: random.chance(0.5), shuffle: random.chance(0.5), autoAdvance: true, maxTurns: Infinity,
  };
  const most = sendBuffer < 1000 ? 300 : options.shortIo ? 20_000 : TEXT.length;
  const plans = Array.from({ length: 1 + random.int(4) }, () => plan(random, most));
  const bufSize = random.pick([16, 100, 4096]);

  const sim = new Simulation(options);
  installSimulation(sim);
  eventEconomy(economy);
  eventInit();
  const listener = socket(AF_INET, SOCK_STREAM, 0);
  bind(listener, { sinFamily: AF_INET, sinPort: PORT, sinAddr: INADDR_ANY });
  listen(listener, 1024);
  const clients = plans.map(() => sim.connect(PORT));
  const talkers = plans.map((each, i) => {
    schedule(sim, clients[i], each);
    return new Talker(sim, accept(listener, null), each, bufSize);
  });
  close(listener);
  const result = await eventDispatch();
  const left = sim.openFds();
  const calls = sim.calls.filter(({ name }) => name === 'read' || name === 'write').length;
  installSimulation(null);
  const heard = clients.map((client) => {
    client.resumeReading();
    return client.take();
  });
  return { plans, heard, got: talkers.map(({ got }) => Buffer.concat(got)), result, left, calls };
}

function total(list: readonly Step[]): number {
  return list.reduce((sum, step) => sum + ('send' in step ? step.send : 0), 0);
}

test.serial('programs by chance give and get the same bytes as without economy, in fewer calls', async (t) => {
  let [without, withIt] = [0, 0];
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
      for (const [i, { program, client, echoes }] of plans.entries()) {
        const expected = TEXT.subarray(0, total(echoes ? client : program));
        t.is(heard[i].length, expected.length, `seed ${seed}, connection ${i}`);
        t.is(Buffer.compare(heard[i], expected), 0, `seed ${seed}, connection ${i}`);
        t.is(Buffer.compare(got[i], TEXT.subarray(0, total(client))), 0, `seed ${seed}, connection ${i}`);
      }
    }
    without += plain.calls;
    withIt += thrifty.calls;
  }
  t.true(withIt < without, `${withIt} and ${without} calls`);
});

test.serial('programs by chance whose connections break lose only the end of what they gave, and all descriptors', async (t) => {
  const faults = {
    read: { probability: 0.02, errnos: [ECONNRESET, EAGAIN] },
    write: { probability: 0.05, errnos: [ECONNRESET, EPIPE, ENOMEM, EAGAIN, EINTR] },
    shutdown: { probability: 0.1, errnos: [ENOMEM] },
  };
  let broken = 0;
  for (const seed of SEEDS) {
    const { plans, heard, result, left } = await run(seed, true, faults, 0.03);
    t.is(result, 1, `seed ${seed}`);
    t.deepEqual(left, [], `seed ${seed}`);
    for (const [i, { program, client, echoes }] of plans.entries()) {
      const expected = TEXT.subarray(0, total(echoes ? client : program));
      t.is(Buffer.compare(heard[i], expected.subarray(0, heard[i].length)), 0, `seed ${seed}, connection ${i}`);
      if (heard[i].length < expected.length) broken++;
    }
  }
  t.true(broken > SEEDS.length / 10, `${broken} were broken`);
});
