// struct settings of memcached.h: what the command line decides, and what a client may change while the server runs.

// config.h
export const PACKAGE = 'memcached';
export const VERSION = '1.6.45';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

// logger.h
const LOGGER_BUF_SIZE = 64 * KILOBYTE;
const LOGGER_WATCHER_BUF_SIZE = 256 * KILOBYTE;

// memcached.h: enum protocol
/** The protocol that connections begin with. `negotiating` leaves it to the first byte that a client sends. */
export enum Prot {
  ascii = 3,
  binary,
  negotiating,
}

// memcached.c: prot_text
export function protText(prot: Prot): string {
  switch (prot) {
    case Prot.ascii: return 'ascii';
    case Prot.binary: return 'binary';
    case Prot.negotiating: return 'auto-negotiate';
  }
}

// memcached.h: struct settings
export interface Settings {
  /** For items, in bytes (-m). */
  maxbytes: number;
  /** Connections at one time (-c). */
  maxconns: number;
  /** The TCP port (-p): 0 for none, -1 for one that the system chooses. */
  port: number;
  /** The UDP port (-U), likewise. */
  udpport: number;
  /** The addresses to listen on (-l), joined by commas, or null for all of them. */
  inter: string | null;
  /** How much is printed on stderr (-v): 0 to 3. */
  verbose: number;
  /** Items that were stored before this time are gone; 0 for none. In seconds of the server's clock. */
  oldestLive: number;
  /** Whether old items are evicted for new ones; 0 with -M. */
  evictToFree: number;
  /** The path of the unix socket (-s), or null to listen on the network. */
  socketpath: string | null;
  /** The path of the file of users and passwords for the text protocol (-Y), or null. */
  authFile: string | null;
  /** The permissions of the unix socket (-a). */
  access: number;
  /** How much larger the chunks of a slab class are than those of the class below (-f). */
  factor: number;
  /** Bytes for key, value and flags in the smallest chunks (-n). */
  chunkSize: number;
  /** The argument of -t. One thread serves, whatever it is. */
  numThreads: number;
  /** How many threads would serve each UDP socket in C. */
  numThreadsPerUdp: number;
  /** The byte that ends the prefix of a key, for `stats detail` (-D). */
  prefixDelimiter: number;
  /** Whether statistics are collected for each prefix; 0 or 1. */
  detailEnabled: number;
  /** Requests served for one connection before the others get their turn (-R). */
  reqsPerEvent: number;
  /** Whether items have a cas number; false with -C. */
  useCas: boolean;
  /** The protocol of -B. */
  bindingProtocol: Prot;
  /** Connections that wait to be accepted (-b). */
  backlog: number;
  /** The largest item, with its header and key, in bytes (-I). */
  itemSizeMax: number;
  /** The largest chunk of a slab class, in bytes. */
  slabChunkSizeMax: number;
  /** Bytes of the pages in which slab classes take memory. */
  slabPageSize: number;
  /** Whether clients of the binary protocol must authenticate (-S). */
  sasl: boolean;
  /** Whether connections above maxconns get an error and are closed; otherwise they wait to be accepted. */
  maxconnsFast: boolean;
  /** Whether the LRU crawler runs. */
  lruCrawler: boolean;
  /** Whether the LRU maintainer runs. */
  lruMaintainerThread: boolean;
  /** Whether a slab class has LRU lists for hot, warm and cold items; otherwise it has one. */
  lruSegmented: boolean;
  /** Whether pages may move from one slab class to another. */
  slabReassign: boolean;
  /** Whether pages move automatically: 0 no, 1 slowly, 2 at each eviction. */
  slabAutomove: number;
  /** Changes with the three settings below, so that the page mover reads them again. */
  slabAutomoveVersion: number;
  /** A page moves only if the youngest class's age is below this share of the oldest class's age. */
  slabAutomoveRatio: number;
  /** The share of memory that the page mover keeps free. Used only with external storage. */
  slabAutomoveFreeratio: number;
  /** How many samples the page mover looks back on. */
  slabAutomoveWindow: number;
  /** The hash table has 2 to this power buckets at start; 0 for the default. */
  hashpowerInit: number;
  /** Whether clients may end the server with `shutdown` (-A). */
  shutdownCommand: boolean;
  /** A locked item at the tail of an LRU list is freed after this many seconds; 0 for never. */
  tailRepairTime: number;
  /** Whether clients may send `flush_all`; false with -F. */
  flushEnabled: boolean;
  /** Whether clients may list the keys; false with -X. */
  dumpEnabled: boolean;
  /** The name of the hash function: murmur3, jenkins or xxh3. */
  hashAlgorithm: string;
  /** The crawler's pause between items, in microseconds. */
  lruCrawlerSleep: number;
  /** Items of a slab class that one run of the crawler looks at; 0 for all. */
  lruCrawlerTocrawl: number;
  /** The share of a slab class for hot items, in percent. */
  hotLruPct: number;
  /** The share of a slab class for warm items, in percent. */
  warmLruPct: number;
  /** A hot item is moved on when its age is above this part of the oldest cold item's age. */
  hotMaxFactor: number;
  /** A warm item, likewise. */
  warmMaxFactor: number;
  /** Items that the crawler looks at before it pauses. */
  crawlsPersleep: number;
  /** Whether items that expire soon have an LRU list of their own, without evictions. */
  tempLru: boolean;
  /** These items live at most this many seconds. */
  temporaryTtl: number;
  /** A connection that is idle for this many seconds is closed; 0 for never. */
  idleTimeout: number;
  /** The buffer of each `watch` connection, in bytes. */
  loggerWatcherBufSize: number;
  /** C's buffer of log entries of each thread, in bytes. */
  loggerBufSize: number;
  /** A limit for C's network buffers, in bytes; 0 for none. */
  readBufMemLimit: number;
  /** Whether C gives up system calls that it no longer needs. */
  dropPrivileges: boolean;
  /** Whether clients may send `watch`; false with -W. */
  watchEnabled: boolean;
  /** Whether C's tests want more privileges. */
  relaxedPrivileges: boolean;
  /** A mark for the firewall on the listening sockets; 0 for none. */
  sockCookieId: number;
  /** The path of the file that keeps items over a restart (-e), or null. */
  memoryFile: string | null;
}

