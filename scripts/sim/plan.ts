// A run as plain data: how the server is started, and then act by act what happens. A seed determines all of it, but a
// plan can also be cut down, and played without a seed.
import type { Op } from './op';

/** The server: memcached 1.6, 1.0.4 with the economy of system calls, 1.0.4 without. */
export type Mode = 'default' | '1.0' | 'classic';
export const MODES: readonly Mode[] = ['default', '1.0', 'classic'];

/** A call that fails, or moves less than it could: the one after `skip` more of that name. */
export interface Fault {
  /** A system call; malloc; or slab, for the allocation of a chunk. */
  call: string;
  /** Only on that client's connection; else on any. */
  client?: string;
  skip?: number;
  /** The most bytes that it moves. */
  limit?: number;
  /** The name of an errno value. */
  errno?: string;
  /** How many calls of that name fail in a row; 1 by default. */
  times?: number;
}

export type Act =
  | { connect: string; binary: boolean }
  /** The client has this to send. */
  | { say: [client: string, op: Op] }
  /** It sends this many bytes of it; 0 for all. */
  | { push: [client: string, bytes: number] }
  | { pause: string } | { resume: string }
  | { shutdown: string } | { reset: string } | { close: string }
  /** Nothing happens until the server waits; then everything is checked. */
  | { rest: true }
  /** So many seconds pass. */
  | { advance: number }
  /** The wall clock is set so many seconds on, or back. */
  | { clock: number }
  /** The machine sleeps for so many seconds: time passes, and nothing runs. */
  | { sleep: number }
  /** The server ends, and starts again; `warm`: with its items, if it keeps them. */
  | { restart: 'plain' | 'warm' }
  | { fault: Fault };

export interface Plan {
  seed: number;
  mode: Mode;
  /** For the server's command line. */
  args: string[];
  /** Bytes that the kernel takes from the server for a client that does not read. */
  sendBuffer: number;
  /** RLIMIT_NOFILE. */
  maxFds: number;
  shortIo: boolean;
  /** memcached 1.6 has a file for its items (-e), so that a restart can be warm. */
  keepsItems: boolean;
  acts: Act[];
}
