// The command line of memcached 1.6: what each option sets, and how each mistake is told.
import test from 'ava';
import type { CommandLine } from '../lib/1.6/commandline';
import { NOT_YET, notYet } from '../lib/1.6/notyet';
import { memoryNeeds, parseOptions } from '../lib/1.6/options';
import { Prot, settings } from '../lib/1.6/settings';
import type { Settings } from '../lib/1.6/settings';
import { getoptLong } from '../lib/libc/getopt_long';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;

/** The outcome of a command line whose words have no spaces in them. */
function parse(words: string): { line: CommandLine; s: Settings } {
  const s = { ...settings };
  const line = parseOptions(['memcached', ...words.split(' ').filter((word) => word !== '')], s);
  return { line, s };
}

/** The fields of `b` that differ from those of `a`. */
function changes<T extends object>(a: T, b: T): Partial<T> {
  return Object.fromEntries(Object.entries(b).filter(([key, value]) => value !== a[key as keyof T])) as Partial<T>;
}

const plain = parse('');

test('without options the settings are the defaults of 1.6', (t) => {
  t.is(plain.line.status, null);
  t.is(plain.line.stdout + plain.line.stderr, '');
  const { maxbytes, maxconns, port, udpport, inter, itemSizeMax, slabChunkSizeMax, factor, chunkSize } = plain.s;
  t.deepEqual({ maxbytes, maxconns, port, udpport, inter, itemSizeMax, slabChunkSizeMax, factor, chunkSize }, {
    maxbytes: 64 * MEGABYTE, maxconns: 1024, port: 11211, udpport: 0, inter: null, itemSizeMax: MEGABYTE,
    slabChunkSizeMax: MEGABYTE / 2, factor: 1.25, chunkSize: 48,
  });
  t.deepEqual(changes(settings, plain.s), { numThreadsPerUdp: 4 });
});

