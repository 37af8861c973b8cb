// The generator's hot path: a client on our own reactor that keeps one exchange going on each of its connections,
// checks every byte of the replies, and measures.
//
// It polls instead of sleeping: a reply never waits for a wake-up, and a server never pays for waking the generator. A
// poll that finds nothing ends eventLoop(EVLOOP_NONBLOCK), so only such polls cost a promise, and their time is the
// generator's spare time. It allocates nothing else: state is in typed arrays, by descriptor.
import { createHistogram } from 'node:perf_hooks';

import { EAGAIN, EINPROGRESS, EINTR, EWOULDBLOCK, errno, strerror } from '../../reactor/errno.h';
import { EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_WRITE, Event } from '../../reactor/event.h';
import { eventAdd, eventDel, eventLoop, eventPending, eventSet } from '../../reactor/event';
import { AF_INET, F_GETFL, F_SETFL, IPPROTO_TCP, O_NONBLOCK, SOCK_STREAM, TCP_NODELAY } from '../../reactor/socket.h';
import { close, connect, fcntl, read, setsockopt, socket, write } from '../../reactor/syscalls';
import { Failure } from './failure';
import { cpuSeconds } from './proc';
import type { Tables } from './tables';
import { READ_SIZE_BYTES } from './tables';

/** From this length on, one native comparison is quicker than a loop over words. */
const LONG_COMPARISON_BYTES = 512;
/** A run fails if no connection gets anything for this long. */
const PATIENCE_MS = 10_000;
const FIRST_OF_END = 'E'.charCodeAt(0);
/** Of SERVER_ERROR. STORED has another second character. */
const SECOND_OF_ERROR = 'E'.charCodeAt(0);
const EXCERPT_BYTES = 60;

export interface Address {
  /** IPv4, in host byte order. */
  host: number;
  port: number;
}

export interface Plan {
  /** Measures for this long after a warm-up, or does each exchange once. */
  seconds: number | 'once';
  warmUp: number;
  connections: number;
  /** Adds a connection, and reports the latencies of that one only. */
  probe: boolean;
  /** The process whose processor time to report. */
  pid: number | null;
}

export interface Measured {
  operations: number;
  seconds: number;
  /** How many replies were misses and hits, for exchanges that allow both. */
  misses: number;
  hits: number;
  /** In microseconds, from before the write of the request to after the read that completes the reply. */
  latency: Latency;
  /** The share of time that the generator spent in polls that found nothing: 0 to 1. */
  idle: number;
  /** The server's processor time in seconds; null if unknown. */
  serverCpu: number | null;
}

export interface Latency {
  count: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

/** Opens the connections, does what the plan says, and closes them. */
export async function drive(address: Address, tables: Tables, plan: Plan): Promise<Measured> {
  const fds: number[] = [];
  try {
    const connections = plan.connections + (plan.probe ? 1 : 0);
    while (fds.length < connections) fds.push(await open(address));
    const driver = new Driver(tables, plan, fds);
    try {
      return await driver.run();
    } finally {
      driver.end();
    }
  } finally {
    for (const fd of fds) close(fd);
  }
}

async function open({ host, port }: Address): Promise<number> {
  const fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd === -1) throw new Failure(`no socket: ${strerror(errno)}`);
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (connect(fd, { sinFamily: AF_INET, sinPort: port, sinAddr: host }) === -1 && errno !== EINPROGRESS) {
    throw refused(fd);
  }
  const event = new Event();
  eventSet(event, fd, EV_WRITE, () => {}, null);
  eventAdd(event, null);
  while (eventPending(event, EV_WRITE, null) !== 0) await eventLoop(EVLOOP_ONCE);
  // The first read reports the result.
  const count = read(fd, Buffer.alloc(1), 0, 1);
  if (count === 0) throw refused(fd, 'the server closed it');
  if (count > 0) throw refused(fd, 'the server speaks first');
  if (!again(errno)) throw refused(fd);
  return fd;
}

function refused(fd: number, why = strerror(errno)): Failure {
  close(fd);
  return new Failure(`cannot connect: ${why}`);
}

function again(error: number): boolean {
  return error === EAGAIN || error === EWOULDBLOCK || error === EINTR;
}

class Driver {
  private readonly events: Event[] = [];
  private readonly writeEvents = new Map<number, Event>();

  // By descriptor.
  private readonly exchange: Uint32Array;
  /** The next expected byte, and the end of the reply: offsets in the tables' bytes. */
  private readonly expectAt: Uint32Array;
  private readonly expectEnd: Uint32Array;
  /** Where the unwritten rest of its request begins. */
  private readonly unsentAt: Uint32Array;
  private readonly startedAt: Float64Array;

  /** Of the tables' bytes. */
  private readonly words: DataView;
  private readonly probe: number;
  private outstanding = 0;
  private cursor = 0;
  private stopping = false;
  private counting = false;
  /** When the warm-up, or the measurement, is over. */
  private deadline: number;
  private begun = 0;
  private ended = 0;

