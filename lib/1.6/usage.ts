// -h: the options, with their settings so far as defaults. Options that are not served are not listed: memcached's
// tests read from this list what a server can do. The manual page has the same lines.
import { NOT_YET } from './notyet';
import { PACKAGE, VERSION, protText } from './settings';
import type { Settings } from './settings';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

/** The column in which the text of an option or suboption begins. */
const OPTION_COLUMN = 26;

// memcached.c: usage
export function usage(s: Settings): string {
  const lines = [...options(s).flatMap(option), ...suboptions(s).flatMap(suboption)];
  return [`${PACKAGE} ${VERSION}`, ...lines, ''].join('\n');
}

/** An option or suboption: its names, and the lines of its text. */
export type Entry = readonly [names: string, ...text: string[]];

/** The options that are served. */
export function options(s: Settings): Entry[] {
  return all(s).filter(([names]) => !NOT_YET.has(names[1]));
}

function all(s: Settings): Entry[] {
  return [
    ['-p, --port=<num>', `TCP port to listen on; 0 for none, -1 for any that is free (default: ${s.port})`],
    ['-U, --udp-port=<num>', `UDP port to listen on, likewise (default: ${s.udpport}, off)`],
    ['-s, --unix-socket=<file>', 'unix socket to listen on, instead of the network'],
    ['-a, --unix-mask=<mask>', `permissions of the unix socket, in octal (default: ${s.access.toString(8)})`],
    ['-A, --enable-shutdown', 'let clients end the server with "shutdown"'],
    ['-l, --listen=<addr>', 'address to listen on, or several with commas between them (default: all)',
      'each may be proto[ascii]:, proto[binary]: or tag[<name>]: and an address with a port'],
    ['-d, --daemon', 'start again in the background, in a session of its own'],
    ['-r, --enable-coredumps', 'allow core files of any size'],
    ['-u, --user=<user>', 'serve as this user (only when started as root)'],
    ['-m, --memory-limit=<num>', `memory for items in megabytes (default: ${s.maxbytes / MEGABYTE})`],
    ['-M, --disable-evictions', 'when memory is full, answer with an error instead of evicting items'],
    ['-c, --conn-limit=<num>', `connections at one time (default: ${s.maxconns})`],
    ['-k, --lock-memory', 'lock down all memory, where the system lets us'],
    ['-v, --verbose', 'tell errors and warnings'],
    ['-vv', 'tell what clients send and get, too'],
    ['-vvv', 'tell the states of connections, too'],
    ['-h, --help', 'print this help and exit'],
    ['-i, --license', 'print the licences of memcached and libevent, and exit'],
    ['-V, --version', 'print the version and exit'],
    ['-P, --pidfile=<file>', 'write the process number to this file; meant for -d'],
    ['-f, --slab-growth-factor=<num>', `chunks of a slab class are larger by this than the last (default: ${s.factor})`],
    ['-n, --slab-min-size=<bytes>', `room for key, value and flags in the smallest chunks (default: ${s.chunkSize})`],
    ['-L, --enable-largepages', 'use large memory pages, where the system has them'],
    ['-D <char>', 'ends the prefix of a key, by which "stats detail" counts; turns that on, too',
      `(default: "${String.fromCharCode(s.prefixDelimiter)}", and off until a client sends "stats detail on")`],
    ['-t, --threads=<num>', `accepted, but one thread serves (default: ${s.numThreads})`],
    ['-R, --max-reqs-per-event', 'requests that one connection may make before others get their turn',
      `(default: ${s.reqsPerEvent})`],
    ['-C, --disable-cas', 'items have no cas number'],
    ['-b, --listen-backlog=<num>', `connections that wait to be accepted (default: ${s.backlog})`],
    ['-B, --protocol=<name>', `ascii, binary, or auto (default: ${protText(s.bindingProtocol)})`],
    ['-I, --max-item-size=<num>', 'the largest item in bytes, or with a unit k or m',
      `(default: ${s.itemSizeMax / MEGABYTE}m, min: 1k, max: 1024m)`],
    ['-S, --enable-sasl', 'clients must authenticate, by SASL'],
    ['-F, --disable-flush-all', 'refuse flush_all'],
    ['-X, --disable-dumping', 'refuse stats cachedump, stats detail, and lru_crawler metadump'],
    ['-W, --disable-watch', 'refuse watch'],
    ['-Y, --auth-file=<file>', 'clients of the text protocol must authenticate; lines of the file are user:password'],
    ['-e, --memory-file=<file>', 'keeps the items during a restart: SIGUSR1 and "shutdown graceful" write them to',
      'this file, and the next start reads them'],
    ['-o, --extended', 'further options, with commas between them; many have a no_ form'],
  ];
}