const sets: Record<string, Partial<Settings>> = {
  '-p 80': { port: 80 },
  '-p80': { port: 80 },
  '-p 0': { port: 0 },
  '-p -1': { port: -1 },
  '--port=80': { port: 80 },
  '--port 80': { port: 80 },
  '--por 80': { port: 80 },
  '-U 0': {},
  '--udp-port=0': {},
  '-s /run/m.sock': { socketpath: '/run/m.sock' },
  '--unix-socket /run/m.sock': { socketpath: '/run/m.sock' },
  '-a 0770': { access: 0o770 },
  '-a rw': { access: 0 },
  '--unix-mask=755': { access: 0o755 },
  '-A': { shutdownCommand: true },
  '--enable-shutdown': { shutdownCommand: true },
  '-l 127.0.0.1': { inter: '127.0.0.1' },
  '-l ::1 -l 10.0.0.1': { inter: '::1,10.0.0.1', numThreadsPerUdp: 1 },
  '-l 127.0.0.1,::1': { inter: '127.0.0.1,::1', numThreadsPerUdp: 1 },
  '-l 127.0.0.1 --listen=127.0.0.1': { inter: '127.0.0.1' },
  '-m 100': { maxbytes: 100 * MEGABYTE },
  '-m 100m': { maxbytes: 100 * MEGABYTE },
  '--memory-limit=4000': { maxbytes: 4000 * MEGABYTE },
  '-M': { evictToFree: 0 },
  '--disable-evictions': { evictToFree: 0 },
  '-c 20': { maxconns: 20 },
  '--conn-limit=20': { maxconns: 20 },
  '-v': { verbose: 1 },
  '-vv': { verbose: 2 },
  '-vvv': { verbose: 3 },
  '--verbose --verbose=2': { verbose: 2 },
  '-f 1.08': { factor: 1.08 },
  '--slab-growth-factor=2': { factor: 2 },
  '-n 32': { chunkSize: 32 },
  '--slab-min-size=32': { chunkSize: 32 },
  '-D -': { prefixDelimiter: 0x2d, detailEnabled: 1 },
  '-t 8': { numThreads: 8, numThreadsPerUdp: 8 },
  '--threads=1': { numThreads: 1, numThreadsPerUdp: 1 },
  '-R 1': { reqsPerEvent: 1 },
  '--max-reqs-per-event=1': { reqsPerEvent: 1 },
  '-C': { useCas: false },
  '--disable-cas': { useCas: false },
  '-b 8675': { backlog: 8675 },
  '--listen-backlog=8675': { backlog: 8675 },
  '-B auto': {},
  '-B ascii': { bindingProtocol: Prot.ascii },
  '--protocol=binary': { bindingProtocol: Prot.binary },
  '-I 2097152': { itemSizeMax: 2 * MEGABYTE },
  '-I 2m': { itemSizeMax: 2 * MEGABYTE },
  '-m 256 -I 32M': { maxbytes: 256 * MEGABYTE, itemSizeMax: 32 * MEGABYTE },
  '-I 512k': { itemSizeMax: 512 * KILOBYTE },
  '-I 512K -o slab_chunk_max=16': { itemSizeMax: 512 * KILOBYTE, slabChunkSizeMax: 16 * KILOBYTE },
  '-I 1024 -o slab_chunk_max=1': { itemSizeMax: 1024, slabChunkSizeMax: 1024 },
  '--max-item-size=1m': {},
  '-F': { flushEnabled: false },
  '--disable-flush-all': { flushEnabled: false },
  '-X': { dumpEnabled: false },
  '--disable-dumping': { dumpEnabled: false },
  '-W': { watchEnabled: false },
  '--disable-watch': { watchEnabled: false },
  '-N 4': {},
  '-vdp 80 --disable-cas': { verbose: 1, port: 80, useCas: false },
  'word -v': { verbose: 1 },
  '-v -- -v': { verbose: 1 },
  '-o maxconns_fast': {},
  '-o no_maxconns_fast': { maxconnsFast: false },
  '-o no_maxconns_fast,maxconns_fast,': {},
  '--extended=no_maxconns_fast': { maxconnsFast: false },
  '-o hashpower=20': { hashpowerInit: 20 },
  '-o no_slab_reassign': { slabReassign: false },
  '-o no_slab_reassign -o slab_reassign': {},
  '-o slab_automove=2': { slabAutomove: 2 },
  '-o no_slab_automove': { slabAutomove: 0 },
  '-o slab_automove=0,slab_automove': {},
  '-o slab_automove_ratio=0.5': { slabAutomoveRatio: 0.5 },
  '-o slab_automove_window=30': { slabAutomoveWindow: 30 },
  '-o tail_repair_time=10': { tailRepairTime: 10 },
  '-o hash_algorithm=murmur3': {},
  '-o hash_algorithm=jenkins': { hashAlgorithm: 'jenkins' },
  '-o hash_algorithm=xxh3': { hashAlgorithm: 'xxh3' },
  '-o lru_crawler_sleep=0': { lruCrawlerSleep: 0 },
  '-o lru_crawler_tocrawl=4294967295': { lruCrawlerTocrawl: 4294967295 },
  '-o no_lru_maintainer': { lruSegmented: false },
  '-o no_lru_maintainer,lru_maintainer': {},
  '-o hot_lru_pct=10,warm_lru_pct=70': { hotLruPct: 10, warmLruPct: 70 },
  '-o hot_max_factor=.5,warm_max_factor=1e1': { hotMaxFactor: 0.5, warmMaxFactor: 10 },
  '-o temporary_ttl=30': { tempLru: true, temporaryTtl: 30 },
  '-o idle_timeout=5': { idleTimeout: 5 },
  '-o watcher_logbuf_size=8': { loggerWatcherBufSize: 8 * KILOBYTE },
  '-o worker_logbuf_size=8': { loggerBufSize: 8 * KILOBYTE },
  '-o slab_chunk_max=256': { slabChunkSizeMax: 256 * KILOBYTE },
  '-o slab_chunk_max=1024': { slabChunkSizeMax: MEGABYTE },
  '-o no_chunked_items': { slabChunkSizeMax: MEGABYTE },
  '-o inline_ascii_resp,no_inline_ascii_resp,modern': {},
  '-o drop_privileges': { dropPrivileges: true },
  '-o drop_privileges,no_drop_privileges': {},
  '-o relaxed_privileges': { relaxedPrivileges: true },
  '-o read_buf_mem_limit=10': { readBufMemLimit: 10 * MEGABYTE },
  '-o no_modern': {
    slabChunkSizeMax: MEGABYTE, slabReassign: false, slabAutomove: 0, maxconnsFast: false, lruSegmented: false,
    hashAlgorithm: 'jenkins',
  },
  '-o slab_chunk_max=64,no_modern': {
    slabChunkSizeMax: 64 * KILOBYTE, slabReassign: false, slabAutomove: 0, maxconnsFast: false, lruSegmented: false,
    hashAlgorithm: 'jenkins',
  },
};
for (const [words, expected] of Object.entries(sets)) {
  test(`${words} sets ${Object.keys(expected).join(', ') || 'nothing but the defaults'}`, (t) => {
    const { line, s } = parse(words);
    t.is(line.stderr, '');
    t.is(line.status, null);
    t.deepEqual(changes(plain.s, s), expected);
  });
}

