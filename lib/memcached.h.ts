// memcached.h: the constants, the statistics and settings, and the two structures that all files share.
import debug from 'debug';
import { EV_PERSIST, EV_READ, EV_SIGNAL, EV_TIMEOUT, EV_WRITE, Event } from '../reactor/event.h';
import { flagNames } from '../reactor/flagnames';
import { INADDR_ANY } from '../reactor/socket.h';
import { trace } from '../reactor/log';
import type { Ptr } from './libc/memory';
import { i32, u32 } from './libc/heap';
import { NULL } from './libc/memory';
import { str } from './libc/string';

/** What config.h says in C: the name of the program, and the version that it speaks. */
export const PACKAGE = 'memcached-ts';
export const VERSION = '1.0.4';

export const DATA_BUFFER_SIZE = 2048;

export const stats = {
  currItems: 0,
  totalItems: 0,
  currBytes: 0,
  currConns: 0,
  totalConns: 0,
  connStructs: 0,
  getCmds: 0,
  setCmds: 0,
  getHits: 0,
  getMisses: 0,
  /** When the process was started, in seconds since 1970. */
  started: 0,
  bytesRead: 0,
  bytesWritten: 0,
  /** SEAM: how often a connection had to let others have their turn. */
  connYields: 0,
};

export const settings = {
  /** Of items, in bytes; 0 for no limit. */
  maxbytes: 0,
  maxconns: 0,
  port: 0,
  /** An IPv4 address in host byte order (C: struct in_addr). */
  interface: { sAddr: INADDR_ANY },
  verbose: false,
  /** So many commands of one connection are served before the others have their turn. SEAM: 1.4.0 has -R for it. */
  reqsPerEvent: 20,
};

export const ITEM_LINKED = 1;
export const ITEM_DELETED = 2;

/** sizeof(item) of a 32-bit C. */
export const SIZEOF_ITEM = 48;

/** `item *`: a view of the structure at `ptr`; `it.nbytes` is C's `it->nbytes`. Two views of one item are not `===`. */
export class Item {
  /** The pointer as a signed word: above 2^31 others are objects to V8, and each would be garbage. */
  private p: number;

  constructor(ptr: Ptr) {
    this.p = ptr | 0;
  }

  get ptr(): Ptr { return this.p >>> 0; }
  set ptr(p: Ptr) { this.p = p | 0; }

  get next(): Item | null { return item(i32[this.p >>> 2]); }
  set next(it: Item | null) { i32[this.p >>> 2] = it === null ? NULL : it.p; }
  get prev(): Item | null { return item(i32[(this.p + 4) >>> 2]); }
  set prev(it: Item | null) { i32[(this.p + 4) >>> 2] = it === null ? NULL : it.p; }
  get refcount(): number { return i32[(this.p + 8) >>> 2]; }
  set refcount(n: number) { i32[(this.p + 8) >>> 2] = n; }
  get itFlags(): number { return i32[(this.p + 12) >>> 2]; }
  set itFlags(flags: number) { i32[(this.p + 12) >>> 2] = flags; }
  get key(): Ptr { return u32[(this.p + 16) >>> 2]; }
  set key(p: Ptr) { u32[(this.p + 16) >>> 2] = p; }
  get data(): Ptr { return u32[(this.p + 20) >>> 2]; }
  set data(p: Ptr) { u32[(this.p + 20) >>> 2] = p; }
  get slabsClsid(): number { return u32[(this.p + 24) >>> 2]; }
  set slabsClsid(id: number) { u32[(this.p + 24) >>> 2] = id; }
  /** Size of data, with its \r\n. */
  get nbytes(): number { return i32[(this.p + 28) >>> 2]; }
  set nbytes(n: number) { i32[(this.p + 28) >>> 2] = n; }
  /** Size of this struct + key + data. */
  get ntotal(): number { return i32[(this.p + 32) >>> 2]; }
  set ntotal(n: number) { i32[(this.p + 32) >>> 2] = n; }
  get flags(): number { return i32[(this.p + 36) >>> 2]; }
  set flags(flags: number) { i32[(this.p + 36) >>> 2] = flags; }
  /** Least recent access, in seconds since 1970. */
  get time(): number { return i32[(this.p + 40) >>> 2]; }
  set time(t: number) { i32[(this.p + 40) >>> 2] = t; }
  /** Expire time, likewise; 0 for never. */
  get exptime(): number { return i32[(this.p + 44) >>> 2]; }
  set exptime(t: number) { i32[(this.p + 44) >>> 2] = t; }
  /** Where the structure ends and the key begins. */
  get end(): Ptr { return this.ptr + SIZEOF_ITEM; }
}

// Views are reused in turn, so that none is garbage: a view is valid until VIEWS others were made. A loop over many
// items keeps no view from one turn to a later one, and code that needs an item for longer keeps the pointer.
const VIEWS = 4096;
const views = Array.from({ length: VIEWS }, () => new Item(NULL));
let nextView = 0;

function view(p: Ptr): Item {
  const it = views[nextView];
  nextView = (nextView + 1) & (VIEWS - 1);
  it.ptr = p;
  return it;
}

/** `(item *)p`; `p` may be signed, too. */
export function item(p: Ptr): Item | null {
  return p === NULL ? null : view(p);
}

/** `(item *)p` for a pointer that must not be NULL; throws for NULL. */
export function theItem(p: Ptr): Item {
  if (p === NULL) throw new Error('no item');
  return view(p);
}

/** `*pp`, of an `item **` that points to an item. */
export function itemAt(pp: Ptr): Item {
  return view(i32[pp >>> 2]);
}

