// -o: main's loop over getsubopt. Suboptions for external storage, TLS and the proxy are unknown, as in a C that is
// built without them.
import { atof, atoi, safeStrtol, safeStrtoul } from './arguments';
import type { Draft } from './commandline';
import { complain } from './commandline';
import type { Settings } from './settings';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

/** Suboptions that need a value, and the error without one. */
const MISSING: Readonly<Record<string, string>> = {
  hashpower: 'Missing numeric argument for hashpower',
  slab_automove_ratio: 'Missing slab_automove_ratio argument',
  slab_automove_window: 'Missing slab_automove_window argument',
  tail_repair_time: 'Missing numeric argument for tail_repair_time',
  hash_algorithm: 'Missing hash_algorithm argument',
  lru_crawler_sleep: 'Missing lru_crawler_sleep value',
  lru_crawler_tocrawl: 'Missing lru_crawler_tocrawl value',
  hot_lru_pct: 'Missing hot_lru_pct argument',
  warm_lru_pct: 'Missing warm_lru_pct argument',
  hot_max_factor: 'Missing hot_max_factor argument',
  warm_max_factor: 'Missing warm_max_factor argument',
  temporary_ttl: 'Missing temporary_ttl argument',
  idle_timeout: 'Missing numeric argument for idle_timeout',
  watcher_logbuf_size: 'Missing watcher_logbuf_size argument',
  worker_logbuf_size: 'Missing worker_logbuf_size argument',
  slab_sizes: 'Missing slab_sizes argument', // C crashes
  slab_chunk_max: 'Missing slab_chunk_max argument',
  read_buf_mem_limit: 'Missing read_buf_mem_limit argument',
};

/** Applies the suboptions of one -o. At the first wrong one, sets a message and status 1 in `line`, and stops. */
export function suboptions(optarg: string, line: Draft, s: Settings): void {
  const words = optarg.split(',');
  if (words.at(-1) === '') words.pop();
  for (const word of words) {
    const equals = word.indexOf('=');
    const name = equals === -1 ? word : word.slice(0, equals);
    const value = equals === -1 ? null : word.slice(equals + 1);
    const mistake = suboption(word, name, value, line, s);
    if (mistake !== null) {
      complain(line, mistake);
      line.status = 1;
      return;
    }
  }
}