/** The suboptions of -o. */
export function suboptions(s: Settings): Entry[] {
  return [
    ['maxconns_fast', `close connections above the limit at once (default: ${s.maxconnsFast ? 'enabled' : 'disabled'})`],
    ['hashpower', 'the hash table begins with 2 to this power buckets, and grows',
      `(default: ${s.hashpowerInit}, chosen by the server)`],
    ['no_hashexpand', 'the hash table does not grow'],
    ['tail_repair_time', 'free an item that was left locked, after so many seconds (default: off)'],
    ['hash_algorithm', `jenkins, murmur3 or xxh3 (default: ${s.hashAlgorithm})`],
    ['no_lru_crawler', 'do not start the LRU crawler'],
    ['lru_crawler_sleep', `its pause between items, in microseconds (default: ${s.lruCrawlerSleep})`],
    ['lru_crawler_tocrawl', `items of a slab class that a run looks at (default: ${s.lruCrawlerTocrawl}, all)`],
    ['read_buf_mem_limit', 'megabytes for the buffers of connections',
      `(default: ${s.readBufMemLimit}, without limit)`],
    ['no_lru_maintainer', 'one LRU list for a slab class, and no LRU maintainer'],
    ['hot_lru_pct', `percent of a slab class for hot items (default: ${s.hotLruPct})`],
    ['warm_lru_pct', `percent of a slab class for warm items (default: ${s.warmLruPct})`],
    ['hot_max_factor', 'items idle for this part of the age of the oldest cold item are hot no more',
      `(default: ${s.hotMaxFactor.toFixed(2)})`],
    ['warm_max_factor', `likewise for warm items (default: ${s.warmMaxFactor.toFixed(2)})`],
    ['temporary_ttl', 'items that live for at most so many seconds have an LRU list of their own,',
      `without evictions (default: ${s.temporaryTtl}, off)`],
    ['idle_timeout', `close a connection that is idle for so many seconds (default: ${s.idleTimeout}, never)`],
    ['slab_reassign', 'let slab classes give pages to each other'],
    ['slab_automove', `do so automatically: 0 to 2 (default: ${s.slabAutomove})`],
    ['slab_automove_ratio', 'move a page if the age of the youngest class is below this part of the oldest\'s',
      `(default: ${s.slabAutomoveRatio})`],
    ['slab_automove_window', `how many samples of the ages count (default: ${s.slabAutomoveWindow})`],
    ['slab_sizes', 'chunk sizes of the slab classes in bytes, with dashes between them'],
    ['slab_chunk_max', `the largest chunks, in kilobytes (default: ${s.slabChunkSizeMax / KILOBYTE})`],
    ['watcher_logbuf_size', `buffer of each "watch", in kilobytes (default: ${s.loggerWatcherBufSize / KILOBYTE})`],
    ['worker_logbuf_size', `accepted, without effect (default: ${s.loggerBufSize / KILOBYTE})`],
    ['track_sizes', 'count the sizes of items for "stats sizes"'],
    ['modern', 'future defaults: none at present'],
    ['no_modern', 'the defaults of 1.4'],
  ];
}

function option([names, first, ...more]: Entry): string[] {
  return [`${names.padEnd(OPTION_COLUMN - 1)} ${first}`, ...more.map((text) => ' '.repeat(OPTION_COLUMN) + text)];
}

function suboption([name, ...text]: Entry): string[] {
  return option([`   - ${name}:`, ...text]);
}