export enum ConnState {
  /** The socket which listens for connections. */
  listening,
  /** Reading in a command line. */
  read,
  /** Writing out a simple response. */
  write,
  /** Reading in a fixed number of bytes. */
  nread,
  /** Swallowing unnecessary bytes w/o storing. */
  swallow,
  /** Closing this connection. */
  closing,
  /** Writing out many items sequentially. */
  mwrite,
  /** SEAM: writing out what a later protocol answers. */
  transmit,
}

/** SEAM: what a connection speaks: `c->protocol` since 2007, `c->try_read_command` since 2019. */
export interface Protocol {
  connNew(sfd: number, initState: ConnState, eventFlags: number): Conn | null;
  /** 1 when there was a whole command in rbuf, 0 otherwise. */
  tryReadCommand(c: Conn): number;
  completeNread(c: Conn): void;
  /** A step in a state that 2003 does not know: true where the machine is to stop. */
  drive(c: Conn): boolean;
  /** The connection is about to be closed. */
  connClose(c: Conn): void;
}

export const NREAD_ADD = 1;
export const NREAD_SET = 2;
export const NREAD_REPLACE = 3;

/** sizeof(conn) of a 32-bit C, with an ibuf of 320 bytes: so long is a VALUE line with its cas (SEAM). */
export const SIZEOF_CONN = 492; // DEVIATION: a VALUE line has up to 281 bytes [1.1.9]
const OFFSETOF_IBUF = 164;

/** SEAM: of a connection that speaks nothing yet. */
const silent: Protocol = {
  connNew: () => null, tryReadCommand: () => 0, completeNread: () => {}, drive: () => true, connClose: () => {},
};

/** `conn`. Its fields are JavaScript's, so that a debugger shows them; its memory holds ibuf, where C has it. */
export class Conn {
  sfd = -1;
  state: ConnState = ConnState.closing;
  readonly event = new Event();
  evFlags = 0;
  /** Which events were just triggered. */
  which = 0;

  rbuf: Ptr = NULL;
  rsize = 0;
  rbytes = 0;

  wbuf: Ptr = NULL;
  wcurr: Ptr = NULL;
  wsize = 0;
  wbytes = 0;
  /** Which state to go into after finishing current write. */
  writeAndGo: ConnState = ConnState.closing;
  /** Free this memory after finishing writing. */
  writeAndFree: Ptr = NULL;

  /** Where the next bytes of an item's data go, and how many are still to come. */
  rcurr: Ptr = NULL;
  rlbytes = 0;

  private itemPtr: Ptr = NULL;
  /** The command: NREAD_ADD, NREAD_SET or NREAD_REPLACE. */
  itemComm = 0;

  /** How many bytes to swallow. */
  sbytes = 0;

  /** List of items to write out: an `item **`, and its size. */
  ilist: Ptr = NULL;
  isize = 0;
  icurr: Ptr = NULL;
  ileft = 0;
  /** 1 if we're writing a VALUE line, 2 if we're writing data. */
  ipart = 0;
  /** For VALUE lines. */
  readonly ibuf: Ptr;
  iptr: Ptr = NULL;
  ibytes = 0;

  // SEAM: what `conn` has in later versions.
  protocol: Protocol = silent;
  /** The command whose data are being read, and its item. */
  cmd = 0;
  it: Ptr = NULL;
  /** More input was already in rbuf when the last command was done. */
  pipelined = false;
  /** The client wants no reply. */
  noreply = false;
  /** The command is a meta set; it stores the item as stale. */
  msetRes = false;
  setStale = false;
  /** The cas that a client expects: 64 bits. */
  casHi = 0;
  casLo = 0;
  opaque = 0;
  opcode = 0;
  /** If clients must authenticate: whether this one has, whether it has begun to, and whether it ever was done. */
  authenticated = false;
  saslStarted = false;
  saslDone = false;
  /** When the last command came, by the server's clock. */
  lastCmdTime = 0;
  /** Why it is closed: one of close_reasons. */
  closeReason = 0;

  /** `(conn *)ptr`, of SIZEOF_CONN bytes. */
  constructor(readonly ptr: Ptr) {
    this.ibuf = ptr + OFFSETOF_IBUF;
    conns.set(ptr, this);
  }

  /** For commands set/add/replace: the item that is being read, straight into its data. */
  get item(): Item | null { return item(this.itemPtr); }
  set item(it: Item | null) { this.itemPtr = it === null ? NULL : it.ptr; }
  /** `item`, which must not be NULL, as in nread. */
  get itemInHand(): Item { return theItem(this.itemPtr); }

  /** `(conn *)ptr`, of one that exists already. */
  static at(ptr: Ptr): Conn {
    const c = conns.get(ptr);
    if (c === undefined) throw new Error(`no conn at ${ptr}`);
    return c;
  }
}

const conns = new Map<Ptr, Conn>();

// Debug calls pass a key as its pointer, a state and flags as their numbers: the formatters make the text only for
// lines that are printed.
debug.formatters['k'] = (key: Ptr): string => str(key);
debug.formatters['E'] = (which: number): string => {
  return flagNames(which, { EV_TIMEOUT, EV_READ, EV_WRITE, EV_SIGNAL, EV_PERSIST });
};
debug.formatters['S'] = (state: ConnState): string => ConnState[state];

export const debugState = trace('memcached:state');
export const debugConn = trace('memcached:conn');
export const debugEvent = trace('memcached:event');
export const debugItems = trace('memcached:items');
export const debugSlabs = trace('memcached:slabs');