  private readonly histogram = createHistogram();
  /** How often a callback was called, to recognise polls that found nothing. */
  private called = 0;
  private operations = 0;
  private misses = 0;
  private hits = 0;
  /** Polls that found nothing; how many of them came right after another such poll, and the time that these took. */
  private polls = 0;
  private idlePolls = 0;
  private idleTime = 0;
  private cpuBegun: number | null = null;
  private serverCpu: number | null = null;

  constructor(private readonly tables: Tables, private readonly plan: Plan, private readonly fds: readonly number[]) {
    const { buffer, byteOffset, byteLength } = tables.bytes;
    this.words = new DataView(buffer, byteOffset, byteLength);
    const length = Math.max(...fds) + 1;
    this.exchange = new Uint32Array(length);
    this.expectAt = new Uint32Array(length);
    this.expectEnd = new Uint32Array(length);
    this.unsentAt = new Uint32Array(length);
    this.startedAt = new Float64Array(length);
    this.probe = plan.probe ? fds[fds.length - 1] : -1;
    this.deadline = plan.seconds === 'once' ? Infinity : performance.now() + plan.warmUp * 1000;
    if (plan.seconds === 'once') this.count(performance.now());
    for (const fd of fds) {
      const event = new Event();
      eventSet(event, fd, EV_READ | EV_PERSIST, this.onReadable, null);
      this.events.push(event);
      eventAdd(event, null);
    }
  }

  async run(): Promise<Measured> {
    for (const fd of this.fds) {
      if (this.stopping) break;
      this.outstanding++;
      this.send(fd, this.next(), performance.now());
    }
    let last = performance.now();
    let lively = last;
    while (this.outstanding > 0) {
      const { called } = this;
      if ((await eventLoop(EVLOOP_NONBLOCK)) === -1) throw new Failure(`the event loop failed: ${strerror(errno)}`);
      const now = performance.now();
      if (called !== this.called) lively = now;
      if (this.counting) {
        this.polls++;
        if (called === this.called) {
          this.idlePolls++;
          this.idleTime += now - last;
        }
      }
      last = now;
      if (now >= this.deadline) this.advance(now);
      if (now - lively > PATIENCE_MS) throw this.silence();
    }
    if (this.counting) this.stop(performance.now());
    return this.measured();
  }

  end(): void {
    for (const event of this.events) eventDel(event);
    for (const event of this.writeEvents.values()) eventDel(event);
  }

  private readonly onReadable = (fd: number): void => {
    this.called++;
    const { bytes } = this.tables;
    const length = read(fd, bytes, 0, READ_SIZE_BYTES);
    if (length <= 0) {
      if (length === 0 || !again(errno)) throw this.lost(fd, length);
      return;
    }
    if (bytes[0] === FIRST_OF_END) this.expectMiss(fd);
    else if (this.tables.mayRefuse && bytes[1] === SECOND_OF_ERROR) this.expectRefusal(fd);
    const at = this.expectAt[fd];
    const end = this.expectEnd[fd];
    if (length > end - at || !this.same(at, length)) throw this.wrong(fd, length);
    this.expectAt[fd] = at + length;
    if (at + length === end) this.complete(fd);
  };

  /** A reply that begins with END is a miss, if the exchange allows one. */
  private expectMiss(fd: number): void {
    const { onMiss, replyAt, missAt, missEnd } = this.tables;
    const exchange = this.exchange[fd];
    if (onMiss[exchange] === -1 || this.expectAt[fd] !== replyAt[exchange]) return;
    this.expectAt[fd] = missAt;
    this.expectEnd[fd] = missEnd;
  }

  /** A refused set counts as done: the cache forgot the item at once. */
  private expectRefusal(fd: number): void {
    const { replyAt, refusedAt, refusedEnd } = this.tables;
    if (this.expectAt[fd] !== replyAt[this.exchange[fd]]) return;
    this.expectAt[fd] = refusedAt;
    this.expectEnd[fd] = refusedEnd;
  }

  /** Whether the first bytes read are those at `at`. */
  private same(at: number, length: number): boolean {
    const { bytes } = this.tables;
    const { words } = this;
    if (length >= LONG_COMPARISON_BYTES) return bytes.compare(bytes, at, at + length, 0, length) === 0;
    let i = 0;
    for (; i + 4 <= length; i += 4) if (words.getInt32(i) !== words.getInt32(at + i)) return false;
    for (; i < length; i++) if (bytes[i] !== bytes[at + i]) return false;
    return true;
  }

  private complete(fd: number): void {
    // Reads the clock for each exchange. One time for all events of a turn would ignore how long the later ones waited.
    const now = performance.now();
    const { operations, onMiss, missEnd } = this.tables;
    const exchange = this.exchange[fd];
    const otherwise = onMiss[exchange];
    const missed = otherwise !== -1 && this.expectEnd[fd] === missEnd;
    if (this.counting) {
      this.operations += operations[exchange];
      if (missed) this.misses++;
      else if (otherwise !== -1) this.hits++;
      if (this.probe === -1 || this.probe === fd) {
        this.histogram.record(Math.max(1, Math.round((now - this.startedAt[fd]) * 1e6)));
      }
    }
    if (now >= this.deadline) this.advance(now);
    if (this.stopping) this.outstanding--;
    else this.send(fd, missed ? otherwise : this.next(), now);
  }

