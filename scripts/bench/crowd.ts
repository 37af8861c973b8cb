// Many connections at once: how long a server takes to accept and answer all of them, and what an idle one costs.
import { setTimeout as sleep } from 'node:timers/promises';

import { EINPROGRESS, errno, strerror } from '../../reactor/errno.h';
import { EVLOOP_ONCE, EV_PERSIST, EV_READ, EV_WRITE, Event } from '../../reactor/event.h';
import { eventAdd, eventDel, eventLoop, eventSet } from '../../reactor/event';
import { AF_INET, F_GETFL, F_SETFL, O_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_LINGER } from '../../reactor/socket.h';
import { close, connect, fcntl, read, setsockopt, socket, write } from '../../reactor/syscalls';
import type { Address } from './driver';
import { Failure } from './failure';
import { cpuSeconds, residentBytes } from './proc';

const REQUEST = Buffer.from('version\r\n');
const VERSION = 'VERSION ';
/** Connections that wait for a reply at a time: fewer than memcached's listen backlog, or some would be late. */
const WAITING_MAX = 1000;
/** After this long a connection is idle. */
const SETTLING_MS = 1000;

export interface Crowd {
  connections: number;
  /** From the first connect to the last reply. */
  seconds: number;
  /** The server's processor time meanwhile, in seconds; null if unknown. */
  serverCpu: number | null;
  /** For one more request on each connection, when all are open. */
  askedSeconds: number;
  /** Resident bytes of the server: before, and with all connections open and idle. Null if unknown. */
  before: number | null;
  open: number | null;
}

/** Opens `count` connections with a request on each, then sends one more on each when all are open. Throws Failure. */
export async function crowd(address: Address, count: number, pid: number | null): Promise<Crowd> {
  const members: Member[] = [];
  let answered = 0;
  const done = (): void => {
    answered++;
  };
  const before = pid === null ? null : residentBytes(pid);
  const cpuBefore = cpuOf(pid);
  try {
    const begun = performance.now();
    while (answered < count) {
      while (members.length < count && members.length - answered < WAITING_MAX) members.push(new Member(address, done));
      await turn();
    }
    const opened = performance.now();
    const serverCpu = cpuBefore === null ? null : (cpuOf(pid) ?? 0) - cpuBefore;
    await sleep(SETTLING_MS);
    const open = pid === null ? null : residentBytes(pid);
    const asked = performance.now();
    answered = 0;
    for (const [i, member] of members.entries()) {
      member.ask();
      while (i - answered > WAITING_MAX) await turn();
    }
    while (answered < count) await turn();
    const askedSeconds = (performance.now() - asked) / 1000;
    return { connections: count, seconds: (opened - begun) / 1000, serverCpu, askedSeconds, before, open };
  } finally {
    for (const member of members) member.leave();
  }
}

function cpuOf(pid: number | null): number | null {
  return pid === null ? null : cpuSeconds(pid);
}

async function turn(): Promise<void> {
  if ((await eventLoop(EVLOOP_ONCE)) === -1) throw new Failure(`the event loop failed: ${strerror(errno)}`);
}

class Member {
  private readonly fd: number;
  private readonly event = new Event();
  private static readonly buffer = Buffer.alloc(100);

  constructor({ host, port }: Address, private readonly answered: () => void) {
    const fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd === -1) throw new Failure(`no socket: ${strerror(errno)}`);
    this.fd = fd;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
    // So that close sends a reset, which frees the local port at once.
    setsockopt(fd, SOL_SOCKET, SO_LINGER, { lOnoff: 1, lLinger: 0 });
    if (connect(fd, { sinFamily: AF_INET, sinPort: port, sinAddr: host }) === -1 && errno !== EINPROGRESS) {
      throw new Failure(`cannot connect: ${strerror(errno)}`);
    }
    eventSet(this.event, fd, EV_WRITE, this.connected, null);
    eventAdd(this.event, null);
  }

  ask(): void {
    if (write(this.fd, REQUEST, 0, REQUEST.length) !== REQUEST.length) throw new Failure(`cannot ask: ${strerror(errno)}`);
  }

  leave(): void {
    eventDel(this.event);
    close(this.fd);
  }

  private readonly connected = (): void => {
    this.ask();
    eventSet(this.event, this.fd, EV_READ | EV_PERSIST, this.readable, null);
    eventAdd(this.event, null);
  };

  private readonly readable = (): void => {
    const length = read(this.fd, Member.buffer, 0, Member.buffer.length);
    const got = Member.buffer.toString('latin1', 0, Math.max(length, 0));
    if (!got.startsWith(VERSION)) throw new Failure(`wrong reply to "version": ${length === -1 ? strerror(errno) : `"${got}"`}`);
    this.answered();
  };
}
