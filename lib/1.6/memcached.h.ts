// memcached.h of 1.6: the item, the results of commands, and the counters. The connection and the constants of
// 2003 are in ../memcached.h.ts; struct settings is in settings.ts.
import { i32, u32, u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';

/** Bytes of a key, at most. */
export const KEY_MAX_LENGTH = 250;

/** Slab classes are numbered from 1; the two bits above a class tell which LRU of the class an item is in. */
export const MAX_NUMBER_OF_SLAB_CLASSES = 64;
export const HOT_LRU = 0;
export const WARM_LRU = 64;
export const COLD_LRU = 128;
export const TEMP_LRU = 192;
/** How many LRUs there are: one of each kind for each class. */
export const LRUS = 256;

/** A fetched item moves in its LRU at most once in this many seconds. */
export const ITEM_UPDATE_INTERVAL = 60;

// it_flags.
export const ITEM_LINKED = 1;
export const ITEM_CAS = 2;
/** A free chunk of a slab. */
export const ITEM_SLABBED = 4;
/** The item was fetched since it was stored. */
export const ITEM_FETCHED = 8;
/** The item was fetched twice: it may move to the WARM LRU. */
export const ITEM_ACTIVE = 16;
/** The item is larger than the largest chunk: it has several, or a block of its own. */
export const ITEM_CHUNKED = 32;
/** Client flags follow the header; flags of 0 take no room. */
export const ITEM_CFLAGS = 256;
/** A client was told (W) to store it anew. */
export const ITEM_TOKEN_SENT = 512;
/** Marked as outdated (flag I), but still served. */
export const ITEM_STALE = 2048;
/** Its key was given in base64. */
export const ITEM_KEY_BINARY = 4096;
/** From this bit up: how many flushes in the second of IT_TIME came before the item. C has no such field. */
export const ITEM_FLUSHES_SHIFT = 13;
export const ITEM_FLUSHES_MAX = 7;

// struct item: 40 bytes, then the client flags (4 bytes, if ITEM_CFLAGS is set), the key, a NUL, and the data with
// their \r\n. C's item has 64-bit pointers, and is larger by 16 bytes. Here an item is a Ptr, not an object.

export const SIZEOF_ITEM = 40;

/** The words of the header that have a name in C: offsets for `field` and `setField`. */
export const IT_NEXT = 0;
export const IT_PREV = 4;
/** Next in the chain of the hash table. */
export const IT_H_NEXT = 8;
/** When it was last stored or moved in its LRU: seconds of the server's clock. */
export const IT_TIME = 12;
/** When it expires, likewise; 0 for never. */
export const IT_EXPTIME = 16;
/** Bytes of the data with their \r\n. */
export const IT_NBYTES = 20;
/** 1 for the caller that allocated it, and 1 while it is linked. At 0 the item is freed. */
export const IT_REFCOUNT = 24;
const IT_WORD = 28; // it_flags (2 bytes), slabs_clsid (1), nkey (1)
const IT_CLSID = 30;
const IT_NKEY = 31;
export const IT_CAS_LO = 32;
export const IT_CAS_HI = 36;

/** A word of the header, signed. */
export function field(it: Ptr, offset: number): number {
  return i32[(it + offset) >>> 2];
}

export function setField(it: Ptr, offset: number, value: number): void {
  i32[(it + offset) >>> 2] = value;
}

export function itFlags(it: Ptr): number {
  return i32[(it + IT_WORD) >>> 2] & 0xffff;
}

export function setItFlags(it: Ptr, flags: number): void {
  i32[(it + IT_WORD) >>> 2] = (i32[(it + IT_WORD) >>> 2] & ~0xffff) | flags;
}

/** ITEM_clsid: its slab class. */
export function clsidOf(it: Ptr): number {
  return u8[it + IT_CLSID] & 63;
}

/** slabs_clsid: its slab class and its LRU in one number, below LRUS. */
export function lruIdOf(it: Ptr): number {
  return u8[it + IT_CLSID];
}

export function setLruId(it: Ptr, id: number): void {
  u8[it + IT_CLSID] = id;
}

/** Bytes of its key. */
export function nkeyOf(it: Ptr): number {
  return u8[it + IT_NKEY];
}

export function setNkey(it: Ptr, nkey: number): void {
  u8[it + IT_NKEY] = nkey;
}

/** ITEM_key */
export function keyOf(it: Ptr): Ptr {
  return it + SIZEOF_ITEM + ((i32[(it + IT_WORD) >>> 2] & ITEM_CFLAGS) >>> 6);
}

/** ITEM_data */
export function dataOf(it: Ptr): Ptr {
  return keyOf(it) + u8[it + IT_NKEY] + 1;
}

/** FLAGS_CONV: the client flags (u32). */
export function clientFlagsOf(it: Ptr): number {
  return i32[(it + IT_WORD) >>> 2] & ITEM_CFLAGS ? u32[(it + SIZEOF_ITEM) >>> 2] : 0;
}

/** ITEM_ntotal: bytes of header, key and data. */
export function ntotalOf(it: Ptr): number {
  return dataOf(it) - it + i32[(it + IT_NBYTES) >>> 2];
}

// Storage commands and their results.

export const NREAD_ADD = 1;
export const NREAD_SET = 2;
export const NREAD_REPLACE = 3;
export const NREAD_APPEND = 4;
export const NREAD_PREPEND = 5;
export const NREAD_CAS = 6;
/** Like append and prepend, but they store a missing item. */
export const NREAD_APPENDVIV = 7;
export const NREAD_PREPENDVIV = 8;

export const NOT_STORED = 0;
export const STORED = 1;
export const EXISTS = 2;
export const NOT_FOUND = 3;
export const TOO_LARGE = 4;
export const NO_MEMORY = 5;

/** Results of incr and decr. */
export const OK = 0;
export const NON_NUMERIC = 1;
export const EOM = 2;
export const DELTA_ITEM_NOT_FOUND = 3;
export const DELTA_ITEM_CAS_MISMATCH = 4;

// memcached.h: enum close_reasons

export const ERROR_CLOSE = 0;
/** The client closed the connection, or sent quit. */
export const NORMAL_CLOSE = 1;
export const IDLE_TIMEOUT_CLOSE = 2;
export const SHUTDOWN_CLOSE = 3;

/** ADD_STAT: called for each line of statistics, in their order. */
export type AddStat = (name: string, value: string | number) => void;

// Counters. Those of connections and bytes are in `stats` of ../memcached.h.ts.

/** struct thread_stats: there is one thread. */
export const threadStats = {
  getCmds: 0,
  getMisses: 0,
  getExpired: 0,
  getFlushed: 0,
  touchCmds: 0,
  touchMisses: 0,
  deleteMisses: 0,
  incrMisses: 0,
  decrMisses: 0,
  casMisses: 0,
  metaCmds: 0,
  flushCmds: 0,
  authCmds: 0,
  authErrors: 0,
  idleKicks: 0,
  readBufOom: 0,
  storeTooLarge: 0,
  storeNoMemory: 0,
};

/** struct slab_stats: by slab class. */
export const slabStats = {
  setCmds: new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES),
  touchHits: new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES),
  deleteHits: new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES),
  casHits: new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES),
  casBadval: new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES),
  incrHits: new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES),
  decrHits: new Float64Array(MAX_NUMBER_OF_SLAB_CLASSES),
};