// memcached.c: settings_init
/** The defaults. C does not set every field, because a static struct starts with zeros. */
export function settingsInit(s: Settings = settings): void {
  Object.assign(s, defaults());
}

function defaults(): Settings {
  return {
    maxbytes: 64 * MEGABYTE,
    maxconns: 1024,
    port: 11211,
    udpport: 0,
    inter: null,
    verbose: 0,
    oldestLive: 0,
    evictToFree: 1,
    socketpath: null,
    authFile: null,
    access: 0o700,
    factor: 1.25,
    chunkSize: 48,
    numThreads: 4,
    numThreadsPerUdp: 0,
    prefixDelimiter: ':'.charCodeAt(0),
    detailEnabled: 0,
    reqsPerEvent: 20,
    useCas: true,
    bindingProtocol: Prot.negotiating,
    backlog: 1024,
    itemSizeMax: MEGABYTE,
    slabChunkSizeMax: MEGABYTE / 2,
    slabPageSize: MEGABYTE,
    sasl: false,
    maxconnsFast: true,
    lruCrawler: false,
    lruMaintainerThread: false,
    lruSegmented: true,
    slabReassign: true,
    slabAutomove: 1,
    slabAutomoveVersion: 0,
    slabAutomoveRatio: 0.8,
    slabAutomoveFreeratio: 0.01,
    slabAutomoveWindow: 10,
    hashpowerInit: 0,
    shutdownCommand: false,
    tailRepairTime: 0,
    flushEnabled: true,
    dumpEnabled: true,
    hashAlgorithm: 'murmur3',
    lruCrawlerSleep: 100,
    lruCrawlerTocrawl: 0,
    hotLruPct: 20,
    warmLruPct: 40,
    hotMaxFactor: 0.2,
    warmMaxFactor: 2.0,
    crawlsPersleep: 1000,
    tempLru: false,
    temporaryTtl: 61,
    idleTimeout: 0,
    loggerWatcherBufSize: LOGGER_WATCHER_BUF_SIZE,
    loggerBufSize: LOGGER_BUF_SIZE,
    readBufMemLimit: 0,
    dropPrivileges: false,
    watchEnabled: true,
    relaxedPrivileges: false,
    sockCookieId: 0,
    memoryFile: null,
  };
}

export const settings: Settings = defaults();