/** Applies one suboption. Returns what is wrong with it, or null. */
function suboption(word: string, name: string, given: string | null, line: Draft, s: Settings): string | null {
  if (given === null && Object.hasOwn(MISSING, name)) return MISSING[name];
  const value = given ?? '';
  switch (name) {
    case 'maxconns_fast':
      s.maxconnsFast = true;
      return null;
    case 'hashpower':
      s.hashpowerInit = atoi(value);
      if (s.hashpowerInit < 12) return `Initial hashtable multiplier of ${s.hashpowerInit} is too low`;
      return s.hashpowerInit > 32 ? `Initial hashtable multiplier of ${s.hashpowerInit} is too high` : null;
    case 'no_hashexpand':
      line.startAssocMaint = false;
      return null;
    case 'slab_reassign':
      s.slabReassign = true;
      return null;
    case 'slab_automove':
      s.slabAutomove = given === null ? 1 : atoi(given);
      return s.slabAutomove < 0 || s.slabAutomove > 2 ? 'slab_automove must be between 0 and 2' : null;
    case 'slab_automove_ratio':
      s.slabAutomoveRatio = atof(value);
      return s.slabAutomoveRatio <= 0 || s.slabAutomoveRatio > 1 ? 'slab_automove_ratio must be > 0 and < 1' : null;
    case 'slab_automove_window':
      s.slabAutomoveWindow = atoi(value);
      return s.slabAutomoveWindow < 3 || s.slabAutomoveWindow > 1800
        ? 'slab_automove_window must be > 2 and < 1800' : null;
    case 'tail_repair_time':
      s.tailRepairTime = atoi(value);
      return s.tailRepairTime < 10 ? 'Cannot set tail_repair_time to less than 10 seconds' : null;
    case 'hash_algorithm':
      s.hashAlgorithm = value;
      return ['jenkins', 'murmur3', 'xxh3'].includes(value)
        ? null : 'Unknown hash_algorithm option (jenkins, murmur3, xxh3)';
    case 'lru_crawler':
      line.startLruCrawler = true;
      return null;
    case 'lru_crawler_sleep':
      s.lruCrawlerSleep = atoi(value);
      return s.lruCrawlerSleep > 1_000_000 || s.lruCrawlerSleep < 0
        ? 'LRU crawler sleep must be between 0 and 1 second' : null;
    case 'lru_crawler_tocrawl':
      return unsigned(value, 1, 'lru_crawler_tocrawl takes a numeric 32bit value', (n) => (s.lruCrawlerTocrawl = n));
    case 'lru_maintainer':
      line.startLruMaintainer = true;
      s.lruSegmented = true;
      return null;
    case 'hot_lru_pct':
      s.hotLruPct = atoi(value);
      return s.hotLruPct < 1 || s.hotLruPct >= 80 ? 'hot_lru_pct must be > 1 and < 80' : null;
    case 'warm_lru_pct':
      s.warmLruPct = atoi(value);
      return s.warmLruPct < 1 || s.warmLruPct >= 80 ? 'warm_lru_pct must be > 1 and < 80' : null;
    case 'hot_max_factor':
      s.hotMaxFactor = atof(value);
      return s.hotMaxFactor <= 0 ? 'hot_max_factor must be > 0' : null;
    case 'warm_max_factor':
      s.warmMaxFactor = atof(value);
      return s.warmMaxFactor <= 0 ? 'warm_max_factor must be > 0' : null;
    case 'temporary_ttl':
      s.tempLru = true;
      s.temporaryTtl = atoi(value) >>> 0;
      return null;
    case 'idle_timeout':
      s.idleTimeout = atoi(value);
      return null;
    case 'watcher_logbuf_size':
      return unsigned(value, KILOBYTE, couldNotParse(name), (bytes) => (s.loggerWatcherBufSize = bytes));
    case 'worker_logbuf_size':
      return unsigned(value, KILOBYTE, couldNotParse(name), (bytes) => (s.loggerBufSize = bytes));
    case 'slab_sizes':
      line.slabSizesUnparsed = value;
      return null;
    case 'slab_chunk_max':
      return slabChunkMax(value, line, s);
    case 'track_sizes':
      line.trackSizes = true;
      return null;
    case 'no_chunked_items':
      s.slabChunkSizeMax = s.slabPageSize;
      return null;
    case 'no_slab_reassign':
      s.slabReassign = false;
      return null;
    case 'no_slab_automove':
      s.slabAutomove = 0;
      return null;
    case 'no_maxconns_fast':
      s.maxconnsFast = false;
      return null;
    case 'no_lru_crawler':
      s.lruCrawler = false;
      line.startLruCrawler = false;
      return null;
    case 'no_lru_maintainer':
      line.startLruMaintainer = false;
      s.lruSegmented = false;
      return null;
    case 'no_modern':
      noModern(line, s);
      return null;
    case 'no_drop_privileges':
      s.dropPrivileges = false;
      return null;
    case 'drop_privileges':
      s.dropPrivileges = true;
      return null;
    case 'resp_obj_mem_limit':
      complain(line, 'DEPRECATED: resp_obj_mem_limit no longer used. See read_buf_mem_limit,');
      return null;
    case 'read_buf_mem_limit':
      return unsigned(value, MEGABYTE, couldNotParse(name), (bytes) => (s.readBufMemLimit = bytes));
    case 'relaxed_privileges': // for C's tests, which give it to every server
      s.relaxedPrivileges = true;
      return null;
    case 'sock_cookie_id':
      s.sockCookieId = safeStrtoul(value) ?? 0;
      return null;
    case 'modern': // all that it once meant is the default now
    case 'inline_ascii_resp':
    case 'no_inline_ascii_resp':
      return null;
    default:
      return `Illegal suboption "${word}"`;
  }
}

function couldNotParse(name: string): string {
  return `could not parse argument to ${name}`;
}

/** Stores `value` times `unit` in 32 bits, as C does. Returns `mistake` if `value` is no number, else null. */
function unsigned(value: string, unit: number, mistake: string, store: (n: number) => void): string | null {
  const n = safeStrtoul(value);
  if (n === null) return mistake;
  store((n * unit) % 2 ** 32);
  return null;
}

/** In kilobytes up to 1024. C refuses more; until 1.6.18 it took bytes, and we take a larger number as bytes. */
function slabChunkMax(value: string, line: Draft, s: Settings): string | null {
  const size = safeStrtol(value);
  if (size === null) return couldNotParse('slab_chunk_max');
  if (size <= 0) return 'slab_chunk_max must be >= 0';
  s.slabChunkSizeMax = size > KILOBYTE ? size : size * KILOBYTE;
  line.slabChunkMax = size;
  return null;
}

/** The defaults of 1.4. */
function noModern(line: Draft, s: Settings): void {
  if (line.slabChunkMax === 0) s.slabChunkSizeMax = s.slabPageSize;
  s.slabReassign = false;
  s.slabAutomove = 0;
  s.maxconnsFast = false;
  s.lruSegmented = false;
  s.hashAlgorithm = 'jenkins';
  line.startLruCrawler = false;
  line.startLruMaintainer = false;
}
