// The command line: main's loop over getopt_long. It only reads the words and fills a Settings and a CommandLine; what
// the process must do about them is in startup.ts.
import { getoptLong } from '../libc/getopt_long';
import type { LongOption } from '../libc/getopt_long';
import { packageFile } from '../libc/package';
import { EX_USAGE } from '../libc/sysexits';
import { atof, atoi, octal } from './arguments';
import { checkSettings } from './checks';
import type { CommandLine, Draft } from './commandline';
import { complain, emptyLine } from './commandline';
import { PACKAGE, Prot, VERSION, settings, settingsInit } from './settings';
import type { Settings } from './settings';
import { suboptions } from './suboptions';
import { usage } from './usage';

const SHORT_OPTIONS = 'a:AZp:s:U:m:Mc:khiVrvdl:u:P:f:n:t:D:LR:Cb:B:I:SFXWY:e:o:N:';

const LONG_OPTIONS: readonly LongOption[] = [
  { name: 'unix-mask', argument: 'required', letter: 'a' },
  { name: 'enable-shutdown', argument: 'none', letter: 'A' },
  { name: 'enable-ssl', argument: 'none', letter: 'Z' },
  { name: 'port', argument: 'required', letter: 'p' },
  { name: 'unix-socket', argument: 'required', letter: 's' },
  { name: 'udp-port', argument: 'required', letter: 'U' },
  { name: 'memory-limit', argument: 'required', letter: 'm' },
  { name: 'disable-evictions', argument: 'none', letter: 'M' },
  { name: 'conn-limit', argument: 'required', letter: 'c' },
  { name: 'lock-memory', argument: 'none', letter: 'k' },
  { name: 'help', argument: 'none', letter: 'h' },
  { name: 'license', argument: 'none', letter: 'i' },
  { name: 'version', argument: 'none', letter: 'V' },
  { name: 'enable-coredumps', argument: 'none', letter: 'r' },
  { name: 'verbose', argument: 'optional', letter: 'v' },
  { name: 'daemon', argument: 'none', letter: 'd' },
  { name: 'listen', argument: 'required', letter: 'l' },
  { name: 'user', argument: 'required', letter: 'u' },
  { name: 'pidfile', argument: 'required', letter: 'P' },
  { name: 'slab-growth-factor', argument: 'required', letter: 'f' },
  { name: 'slab-min-size', argument: 'required', letter: 'n' },
  { name: 'threads', argument: 'required', letter: 't' },
  { name: 'enable-largepages', argument: 'none', letter: 'L' },
  { name: 'max-reqs-per-event', argument: 'required', letter: 'R' },
  { name: 'disable-cas', argument: 'none', letter: 'C' },
  { name: 'listen-backlog', argument: 'required', letter: 'b' },
  { name: 'protocol', argument: 'required', letter: 'B' },
  { name: 'max-item-size', argument: 'required', letter: 'I' },
  { name: 'enable-sasl', argument: 'none', letter: 'S' },
  { name: 'disable-flush-all', argument: 'none', letter: 'F' },
  { name: 'disable-dumping', argument: 'none', letter: 'X' },
  { name: 'disable-watch', argument: 'none', letter: 'W' },
  { name: 'auth-file', argument: 'required', letter: 'Y' },
  { name: 'memory-file', argument: 'required', letter: 'e' },
  { name: 'extended', argument: 'required', letter: 'o' },
  { name: 'napi-ids', argument: 'required', letter: 'N' },
];

// memcached.c: main, from settings_init to the checks behind the options
/**
 * Sets `s` to the defaults, then applies `argv`, which begins with the program's name. The result holds the rest. If
 * its `status` is not null, the caller must print the texts, end with that status, and not use `s`.
 */
export function parseOptions(argv: readonly string[], s: Settings = settings): CommandLine {
  const line = emptyLine();
  settingsInit(s);
  for (const { letter, argument, message } of getoptLong(argv.slice(1), SHORT_OPTIONS, LONG_OPTIONS)) {
    // C adds a second line here, `Illegal argument "?"`, that says nothing.
    if (letter === '?') return end(line, 1, `${PACKAGE}: ${message}`);
    option(letter, (argument ?? '').trimStart(), line, s);
    if (line.status !== null) return line;
  }
  checkSettings(line, s);
  return line;
}

/** What a command line needs of the flat memory. */
export interface MemoryNeeds {
  /** For items, in megabytes (-m). */
  megabytes: number;
  /** Connections at one time (-c). */
  connections: number;
  /** The largest item in bytes (-I). */
  itemSizeMax: number;
}

/** The memory that main needs from the start, or null if main will only print and end. Changes no settings. */
export function memoryNeeds(argv: readonly string[]): MemoryNeeds | null {
  const s = { ...settings };
  if (parseOptions(argv, s).status !== null) return null;
  return { megabytes: s.maxbytes / (1024 * 1024), connections: s.maxconns, itemSizeMax: s.itemSizeMax };
}