/** Hits, by the slab class and LRU that the item was in. */
export const lruHits = new Float64Array(LRUS);

/** Hits on items of a slab class. */
export function getHitsOf(id: number): number {
  return lruHits[id | HOT_LRU] + lruHits[id | WARM_LRU] + lruHits[id | COLD_LRU] + lruHits[id | TEMP_LRU];
}

/** struct stats: what `stats reset` sets to 0. */
export const resettable = {
  totalItems: 0,
  rejectedConns: 0,
  mallocFails: 0,
  listenDisabledNum: 0,
  slabsMoved: 0,
  slabReassignRescues: 0,
  slabReassignChunkRescues: 0,
  slabReassignInlineReclaim: 0,
  slabReassignBusyItems: 0,
  slabReassignBusyNomem: 0,
  /** Why the page mover last could not move an item. */
  slabReassignLastBusyStatus: 'none',
  lruCrawlerStarts: 0,
  lruMaintainerJuggles: 0,
  timeInListenDisabledUs: 0,
  logWorkerDropped: 0,
  logWorkerWritten: 0,
  logWatcherSkipped: 0,
  logWatcherSent: 0,
};

/** struct stats_state: what `stats reset` leaves alone. */
export const statsState = {
  currItems: 0,
  /** Bytes of all linked items, headers included. */
  currBytes: 0,
  acceptingConns: true,
  slabReassignRunning: false,
  lruCrawlerRunning: false,
  logWatchers: 0,
};