const asks: Record<string, Partial<CommandLine>> = {
  '-d': { daemonize: true },
  '--daemon': { daemonize: true },
  '-k': { lockMemory: true },
  '--lock-memory': { lockMemory: true },
  '-r': { maxcore: true },
  '--enable-coredumps': { maxcore: true },
  '-L': { largePages: true },
  '--enable-largepages': { largePages: true },
  '-u nobody': { username: 'nobody' },
  '--user=nobody': { username: 'nobody' },
  '-P /run/m.pid': { pidFile: '/run/m.pid' },
  '--pidfile=/run/m.pid': { pidFile: '/run/m.pid' },
  '-f 1.5': { slabConfig: '1.5' },
  '-o track_sizes': { trackSizes: true },
  '-o no_hashexpand': { startAssocMaint: false },
  '-o no_lru_crawler': { startLruCrawler: false },
  '-o no_lru_crawler,lru_crawler': {},
  '-o no_lru_maintainer': { startLruMaintainer: false },
  '-o no_modern': { startLruMaintainer: false, startLruCrawler: false },
};
for (const [words, expected] of Object.entries(asks)) {
  test(`${words} asks for ${Object.keys(expected).join(', ') || 'nothing but the defaults'}`, (t) => {
    const { line } = parse(words);
    t.is(line.status, null);
    t.deepEqual(changes(plain.line, line), expected);
  });
}

test('slab_sizes gives the chunk sizes of the slab classes instead of the factor', (t) => {
  const { line } = parse('-f 2 -o slab_sizes=100-200-300');
  t.is(line.status, null);
  t.deepEqual(line.slabSizes, [100, 200, 300]);
  t.is(line.slabConfig, '100-200-300');
});