/** Applies one option, as a case of C's switch does. */
function option(letter: string, optarg: string, line: Draft, s: Settings): void {
  switch (letter) {
    case 'A':
      s.shutdownCommand = true;
      break;
    case 'Z':
      end(line, EX_USAGE, 'This server is not built with TLS support.');
      break;
    case 'a':
      s.access = octal(optarg);
      break;
    case 'U':
      s.udpport = port('UDP port', optarg, line);
      line.udpSpecified = true;
      break;
    case 'p':
      s.port = port('port', optarg, line);
      line.tcpSpecified = true;
      break;
    case 's':
      s.socketpath = optarg;
      break;
    case 'm':
      s.maxbytes = atoi(optarg) * 1024 * 1024;
      break;
    case 'M':
      s.evictToFree = 0;
      break;
    case 'c':
      s.maxconns = positive('Maximum connections', optarg, line);
      break;
    case 'h':
      line.stdout += usage(s);
      line.status = 0;
      break;
    case 'i':
      line.stdout += `${PACKAGE} ${VERSION}\n\n${packageFile('LICENSE')}`;
      line.status = 0;
      break;
    case 'V':
      line.stdout += `${PACKAGE} ${VERSION}\n`;
      line.status = 0;
      break;
    case 'k':
      line.lockMemory = true;
      break;
    case 'v':
      s.verbose++;
      break;
    case 'l':
      if (s.inter === null) s.inter = optarg;
      else if (!s.inter.includes(optarg)) s.inter += `,${optarg}`;
      break;
    case 'd':
      line.daemonize = true;
      break;
    case 'r':
      line.maxcore = true;
      break;
    case 'R':
      s.reqsPerEvent = positive('Number of requests per event', optarg, line);
      break;
    case 'u':
      line.username = optarg;
      break;
    case 'P':
      line.pidFile = optarg;
      break;
    case 'e':
      s.memoryFile = optarg;
      break;
    case 'f':
      s.factor = atof(optarg);
      line.slabConfig = optarg;
      if (s.factor <= 1) end(line, 1, 'Factor must be greater than 1');
      break;
    case 'n':
      s.chunkSize = positive('Chunk size', optarg, line);
      break;
    case 't':
      s.numThreads = positive('Number of threads', optarg, line);
      line.threadsSpecified = true;
      if (s.numThreads > 64) complain(line, 'WARNING: Setting a high number of worker threads is not recommended.');
      break;
    case 'D':
      if (optarg === '') {
        end(line, 1, 'No delimiter specified');
        break;
      }
      s.prefixDelimiter = Buffer.from(optarg)[0];
      s.detailEnabled = 1;
      break;
    case 'L':
      line.largePages = true;
      break;
    case 'C':
      s.useCas = false;
      break;
    case 'b':
      s.backlog = atoi(optarg);
      break;
    case 'B':
      bindingProtocol(optarg, line, s);
      break;
    case 'I':
      s.itemSizeMax = sizeWithUnit(optarg);
      break;
    case 'S':
      s.sasl = true;
      break;
    case 'F':
      s.flushEnabled = false;
      break;
    case 'X':
      s.dumpEnabled = false;
      break;
    case 'W':
      s.watchEnabled = false;
      break;
    case 'Y':
      s.authFile = optarg;
      break;
    case 'N':
      line.numNapiIds = positive('Maximum number of NAPI IDs', optarg, line);
      break;
    case 'o':
      suboptions(optarg, line, s);
      break;
  }
}

function end(line: Draft, status: number, message: string): CommandLine {
  complain(line, message);
  line.status = status;
  return line;
}

function positive(what: string, optarg: string, line: Draft): number {
  const value = atoi(optarg);
  if (value <= 0) end(line, 1, `${what} must be greater than 0`);
  return value;
}

/** A port; -1 for any free one. C reads a word as port 0, and then accepts no connections. */
function port(what: string, optarg: string, line: Draft): number {
  const value = atoi(optarg);
  if (!/^[+-]?\d/.test(optarg) || value < -1) end(line, EX_USAGE, `ERROR: Invalid ${what} number ${optarg}.`);
  return value;
}

function bindingProtocol(name: string, line: Draft, s: Settings): void {
  line.protocolSpecified = true;
  switch (name) {
    case 'auto':
      s.bindingProtocol = Prot.negotiating;
      break;
    case 'binary':
      s.bindingProtocol = Prot.binary;
      break;
    case 'ascii':
      s.bindingProtocol = Prot.ascii;
      break;
    default: {
      const names = 'should be one of auto, binary, or ascii';
      end(line, EX_USAGE, `Invalid value for binding protocol: ${name} -- ${names}`);
    }
  }
}

/** The argument of -I, in bytes. */
function sizeWithUnit(optarg: string): number {
  const unit = /k$/i.test(optarg) ? 1024 : /m$/i.test(optarg) ? 1024 * 1024 : 1;
  return atoi(optarg) * unit;
}
