// System calls as strace prints them, with the bytes that they moved.
import {
  AF_INET, F_GETFL, F_SETFL, IPPROTO_TCP, O_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER, SO_REUSEADDR,
  TCP_NODELAY,
} from '../../../reactor/socket.h';
import type { CallRecord, Simulation } from '../../../reactor/sim';
import type { SystemCall } from '../trace';
import { latin1 } from './memory';
import { placeOf } from './names';
import type { Targets } from './names';

const BYTES_MAX = 200;
/** The EPOLL_CTL_ and POLL names that the simulated kernel knows. */
const EPOLL_OPS = ['', 'EPOLL_CTL_ADD', 'EPOLL_CTL_DEL', 'EPOLL_CTL_MOD'];
const POLL_NAMES = [['EPOLLIN', 1], ['EPOLLOUT', 4]] as const;
const OPTIONS: Readonly<Record<string, string>> = {
  [`${SOL_SOCKET}:${SO_REUSEADDR}`]: 'SOL_SOCKET, SO_REUSEADDR',
  [`${SOL_SOCKET}:${SO_KEEPALIVE}`]: 'SOL_SOCKET, SO_KEEPALIVE',
  [`${SOL_SOCKET}:${SO_LINGER}`]: 'SOL_SOCKET, SO_LINGER',
  [`${IPPROTO_TCP}:${TCP_NODELAY}`]: 'IPPROTO_TCP, TCP_NODELAY',
};

/** The arguments of a read or write that the simulation does not record. */
interface Moved {
  place: string;
  offset: number;
}

export class Calls {
  /** By the index of a call in the simulation's record. */
  private readonly moved = new Map<number, Moved>();
  /** The timeouts of epoll_wait calls that were not taken yet. */
  private readonly timeouts: number[] = [];
  private readonly injected = new Set<number>();
  private readonly owners = new Map<number, string>();
  private next = 0;

  constructor(private readonly sim: Simulation, private readonly targets: Targets) {
    const { syscalls } = sim;
    const read = syscalls.read.bind(syscalls);
    const write = syscalls.write.bind(syscalls);
    syscalls.read = (fd, buf, offset, length) => {
      this.note(offset);
      return read(fd, buf, offset, length);
    };
    syscalls.write = (fd, buf, offset, length) => {
      this.note(offset);
      return write(fd, buf, offset, length);
    };
  }

  private note(offset: number): void {
    this.moved.set(this.sim.calls.length, { place: placeOf(offset, this.targets), offset });
  }

  /** Marks the call that begins now as having a fault of the scene. */
  inject(): void {
    this.injected.add(this.sim.calls.length);
  }

  /** Notes that the call that begins now is for `client`: after it the connection may be gone. */
  owned(client: string | undefined): void {
    if (client !== undefined) this.owners.set(this.sim.calls.length, client);
  }

  /** Notes that epoll_wait begins, with a timeout in milliseconds. */
  waits(timeout: number): void {
    this.timeouts.push(timeout);
  }

  /** Whether the server waits in epoll_wait, as far as the calls were taken. */
  get waiting(): boolean {
    return this.timeouts.length > 0;
  }

  /** The calls that have returned since the last take(). */
  take(): SystemCall[] {
    const { calls } = this.sim;
    const taken: SystemCall[] = [];
    for (; this.next < calls.length; this.next++) taken.push(this.shown(calls[this.next], this.next));
    return taken;
  }

  private shown(call: CallRecord, index: number): SystemCall {
    const { name, fd, result } = call;
    const moved = this.moved.get(index);
    const accepted = name === 'accept' && typeof result === 'number' ? this.targets.clientOf(result) : undefined;
    const client = accepted ?? this.owners.get(index);
    const length = typeof result === 'number' ? Math.min(result, BYTES_MAX) : 0;
    return {
      name,
      fd,
      ...(client === undefined ? {} : { client }),
      text: `${name}(${this.args(call, moved?.place)})`,
      result,
      ...(moved === undefined || length === 0 ? {} : { bytes: latin1(moved.offset, moved.offset + length) }),
      ...(this.injected.has(index) ? { injected: true } : {}),
    };
  }

  private args({ name, fd, args, length }: CallRecord, place = '…'): string {
    switch (name) {
      case 'read':
      case 'write': return `${fd}, ${place}, ${length ?? 0}`;
      case 'accept': return `${fd}, NULL`;
      case 'socket': return `${args[0] === AF_INET ? 'AF_INET' : args[0]}, ` +
        `${args[1] === SOCK_STREAM ? 'SOCK_STREAM' : args[1]}, ${args[2]}`;
      case 'bind': return `${fd}, port ${args[0]}`;
      case 'fcntl': return `${fd}, ${fcntlArgs(args)}`;
      case 'setsockopt': return `${fd}, ${OPTIONS[args.join(':')] ?? args.join(', ')}`;
      case 'epoll_ctl': return `${EPOLL_OPS[args[0]]}, ${fd}, ${pollNames(args[1])}`;
      case 'epoll_wait': return `${this.timeouts.shift() ?? '…'} ms`;
      case 'getrandom': return `${length ?? 0} bytes`;
      default: return [fd, ...args].join(', ');
    }
  }
}

function fcntlArgs([cmd, arg]: readonly number[]): string {
  if (cmd === F_GETFL) return 'F_GETFL';
  if (cmd !== F_SETFL) return `${cmd}, ${arg}`;
  return `F_SETFL, ${arg & O_NONBLOCK ? 'O_NONBLOCK' : arg}`;
}

function pollNames(events: number): string {
  return POLL_NAMES.filter(([, bit]) => events & bit).map(([name]) => name).join('|') || '0';
}