const USAGE = 64;
const mistakes: Record<string, [status: number, message: string]> = {
  '-q': [1, "memcached: invalid option -- 'q'"],
  '-vq': [1, "memcached: invalid option -- 'q'"],
  '-p': [1, "memcached: option requires an argument -- 'p'"],
  '--bogus=3': [1, "memcached: unrecognized option '--bogus=3'"],
  '--port': [1, "memcached: option '--port' requires an argument"],
  '--daemon=1': [1, "memcached: option '--daemon' doesn't allow an argument"],
  '--mem=5': [1, "memcached: option '--mem=5' is ambiguous; possibilities: '--memory-limit' '--memory-file'"],
  '-Z': [USAGE, 'This server is not built with TLS support.'],
  '-p 65536': [USAGE, 'ERROR: Invalid port number 65536.'],
  '-p http': [USAGE, 'ERROR: Invalid port number http.'],
  '-p -2': [USAGE, 'ERROR: Invalid port number -2.'],
  '-U 65536': [USAGE, 'ERROR: Invalid port number 65536.'],
  '-U dns': [USAGE, 'ERROR: Invalid UDP port number dns.'],
  '-c 0': [1, 'Maximum connections must be greater than 0'],
  '-c -1': [1, 'Maximum connections must be greater than 0'],
  '-c many': [1, 'Maximum connections must be greater than 0'],
  '-t 0': [1, 'Number of threads must be greater than 0'],
  '-R 0': [1, 'Number of requests per event must be greater than 0'],
  '-n 0': [1, 'Chunk size must be greater than 0'],
  '-f 1': [1, 'Factor must be greater than 1'],
  '-f x': [1, 'Factor must be greater than 1'],
  '-N 0': [1, 'Maximum number of NAPI IDs must be greater than 0'],
  '-N 5': [USAGE, 'Number of napi_ids(5) cannot be greater than number of threads(4)'],
  '-B http': [USAGE, 'Invalid value for binding protocol: http -- should be one of auto, binary, or ascii'],
  '-m 0': [USAGE, 'Cannot set item size limit higher than 1/2 of memory max.'],
  '-m 1': [USAGE, 'Cannot set item size limit higher than 1/2 of memory max.'],
  '-m 4001': [USAGE,
    'Cannot use 4001 megabytes: -m is at most 4000; for more, run several and let the clients shard'],
  '-m -1': [USAGE, 'Cannot use -1 megabytes: -m is at most 4000; for more, run several and let the clients shard'],
  '-I 1000': [USAGE, 'Item max size cannot be less than 1024 bytes.'],
  '-I 256m': [USAGE, 'Cannot set item size limit higher than 1/2 of memory max.'],
  '-m 4000 -I 1025m': [USAGE, 'Cannot set item size limit higher than a gigabyte.'],
  '-I 1024': [USAGE, 'slab_chunk_max (bytes: 524288) cannot be larger than -I (item_size_max 1024)'],
  '-I 1500k': [USAGE, '-I (item_size_max: 1536000) must be evenly divisible by slab_chunk_max (bytes: 524288)'],
  '-I 3m -o slab_chunk_max=768': [USAGE,
    'slab_chunk_max (bytes: 786432) must divide evenly into 1048576 (slab_page_size)'],
  '-B ascii -S': [USAGE, 'ERROR: You cannot allow the ASCII protocol while using SASL.'],
  '-S -U 11211': [USAGE, 'ERROR: Cannot enable UDP while using binary SASL authentication.'],
  '-B binary -Y /etc/m': [USAGE,
    'ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.'],
  '-Y /etc/m -U 11211': [USAGE, 'Cannot use UDP with ascii authentication enabled (-U 0 to disable)'],
  '-Y /etc/m -l proto[binary]:127.0.0.1': [USAGE, 'Cannot use binary protocol when ascii authentication enabled'],
  '-S -Y /etc/m': [USAGE,
    'ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.'],
  '-o bogus=1,hashpower=20': [1, 'Illegal suboption "bogus=1"'],
  '-o ,': [1, 'Illegal suboption ""'],
  '-o ext_path=/tmp/e:1g': [1, 'Illegal suboption "ext_path=/tmp/e:1g"'],
  '-o ssl_key=k': [1, 'Illegal suboption "ssl_key=k"'],
  '-o proxy_config=c': [1, 'Illegal suboption "proxy_config=c"'],
  '-o constructor': [1, 'Illegal suboption "constructor"'],
  '-o hashpower=11': [1, 'Initial hashtable multiplier of 11 is too low'],
  '-o hashpower=33': [1, 'Initial hashtable multiplier of 33 is too high'],
  '-o slab_automove=3': [1, 'slab_automove must be between 0 and 2'],
  '-o slab_automove_ratio=1.1': [1, 'slab_automove_ratio must be > 0 and < 1'],
  '-o slab_automove_window=2': [1, 'slab_automove_window must be > 2 and < 1800'],
  '-o tail_repair_time=9': [1, 'Cannot set tail_repair_time to less than 10 seconds'],
  '-o hash_algorithm=md5': [1, 'Unknown hash_algorithm option (jenkins, murmur3, xxh3)'],
  '-o lru_crawler_sleep=1000001': [1, 'LRU crawler sleep must be between 0 and 1 second'],
  '-o lru_crawler_tocrawl=x': [1, 'lru_crawler_tocrawl takes a numeric 32bit value'],
  '-o lru_crawler_tocrawl=4294967296': [1, 'lru_crawler_tocrawl takes a numeric 32bit value'],
  '-o hot_lru_pct=80': [1, 'hot_lru_pct must be > 1 and < 80'],
  '-o warm_lru_pct=0': [1, 'warm_lru_pct must be > 1 and < 80'],
  '-o hot_lru_pct=50': [USAGE, 'hot_lru_pct + warm_lru_pct cannot be more than 80% combined'],
  '-o hot_max_factor=0': [1, 'hot_max_factor must be > 0'],
  '-o warm_max_factor=x': [1, 'warm_max_factor must be > 0'],
  '-o temporary_ttl=10,no_lru_maintainer': [USAGE, 'temporary_ttl requires lru_maintainer to be enabled'],
  '-o watcher_logbuf_size=-1': [1, 'could not parse argument to watcher_logbuf_size'],
  '-o worker_logbuf_size=1k': [1, 'could not parse argument to worker_logbuf_size'],
  '-o read_buf_mem_limit=x': [1, 'could not parse argument to read_buf_mem_limit'],
  '-o slab_chunk_max=x': [1, 'could not parse argument to slab_chunk_max'],
  '-o slab_chunk_max=0': [1, 'slab_chunk_max must be >= 0'],
  '-o slab_sizes=': [USAGE, 'slab_sizes is empty'],
  '-o slab_sizes=x': [USAGE, 'slab size 0 is out of valid range'],
  '-o slab_sizes=40-100': [USAGE, 'slab size 40 is out of valid range'],
  '-o slab_sizes=100-524289': [USAGE, 'slab size 524289 is out of valid range'],
  '-o slab_sizes=100-100': [USAGE, 'slab size 100 cannot be lower than or equal to a previous class size'],
  '-o slab_sizes=100-108': [USAGE, 'slab size 108 must be at least 8 bytes larger than previous class'],
  [`-o slab_sizes=${Array.from({ length: 63 }, (_, i) => 100 + 10 * i).join('-')}`]: [USAGE,
    'too many slab classes specified'],
};
for (const name of [
  'slab_automove_ratio', 'slab_automove_window', 'hash_algorithm', 'hot_lru_pct', 'warm_lru_pct', 'hot_max_factor',
  'warm_max_factor', 'temporary_ttl', 'watcher_logbuf_size', 'worker_logbuf_size', 'slab_sizes', 'slab_chunk_max',
  'read_buf_mem_limit',
]) mistakes[`-o ${name}`] = [1, `Missing ${name} argument`];
for (const name of ['hashpower', 'tail_repair_time', 'idle_timeout']) {
  mistakes[`-o ${name}`] = [1, `Missing numeric argument for ${name}`];
}
for (const name of ['lru_crawler_sleep', 'lru_crawler_tocrawl']) mistakes[`-o ${name}`] = [1, `Missing ${name} value`];
for (const [words, [status, message]] of Object.entries(mistakes)) {
  test(`a mistake is reported in one line, with status ${status}: ${words}`, (t) => {
    const { line } = parse(words);
    t.is(line.stderr, `${message}\n`);
    t.is(line.status, status);
    t.is(line.stdout, '');
  });
}

