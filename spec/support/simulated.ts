// The simulated backend for specs of the layer above it: it records the calls that the kernel gets, and a test decides
// how much the kernel takes. A process has one simulation at a time.
import { EVLOOP_NONBLOCK, EVLOOP_ONCE, EV_READ, Event } from '../../reactor/event.h';
import { eventActive, eventInit, eventLoop, eventSet } from '../../reactor/event';
import { evtimerAdd, evtimerSet } from '../../reactor/evtimer';
import { Simulation, installSimulation } from '../../reactor/sim';
import type { CallName, CallRecord, SimClient, SimulationOptions } from '../../reactor/sim';
import { AF_INET, INADDR_ANY, MSG_MORE, SOCK_STREAM } from '../../reactor/socket.h';
import { accept, bind, close, listen, socket } from '../../reactor/syscalls';

export const PORT = 11211;

let running: Simulation | null = null;

/** A simulation that event_init has chosen; `prepare` may change it before. */
export function start(options: Partial<SimulationOptions> = {}, prepare?: (sim: Simulation) => void): Simulation {
  running = new Simulation({ seed: 1, ...options });
  prepare?.(running);
  installSimulation(running);
  eventInit();
  return running;
}

/** Cleans up after a test. */
export function stopAll(): void {
  running?.stop();
  running = null;
  installSimulation(null);
}

/** A listening socket, at which `sim.connect(PORT)` queues clients. */
export function listening(): number {
  const listener = socket(AF_INET, SOCK_STREAM, 0);
  bind(listener, { sinFamily: AF_INET, sinPort: PORT, sinAddr: INADDR_ANY });
  listen(listener, 1024);
  return listener;
}

/** `count` clients, each with the descriptor under which the program has accepted it. */
export function accepted(sim: Simulation, count = 1): [SimClient, number][] {
  const listener = listening();
  const pairs = Array.from({ length: count }, (): [SimClient, number] => {
    const client = sim.connect(PORT);
    return [client, accept(listener, null)];
  });
  close(listener);
  return pairs;
}

/** Makes the loop take a turn that calls `callback`. */
export async function turn(callback: () => void): Promise<void> {
  const ev = new Event();
  eventSet(ev, -1, 0, callback, null);
  eventActive(ev, EV_READ, 1);
  await eventLoop(EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

export function newEvent(fd: number, events: number, callback: (fd: number, which: number) => void): Event {
  const ev = new Event();
  eventSet(ev, fd, events, callback, null);
  return ev;
}

export function timer(seconds: number, callback: () => void): void {
  const ev = new Event();
  evtimerSet(ev, callback, null);
  const tvSec = Math.floor(seconds);
  evtimerAdd(ev, { tvSec, tvUsec: (seconds - tvSec) * 1e6 });
}

/** The system calls on descriptors that the kernel gets, without epoll's. */
export class Kernel {
  private from: number;

  constructor(private readonly sim: Simulation) {
    this.from = sim.calls.length;
  }

  /** The calls since the last time: 'write 4: 5 of 5', 'read 4: EAGAIN of 4096', 'close 4: 0'. */
  calls(): string[] {
    const since = this.sim.calls.slice(this.from);
    this.from = this.sim.calls.length;
    return since.filter(({ name }) => !name.startsWith('epoll')).map(described);
  }
}

function described({ name, fd, args, length, result }: CallRecord): string {
  const more = name === 'write' && args.includes(MSG_MORE) ? ', and more' : '';
  return `${name} ${fd}: ${result}${length === null ? '' : ` of ${length}`}${more}`;
}

/** Makes the next call of that name fail. */
export function failOnce(sim: Simulation, name: CallName, errnum: number, fd?: number): void {
  sim.onCall = (call) => {
    if (call.name !== name || (fd !== undefined && call.fd !== fd)) return undefined;
    sim.onCall = null;
    return { errno: errnum };
  };
}

/** Records batched reads and writes from now on: 'recv 4 5 6 7', 'send 4 5 6 7'. */
export function batches(sim: Simulation): string[] {
  const { batch } = sim.syscalls;
  if (batch === null) throw new Error('the simulated kernel has no batch');
  const list: string[] = [];
  const recv = batch.recv.bind(batch);
  const send = batch.send.bind(batch);
  batch.recv = (fds, n, buf, length, results) => {
    list.push(`recv ${fds.subarray(0, n).join(' ')}`);
    recv(fds, n, buf, length, results);
  };
  batch.send = (fds, n, buf, starts, results) => {
    list.push(`send ${fds.subarray(0, n).join(' ')}`);
    send(fds, n, buf, starts, results);
  };
  return list;
}
