// What a run of a scene leaves behind. All of it is JSON, and every view is a pure function of (Trace, step number).
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
  /** RLIMIT_NOFILE: with so many descriptors, calls give EMFILE. */
  maxFds?: number;
  /** Whether each read and write moves a random number of bytes. */
  shortIo?: boolean;
}

/** One thing that happens from outside. The server then runs until it waits again. */
export type Act =
  /** A client with this name connects: 'A', 'B' or 'C'. */
  | { connect: string }
  /** `text` is latin1. */
  | { send: [client: string, text: string] }
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

/** What goes wrong with the next call of a name. It holds until such a call has come. */
export interface Fault {
  /** 'read', 'write', 'accept', 'fcntl' … */
  call: string;
  /** Only on this client's connection. */
  client?: string;
  /** So many calls are left alone before. */
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

/** A statement, or the condition of a loop, that is about to run; what has changed since the step before is in it. */
export interface Step {
  /** Index in Trace.files. */
  file: number;
  /** From 1. */
  line: number;
  /** Index in Trace.functions. */
  fn: number;
  /** Index in Trace.stacks. */
  stack: number;
  /** Index of the act whose consequences are running; -1 before the first. */
  act: number;
  /** All locals of the innermost frame, as they are shown ('conn fd 4', '"greeting"'); left out where nothing changed. */
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
 *                           .client is its client's name, .address the address of the structure; conn.<id>.sfd null: closed
 *   stats.<field>, settings.<field>
 *   loop.turn, loop.phase   how often the loop has turned; 'start', 'waiting', 'dispatch', 'timers', 'callbacks', 'ended'
 *   queue.event | .active | .timer
 *                           JSON: [{ fd, events, flags, client?, timer?, timeout? }], in the queue's order;
 *                           events and flags as text ('EV_READ|EV_PERSIST'), timeout in seconds on the clock
 *   socket.<client>.toServer | .toClient
 *                           latin1: bytes that wait in the kernel for a side, at most the first 4096;
 *                           .toServerBytes, .toClientBytes: how many there are; .fd; .state ('backlog', 'open',
 *                           'client ended', 'server closed', 'closed', 'reset'); .reading (1, 0: paused)
 *   backlog                 clients that wait to be accepted: 'B,C'
 *   clock                   seconds since the scene began; clock.wall: since 1970
 *   item.<address>.<field>  items that are linked or in somebody's hand: key, nbytes, ntotal, refcount, itFlags,
 *                           slabsClsid, time, exptime, flags, next, prev, data (address); item.<address>.key null: freed
 *   slab.<class>.<field>    of classes that have a page: size, perslab, slabs, slTotal, slCurr, endPagePtr, endPageFree,
 *                           pages (addresses: '269484032,…'), free (addresses of free chunks in slots, last is next)
 *   lru.<class>             addresses from the head to the tail; left out or '' when empty
 *   bucket.<n>              addresses of the items in a chain of the hash table, where there are any
 *   todelete                addresses of items in the delete window
 */

export interface Trace {
  scene: Scene;
  /** 'lib/memcached.ts', 'lib/items.ts', 'lib/slabs.ts', 'reactor/event.ts' */
  files: string[];
  functions: string[];
  stacks: Frame[][];
  steps: Step[];
  /** What each client received: latin1. */
  outputs: Record<string, string>;
  /** How long the run took. */
  milliseconds: number;
}