test('only the first mistake is reported', (t) => {
  t.is(parse('-c 0 -t 0 -q').line.stderr, 'Maximum connections must be greater than 0\n');
});

test('an empty prefix delimiter is a mistake', (t) => {
  const line = parseOptions(['memcached', '-D', ' '], { ...settings });
  t.is(line.stderr, 'No delimiter specified\n');
  t.is(line.status, 1);
});

test('white space in front of an argument is ignored', (t) => {
  const s = { ...settings };
  parseOptions(['memcached', '-s', ' /run/m.sock', '-p', '\t80'], s);
  t.is(s.socketpath, '/run/m.sock');
  t.is(s.port, 80);
});

const warnings: Record<string, RegExp> = {
  '-t 65': /^WARNING: Setting a high number of worker threads is not recommended\.\n$/,
  '-v -t 8': /^-t 8: one thread serves, whatever -t says\n$/,
  '-o resp_obj_mem_limit=1': /^DEPRECATED: resp_obj_mem_limit no longer used\. See read_buf_mem_limit,\n$/,
};
for (const [words, warning] of Object.entries(warnings)) {
  test(`${words} warns, and goes on`, (t) => {
    const { line } = parse(words);
    t.regex(line.stderr, warning);
    t.is(line.status, null);
  });
}

test('slab_chunk_max is taken as bytes, as until 1.6.18, if it makes no sense as kilobytes', (t) => {
  t.is(parse('-o slab_chunk_max=16384').s.slabChunkSizeMax, 16384);
  t.is(parse('-I 1024 -o slab_chunk_max=1024').s.slabChunkSizeMax, 1024);
});

test('with -I above 1024k, chunks are half a page, unless slab_chunk_max says otherwise', (t) => {
  t.is(parse('-I 2m -o no_modern').s.slabChunkSizeMax, MEGABYTE / 2);
  t.is(parse('-I 2m -o slab_chunk_max=1024').s.slabChunkSizeMax, MEGABYTE);
});

const asked: Record<string, Partial<Settings>> = {
  'o sock_cookie_id': { sockCookieId: 7 },
};
for (const option of NOT_YET) {
  test(`-${option} is refused for now, in one line, with status 1`, (t) => {
    t.is(notYet({ ...plain.s, ...asked[option] }), `-${option} is not yet served`);
    const { line } = parse('-o sock_cookie_id=7');
    t.is(line.stderr, `-${option} is not yet served\n`);
    t.is(line.status, 1);
  });
}

