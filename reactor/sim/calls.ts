// System calls as a test sees them: a hook before each call, and a record after it.
import { getSystemErrorName } from 'node:util';
import type { Random } from './random';

export type CallName =
  | 'socket' | 'bind' | 'listen' | 'accept' | 'connect' | 'getsockname' | 'getpeername' | 'fcntl' | 'setsockopt'
  | 'read' | 'write' | 'recvfrom' | 'sendto' | 'shutdown' | 'close' | 'getrandom' | 'epoll_ctl' | 'epoll_wait';

/** A system call that the program is about to make. */
export interface Call {
  name: CallName;
  /** -1 if the call has no descriptor. */
  fd: number;
  /** Its other numbers, in the man page's order, with the port in place of an address. */
  args: readonly number[];
  /** How many bytes read, write, recvfrom, sendto or getrandom asks for; else 0. */
  length: number;
  /** How many bytes there are to read, how many have room, how many connections to accept; else 0. */
  available: number;
}

/** Makes the call fail, or move `limit` bytes at most (at least 1). */
export type Intervention = { errno: number } | { limit: number };

export type CallHook = (call: Call) => Intervention | undefined;

/** How often a call fails (0 to 1), and with which errno values. */
export interface Fault {
  probability: number;
  errnos: readonly number[];
}

export type FaultTable = Partial<Record<CallName, Fault>>;

/** Makes calls fail by chance, as `table` says. ECONNRESET and its like also break the connection, as in real life. */
export function randomFaults(table: FaultTable, random: Random): CallHook {
  return (call) => {
    const fault = table[call.name];
    if (fault === undefined || fault.errnos.length === 0 || !random.chance(fault.probability)) return undefined;
    return { errno: random.pick(fault.errnos) };
  };
}

export interface CallRecord {
  name: CallName;
  fd: number;
  args: readonly number[];
  /** A number that no other socket ever has, since descriptors are reused; 0 if the call has no socket. */
  socket: number;
  /** How many bytes read, write, recvfrom, sendto or getrandom asks for; else null. */
  length: number | null;
  /** The result, or the name of the errno value. */
  result: number | string;
}

/** ['read', 2048, 16], ['write', 8, 'EAGAIN'], ['accept'], ['close']. */
export type TranscriptEntry = [name: string] | [name: string, length: number, result: number | string];

/** The calls on one socket: every read and write, and accept and close if they succeeded. */
export function transcript(calls: readonly CallRecord[], socket: number): TranscriptEntry[] {
  const entries: TranscriptEntry[] = [];
  for (const call of calls) {
    if (call.socket !== socket) continue;
    const { name, length, result } = call;
    if (length !== null) entries.push([name, length, result]);
    else if ((name === 'accept' || name === 'close') && typeof result === 'number') entries.push([name]);
  }
  return entries;
}

/** 'EAGAIN' for EAGAIN. */
export function errnoName(errnum: number): string {
  return getSystemErrorName(-errnum);
}
