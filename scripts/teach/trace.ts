// The record of a scene's run. All of it is JSON, and every view is a pure function of (Trace, step number).
// state.ts folds the changes of the steps into the state at one of them.

/** A run of the server, described: which clients do what, and which calls fail. The same seed gives the same trace. */
export interface Scene {
  /** Of the file and of links: 'multi-get'. */
  name: string;
  /** 'A multi-get to a slow reader' */
  title: string;
  /** Two or three sentences: what to watch. */
  about: string;
  seed: number;
  options?: SceneOptions;
  /** Arguments of the command: ['-m', '4', '--classic']. */
  args: string[];
  /** Whether main's own start is recorded too; else the trace begins when the server first waits for events. */
  fromStart?: boolean;
  acts: Act[];
}

export interface SceneOptions {
  /** Bytes that may lie unread in a socket before write gives EAGAIN. */
  sendBuffer?: number;
  /** Seconds since 1970. */
  startTime?: number;
  /** RLIMIT_NOFILE: with this many descriptors, calls give EMFILE. */
  maxFds?: number;
  /** Whether each read and write moves a random number of bytes. */
  shortIo?: boolean;
}

/** One thing that happens from outside. The server then runs until it waits again. */
export type Act =
  /** A client with this name connects: 'A', 'B' or 'C'. */
  | { connect: string }
  /** `text` is latin1; it is sent `times` times in one go. */
  | { send: [client: string, text: string] | [client: string, text: string, times: number] }
  /** The client reads no more, or reads again. */
  | { pause: string }
  | { resume: string }
  /** The client ends its side, is gone with a reset, or closes. */
  | { shutdown: string }
  | { reset: string }
  | { close: string }
  /** Seconds that pass on the simulated clock. */
  | { advance: number }
  | { fault: Fault }
  /** Acts that happen at once: the server sees them together. */
  | { together: Act[] };

/** A fault of the next call of a name. It waits until such a call comes. */
export interface Fault {
  /** 'read', 'write', 'accept', 'fcntl' … */
  call: string;
  /** Only on this client's connection. */
  client?: string;
  /** This many calls pass before. */
  skip?: number;
  /** The call moves at most so many bytes. */
  limit?: number;
  /** The call fails with it: 'EAGAIN', 'ECONNRESET', 'EMFILE', 'EPIPE' … */
  errno?: string;
}

export interface Frame {
  /** Index in Trace.functions. */
  fn: number;
  /** The line of the call; in the innermost frame the line that is about to run. */
  line: number;
}

export type SiteKind = 'if' | 'loop' | 'return' | 'break' | 'continue' | 'switch' | 'statement';

/** A place in the source where a step can be: a statement, or the condition of a loop. */
export interface Site {
  file: number;
  line: number;
  fn: number;
  /** The case labels around it, from outside: 'ConnState.mwrite/2'; '' outside of a switch. */
  label: string;
  /** The first line of its source text, at most 100 characters; of an `if` the condition, in one line. */
  code: string;
  kind: SiteKind;
  /** Where it begins in the file, in characters. */
  start: number;
  /** For an `if`: the range in the file that runs if the condition holds. */
  then?: [start: number, end: number];
}

/** A statement, or the condition of a loop, that is about to run; what has changed since the step before is in it. */
export interface Step {
  /** Index in Trace.files. */
  file: number;
  /** From 1. */
  line: number;
  /** Index in Trace.functions. */
  fn: number;
  /** Index in Trace.sites. */
  site: number;
  /** Index in Trace.stacks. */
  stack: number;
  /** Index of the act whose consequences are running; -1 before the first. */
  act: number;
  /** All locals of the innermost frame, as shown ('conn fd 4', '"greeting"'); left out where nothing changed. */
  locals?: Record<string, string>;
  /** Parts of the state that changed, by their path (see below); null: gone. */
  set?: Record<string, Value>;
  /** Bytes of the flat memory that changed: buffers, items, heads of slabs. */
  mem?: [address: number, latin1: string][];
  /** System calls that have returned since the step before. */
  calls?: SystemCall[];
}

export type Value = number | string | null;

export interface SystemCall {
  name: string;
  fd: number;
  /** Whose connection it is: 'A'; left out for the listening socket. */
  client?: string;
  /** As strace shows it, without the result: 'read(4, rbuf+0, 2048)'. */
  text: string;
  /** The result, or the name of the error: 'EAGAIN'. */
  result: number | string;
  /** What was moved: latin1, at most the first 200. */
  bytes?: string;
  /** Whether a fault of the scene made the result. */
  injected?: boolean;
}

/*
 * Paths of Step.set:
 *   conn.<id>.<field>       the fields of Conn by name, numbers; `id` counts connections, in order of appearance;
 *                           .client: its client's name; .address: where the structure is; .sfd null: closed
 *   stats.<field>, settings.<field>
 *   loop.turn, loop.phase   how often the loop has turned; 'start', 'loop', 'waiting', 'timers', 'callbacks'
 *   queue.event | .active | .timer
 *                           JSON: [{ fd, events, flags, client?, timer?, timeout? }], in the queue's order;
 *                           events and flags as text ('EV_READ|EV_PERSIST'), timeout in seconds on the clock
 *   socket.<client>.toServer | .toClient
 *                           latin1: bytes that wait in the kernel for a side, at most the first 4096;
 *                           .toServerBytes, .toClientBytes: how many there are; .space: how many more the server may
 *                           write; .received: what the client has read, the last 1024 bytes; .receivedBytes;
 *                           .fd: the server's descriptor, -1 in the backlog; .reading: 0 where the client has paused;
 *                           .state: 'backlog', 'open', 'ended' (by the client), 'closed' (by the server), 'reset'
 *   backlog                 clients that wait to be accepted: 'B,C'
 *   clock                   seconds since the scene began; clock.wall: since 1970
 *   item.<address>.<field>  items that are linked or in somebody's hand: key (text), nbytes, ntotal, refcount, itFlags,
 *                           slabsClsid, time, exptime, flags, next, prev, data (address); all null: freed
 *   slab.<class>.<field>    of classes that have a page: size, perslab, slabs, slTotal, slCurr, endPagePtr,
 *                           endPageFree, pages (addresses: '269484032,…'), free (addresses of the free chunks in
 *                           slots; the last is given out next)
 *   slab.malloced, slab.limit
 *                           bytes of all pages, and how many there may be
 *   lru.<class>             addresses from the head to the tail; left out or '' when empty
 *   bucket.<n>              addresses of the items in a chain of the hash table, where there are any
 *   todelete                addresses of items in the delete window
 */

export interface Trace {
  scene: Scene;
  /** 'lib/memcached.ts', 'lib/items.ts', 'lib/slabs.ts', 'reactor/event.ts' */
  files: string[];
  functions: string[];
  /** By function, the index of its file. */
  functionFiles: number[];
  sites: Site[];
  stacks: Frame[][];
  steps: Step[];
  /** What each client received: latin1. */
  outputs: Record<string, string>;
  /** How long the run took. */
  milliseconds: number;
}