test('-U alone sets the TCP port, too; with -p each has its own', (t) => {
  t.is(parse('-U 80').s.port, 80);
  t.is(parse('-p 0 -U 80').s.port, 0);
  t.is(parse('-U 0').s.port, 11211);
});

test('-S chooses the binary protocol, and -Y the text protocol', (t) => {
  t.is(parse('-S').s.bindingProtocol, Prot.binary);
  t.is(parse('-Y /etc/m').s.bindingProtocol, Prot.ascii);
});

test('an address of -l with a protocol that asks for no password gives a warning', (t) => {
  for (const protocol of ['ascii', 'negotiating']) {
    const { line } = parse(`-S -l proto[${protocol}]:127.0.0.1`);
    t.is(line.stderr, 'WARNING: only binary ports ask for a password\n');
    t.is(line.status, null);
  }
  t.is(parse('-S -l proto[binary]:127.0.0.1').line.stderr, '');
  const { line } = parse('-Y /etc/m -l proto[negotiating]:127.0.0.1');
  t.is(line.stderr, 'WARNING: negotiating ports are ascii only when ascii authentication enabled\n');
  t.is(line.status, null);
});

test('-V prints the version as memcached does', (t) => {
  for (const words of ['-V', '--version', '-v -V -q']) {
    const { line } = parse(words);
    t.is(line.stdout, 'memcached 1.6.45\n');
    t.is(line.stderr, '');
    t.is(line.status, 0);
  }
});

test('-i prints the licences', (t) => {
  const { line } = parse('-i');
  t.is(line.status, 0);
  t.regex(line.stdout, /^memcached 1\.6\.45\n\n[\s\S]*Danga Interactive[\s\S]*Niels Provos/);
});

test('-h has a line for each supported option, with the default', (t) => {
  const { line } = parse('-h');
  t.is(line.status, 0);
  t.true(line.stdout.startsWith('memcached 1.6.45\n-p, --port=<num> '));
  for (const letter of 'psaAldrumMckvhiVPfnLDtRCbBISFXWYo') t.regex(line.stdout, new RegExp(`^-${letter}[, ]`, 'm'), letter);
  t.regex(line.stdout, /^-p,.*11211\)$/m);
  t.regex(line.stdout, /^-m,.*64\)$/m);
  t.regex(parse('-p 80 -h').line.stdout, /^-p,.*80\)$/m);
  t.true(line.stdout.split('\n').every((text) => text.length <= 120));
});

test("-h has the words by which memcached's tests detect what is supported, and no others", (t) => {
  const { stdout } = parse('-h').line;
  t.true(stdout.includes('unix-socket'));
  for (const word of ['ext_path', 'proxy_config', 'enable-ssl', 'no_drop_privileges']) t.false(stdout.includes(word), word);
  for (const word of ['sasl', 'auth-file']) t.true(stdout.includes(word), word);
});

test('the memory needed before main begins follows from the same options', (t) => {
  const before = { ...settings };
  t.deepEqual(memoryNeeds(['memcached', '-m', '100', '-c', '20', '-I', '2m']), {
    megabytes: 100, connections: 20, itemSizeMax: 2 * MEGABYTE,
  });
  t.deepEqual(memoryNeeds(['memcached']), { megabytes: 64, connections: 1024, itemSizeMax: MEGABYTE });
  t.is(memoryNeeds(['memcached', '-h']), null);
  t.is(memoryNeeds(['memcached', '-c', '0']), null);
  t.deepEqual(settings, before);
});

test('getopt_long stops at the first mistake, and at --', (t) => {
  const long = [
    { name: 'all', argument: 'none', letter: 'a' },
    { name: 'allow', argument: 'required', letter: 'b' },
    { name: 'color', argument: 'optional', letter: 'c' },
  ] as const;
  const letters = (...args: string[]): string => {
    return getoptLong(args, 'ab:c', long).map(({ letter, argument }) => letter + (argument ?? '')).join(' ');
  };
  t.is(letters('-aab', '-a', 'word', '--all'), 'a a b-a a');
  t.is(letters('--all', '--allo', '--', '--', '-a'), 'a b--');
  t.is(letters('--allow=', '--color', 'x', '--col=red'), 'b c cred');
  t.is(letters('-a', '-x', '-a'), 'a ?');
  t.is(letters('-', '-:'), '?');
  t.is(letters('--al'), '?');
});
