// Makes a plan from a seed: clients that connect, send requests, read or not, and leave; time; and failing calls.
import { Random } from '../../reactor/sim';
import { COUNTERS, KEYS, setOf, someOp } from './generate-op';
import type { Traits } from './generate-op';
import type { Op } from './op';
import type { Act, Fault, Mode, Plan } from './plan';

const UNLIMITED_FDS = 1 << 20;
/** A value may need this many writes while its reader waits. */
const LONGEST_WRITES = 50;
const HOUR_SECONDS = 3600;
/** The server sends a value of this many bytes from its item, without a copy to a connection buffer. */
const SHORTEST_LONG = 2100;
/** Standard input, output and error, and the sockets that listen. */
const OWN_FDS = 5;

/** By call, the errno values with which it may fail. */
const ERRORS: readonly (readonly [call: string, errnos: readonly string[]])[] = [
  ['read', ['EAGAIN', 'EAGAIN', 'EINTR', 'ECONNRESET', 'ETIMEDOUT', 'ENOMEM']],
  ['write', ['EAGAIN', 'EAGAIN', 'EINTR', 'ECONNRESET', 'EPIPE', 'ENOBUFS', 'ENOMEM']],
  ['accept', ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EINTR', 'ECONNABORTED', 'EAGAIN']],
  ['fcntl', ['EINTR', 'ENOMEM']],
  ['setsockopt', ['ENOBUFS', 'ENOMEM']],
  ['shutdown', ['ENOBUFS', 'ENOTCONN']],
  ['epoll_add', ['ENOMEM', 'ENOSPC']],
  ['epoll_mod', ['ENOMEM', 'ENOSPC']],
  ['epoll_del', ['ENOMEM']],
  ['epoll_wait', ['EINTR']],
];

export function generate(seed: number, mode: Mode): Plan {
  const random = new Random(seed);
  const today = mode === 'default';
  const sendBuffer = random.pick([50, 200, 3000, 65536]);
  const traits: Traits = {
    longest: sendBuffer * LONGEST_WRITES,
    today,
    small: random.chance(0.7),
    numbers: random.chance(0.4),
    short: random.chance(0.3),
  };
  const faulty = random.pick([0, 0.1, 0.3]);
  const crowded = random.pick([0, 0, 0.05, 0.3]);
  const keepsItems = today && random.chance(0.25);
  const steps = 15 + random.int(45);
  const acts: Act[] = [];
  const script = new Script(random, traits, faulty, crowded, keepsItems, acts);
  for (let i = 0; i < steps; i++) script.step();
  return {
    seed, mode, args: argsOf(random, today), sendBuffer,
    maxFds: random.chance(0.15) ? OWN_FDS + 2 + random.int(5) : UNLIMITED_FDS,
    shortIo: random.chance(0.4), keepsItems, acts,
  };
}

function argsOf(random: Random, today: boolean): string[] {
  const args = ['-m', String(today ? 2 + random.int(4) : 1 + random.int(4))];
  if (random.chance(0.3)) args.push('-c', String(1 + random.int(5)));
  if (!today) return args;
  const suboptions = ['hashpower=12'];
  if (random.chance(0.5)) suboptions.push('no_maxconns_fast');
  if (random.chance(0.3)) suboptions.push(random.pick(['no_lru_crawler', 'no_slab_reassign', 'no_lru_maintainer']));
  args.push('-o', suboptions.join(','));
  if (random.chance(0.1)) args.push('-C');
  if (random.chance(0.15)) args.push('-M');
  if (random.chance(0.3)) args.push('-R', String(1 + random.int(3)));
  if (random.chance(0.5)) args.push('-f', '2');
  // Fewer chunks in a page make a run faster.
  args.push('-n', random.pick(['48', '500', '1000']));
  return args;
}

interface Present {
  name: string;
  binary: boolean;
  paused: boolean;
}

class Script {
  private readonly present: Present[] = [];
  private names = 0;

  constructor(
    private readonly random: Random, private readonly traits: Traits, private readonly faulty: number,
    private readonly crowded: number, private readonly keepsItems: boolean, private readonly acts: Act[],
  ) {}

  /** Adds a few acts. Mostly the server gets time to become idle afterwards. */
  step(): void {
    const { random, present } = this;
    if (random.chance(this.faulty)) this.acts.push({ fault: this.fault() });
    if (random.chance(this.crowded)) {
      this.acts.push({ fault: { call: 'slab', skip: random.int(3), times: 1 + random.int(random.chance(0.2) ? 12 : 2) } });
    }
    if (present.length === 0 || (present.length < 6 && random.chance(0.15))) this.connect();
    else if (random.chance(0.08)) random.pick([() => this.squeeze(), () => this.overtake()])();
    else if (random.chance(0.75)) this.talk();
    else if (random.chance(0.6)) this.behave();
    else this.pass();
    if (random.chance(0.6)) this.acts.push({ rest: true });
  }

  private connect(): void {
    const { random } = this;
    const name = nameOf(this.names++);
    const binary = this.traits.today && random.chance(0.25);
    this.present.push({ name, binary, paused: false });
    this.acts.push({ connect: name, binary });
    if (random.chance(0.5)) this.talk();
  }

  private talk(): void {
    const { random, acts } = this;
    const { name, binary } = random.pick(this.present);
    const count = random.chance(0.7) ? 1 : random.chance(0.8) ? 2 + random.int(5) : 25;
    for (let i = 0; i < count; i++) acts.push({ say: [name, someOp(random, this.traits, binary)] });
    acts.push({ push: [name, random.chance(0.7) ? 0 : 1 + random.int(random.pick([5, 60, 2000]))] });
  }

  /** A number grows while there is no memory, so that it evicts other items, or itself. */
  private squeeze(): void {
    const { random, acts } = this;
    const { name } = random.pick(this.present);
    const key = random.pick(COUNTERS);
    if (random.chance(0.7)) acts.push({ say: [name, setOf(key, { text: '9', length: 1 })] });
    if (random.chance(0.7)) acts.push({ push: [name, 0] }, { rest: true });
    acts.push({ fault: { call: 'slab', times: 1 + random.int(random.chance(0.3) ? 12 : 4), skip: random.int(2) } });
    const by = random.chance(0.8) ? 1 + random.int(1000) : 4_000_000_000;
    acts.push({ say: [name, { key, noreply: false, name: 'incr', by, initial: null }] }, { push: [name, 0] });
  }

  /** A client reads a long value slowly, or leaves. Meanwhile the item goes, and others may get its chunk. */
  private overtake(): void {
    const { random, acts, traits } = this;
    const reader = random.pick(this.present);
    const { name: writer } = random.pick(this.present);
    const key = random.pick(KEYS);
    const length = Math.min(SHORTEST_LONG + random.int(random.pick([500, 20_000, 60_000])), traits.longest);
    const some = (of: string): Op => setOf(of, { text: `${of.slice(0, 3)}${random.int(1000)}`, length: length - random.int(20) });
    acts.push({ say: [writer, some(key)] }, { push: [writer, 0] }, { rest: true }, { pause: reader.name });
    const keys = reader.binary || random.chance(0.5) ? [key] : [random.pick(KEYS), key, random.pick(KEYS)];
    acts.push({ say: [reader.name, { name: 'get', keys, missing: 0 }] }, { push: [reader.name, 0] }, { rest: true });
    if (writer !== reader.name) {
      const goes: Op = random.chance(0.5) ? { name: 'delete', key, noreply: false } : some(key);
      acts.push({ say: [writer, goes] });
      for (let i = random.int(4); i > 0; i--) acts.push({ say: [writer, some(random.pick(KEYS))] });
      acts.push({ push: [writer, 0] }, { rest: true });
    }
    if (random.chance(0.3)) acts.push({ advance: random.pick([0.06, 1, 6]) });
    reader.paused = random.chance(0.2);
    if (!reader.paused) acts.push(random.chance(0.8) ? { resume: reader.name } : this.leaving(reader));
  }

  private behave(): void {
    const { random, acts, present } = this;
    const client = random.pick(present);
    const { name } = client;
    if (client.paused ? random.chance(0.5) : random.chance(0.4)) {
      acts.push(client.paused ? { resume: name } : { pause: name });
      client.paused = !client.paused;
      return;
    }
    if (random.chance(0.4)) {
      acts.push({ push: [name, 0] });
      return;
    }
    acts.push(this.leaving(client));
    if (random.chance(0.5)) acts.push({ resume: name });
  }

  /** A client leaves in one way or another. */
  private leaving(client: Present): Act {
    const { name } = client;
    this.present.splice(this.present.indexOf(client), 1);
    return this.random.pick([{ shutdown: name }, { reset: name }, { close: name }, { close: name }]);
  }

  private pass(): void {
    const { random, acts } = this;
    const kind = random.int(100);
    if (this.keepsItems && random.chance(0.2)) this.restart('warm');
    else if (kind < 40) acts.push({ advance: random.pick([0.001, 0.02, 0.06, 0.3]) });
    else if (kind < 75) acts.push({ advance: 1 + random.int(6) });
    else if (kind < 85) acts.push({ clock: (random.int(49) - 24) * HOUR_SECONDS });
    else if (kind < 93) acts.push({ sleep: random.pick([1, 5, 100, HOUR_SECONDS, 24 * HOUR_SECONDS]) });
    else if (kind < 95) this.restart('plain');
    else acts.push({ advance: 0.06 });
  }

  private restart(how: 'plain' | 'warm'): void {
    this.acts.push({ restart: how });
    this.present.splice(0);
  }

  private fault(): Fault {
    const { random, present } = this;
    if (random.chance(0.04)) return { call: 'malloc', skip: random.int(4) };
    const client = present.length > 0 && random.chance(0.6) ? { client: random.pick(present).name } : {};
    if (random.chance(0.3)) {
      const limit = random.pick([1, 1, 2, 7, 100]);
      return { call: random.pick(['read', 'write']), ...client, skip: random.int(3), limit, times: 1 + random.int(4) };
    }
    const [call, errnos] = random.pick(ERRORS);
    const anyone = call === 'accept' || call === 'epoll_wait' || call === 'fcntl' || call === 'epoll_add';
    const [skip, errno, times] = [random.int(3), random.pick(errnos), 1 + random.int(2)];
    return { call, ...(anyone ? {} : client), skip, errno, times };
  }
}

/** A, B, …, Z, A1, B1, … */
function nameOf(n: number): string {
  return String.fromCharCode(0x41 + n % 26) + (n < 26 ? '' : String(Math.floor(n / 26)));
}
