// System calls as a test sees them: the question before each, and the record after it.
import { getSystemErrorName } from 'node:util';
import type { Random } from './random';

export type CallName =
  | 'socket' | 'bind' | 'listen' | 'accept' | 'connect' | 'getsockname' | 'fcntl' | 'setsockopt' | 'read' | 'write'
  | 'shutdown' | 'close' | 'getrandom' | 'epoll_ctl' | 'epoll_wait';

/** A system call that is about to be made. */
export interface Call {
  name: CallName;
  /** -1 where there is none. */
  fd: number;
  /** The other numbers that it gets, in the man page's order; a port for an address. */
  args: readonly number[];
  /** Bytes asked for, of read, write and getrandom; else 0. */
  length: number;
  /** What it would find: bytes to read, bytes that there is room for, connections to accept; else 0. */
  available: number;
}

/** Have the call fail, or move `limit` bytes at most (at least 1). */
export type Intervention = { errno: number } | { limit: number };

export type CallHook = (call: Call) => Intervention | undefined;

/** How often a call fails (0 to 1), and with which errno values. */
export interface Fault {
  probability: number;
  errnos: readonly number[];
}

export type FaultTable = Partial<Record<CallName, Fault>>;

/** Calls fail by chance as `table` says. ECONNRESET and its like also break the connection, as they do in life. */
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
  /** A number of its own for every socket there was, since descriptors are used again; 0 where there is none. */
  socket: number;
  /** Bytes asked for, of read, write and getrandom; else null. */
  length: number | null;
  /** What it returned, or the name of the errno value. */
  result: number | string;
}

/** ['read', 2048, 16], ['write', 8, 'EAGAIN'], ['accept'], ['close']. */
export type TranscriptEntry = [name: string] | [name: string, length: number, result: number | string];

/** What was done with one socket: accept, read, write and close; of the calls without a length those that succeeded. */
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