  private next(): number {
    const { order } = this.tables;
    const exchange = order[this.cursor++];
    if (this.cursor === order.length) {
      this.cursor = 0;
      if (this.plan.seconds === 'once') this.stopping = true;
    }
    return exchange;
  }

  /** Sends the request of an exchange. `now`: when the one before was complete. */
  private send(fd: number, exchange: number, now: number): void {
    const { bytes, requestAt, replyAt } = this.tables;
    this.exchange[fd] = exchange;
    this.expectAt[fd] = replyAt[exchange];
    this.expectEnd[fd] = replyAt[exchange + 1];
    this.startedAt[fd] = now;
    const at = requestAt[exchange];
    const length = requestAt[exchange + 1] - at;
    const sent = write(fd, bytes, at, length);
    if (sent !== length) this.sendLater(fd, at, sent);
  }

  /** The kernel has taken only `sent` bytes (-1: none) of the request at `at`. */
  private sendLater(fd: number, at: number, sent: number): void {
    if (sent === -1 && !again(errno)) throw this.lost(fd, sent);
    this.unsentAt[fd] = at + Math.max(sent, 0);
    let event = this.writeEvents.get(fd);
    if (event === undefined) {
      event = new Event();
      eventSet(event, fd, EV_WRITE, this.onWritable, null);
      this.writeEvents.set(fd, event);
    }
    eventAdd(event, null);
  }

  private readonly onWritable = (fd: number): void => {
    this.called++;
    const at = this.unsentAt[fd];
    const length = this.tables.requestAt[this.exchange[fd] + 1] - at;
    const sent = write(fd, this.tables.bytes, at, length);
    if (sent !== length) this.sendLater(fd, at, sent);
  };

  /** Goes from warm-up to measurement, or ends the measurement. */
  private advance(now: number): void {
    if (this.counting) {
      this.stop(now);
    } else {
      this.count(now);
      this.deadline = now + Number(this.plan.seconds) * 1000;
    }
  }

  private count(now: number): void {
    this.counting = true;
    this.begun = now;
    this.cpuBegun = this.plan.pid === null ? null : cpuSeconds(this.plan.pid);
  }

  private stop(now: number): void {
    this.counting = false;
    this.stopping = true;
    this.deadline = Infinity;
    this.ended = now;
    const cpu = this.plan.pid === null ? null : cpuSeconds(this.plan.pid);
    if (cpu !== null && this.cpuBegun !== null) this.serverCpu = cpu - this.cpuBegun;
  }

  private measured(): Measured {
    const { histogram, operations, misses, hits, serverCpu } = this;
    const elapsed = this.ended - this.begun;
    const micros = (percentile: number): number => histogram.percentile(percentile) / 1000;
    return {
      operations, misses, hits, serverCpu,
      seconds: elapsed / 1000,
      // A poll that ended a busy turn took as long as one that had the turn for itself.
      idle: this.idlePolls === 0 ? 0 : (this.idleTime * this.polls) / this.idlePolls / elapsed,
      latency: {
        count: histogram.count, p50: micros(50), p99: micros(99), p999: micros(99.9), max: histogram.max / 1000,
      },
    };
  }

  private wrong(fd: number, length: number): Failure {
    const { bytes, replyAt } = this.tables;
    const at = this.expectAt[fd];
    const end = this.expectEnd[fd];
    let i = 0;
    while (i < length && at + i < end && bytes[i] === bytes[at + i]) i++;
    const offset = this.expectEnd[fd] === this.tables.missEnd ? i : at + i - replyAt[this.exchange[fd]];
    const expected = at + i === end ? 'nothing more' : excerpt(bytes, at + i, end);
    return new Failure(
      `wrong reply to ${this.request(fd)} at byte ${offset}: expected ${expected}, got ${excerpt(bytes, i, length)}`,
    );
  }

  private lost(fd: number, result: number): Failure {
    const why = result === 0 ? 'the server closed the connection' : `the connection was lost (${strerror(errno)})`;
    return new Failure(`${why} in the reply to ${this.request(fd)}: expected ${this.expected(fd)}`);
  }

  private silence(): Failure {
    const fd = this.fds.find((waiting) => this.expectAt[waiting] < this.expectEnd[waiting]) ?? this.fds[0];
    return new Failure(
      `nothing came for ${PATIENCE_MS / 1000} seconds in the reply to ${this.request(fd)}: expected ${this.expected(fd)}`,
    );
  }

  private expected(fd: number): string {
    return excerpt(this.tables.bytes, this.expectAt[fd], this.expectEnd[fd]);
  }

  /** The current request, which has the key. */
  private request(fd: number): string {
    const { bytes, requestAt } = this.tables;
    const exchange = this.exchange[fd];
    return excerpt(bytes, requestAt[exchange], requestAt[exchange + 1]);
  }
}

function excerpt(bytes: Buffer, from: number, to: number): string {
  const text = JSON.stringify(bytes.toString('latin1', from, Math.min(to, from + EXCERPT_BYTES)));
  return to - from > EXCERPT_BYTES ? `${text}…` : text;
}
