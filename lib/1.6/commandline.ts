// The options that are not in settings: the local variables of C's main.

export interface CommandLine {
  /** The exit status to end with at once, or null to go on. */
  status: number | null;
  /** Printed first, on stdout and on stderr: help, an error, or warnings. Empty, or whole lines. */
  stdout: string;
  stderr: string;
  /** -d */
  daemonize: boolean;
  /** -k */
  lockMemory: boolean;
  /** -r */
  maxcore: boolean;
  /** -L */
  largePages: boolean;
  /** -u */
  username: string | null;
  /** -P */
  pidFile: string | null;
  startLruMaintainer: boolean;
  startLruCrawler: boolean;
  /** Whether the hash table may grow. */
  startAssocMaint: boolean;
  /** Whether the server counts item sizes for `stats sizes`. */
  trackSizes: boolean;
  /** Chunk sizes in bytes, which replace those computed from settings.factor, or null. */
  slabSizes: readonly number[] | null;
  /** The argument of -f or slab_sizes as given: a restarted server compares it. */
  slabConfig: string;
}

/** CommandLine, and what the options leave for the checks that come after them. */
export interface Draft extends CommandLine {
  protocolSpecified: boolean;
  tcpSpecified: boolean;
  udpSpecified: boolean;
  threadsSpecified: boolean;
  /** The argument of slab_chunk_max; 0 if it was not given. */
  slabChunkMax: number;
  slabSizesUnparsed: string | null;
  /** The argument of -N. It is only checked, because connections have one thread to go to. */
  numNapiIds: number;
}

export function emptyLine(): Draft {
  return {
    status: null,
    stdout: '',
    stderr: '',
    daemonize: false,
    lockMemory: false,
    maxcore: false,
    largePages: false,
    username: null,
    pidFile: null,
    startLruMaintainer: true,
    startLruCrawler: true,
    startAssocMaint: true,
    trackSizes: false,
    slabSizes: null,
    slabConfig: '1.25',
    protocolSpecified: false,
    tcpSpecified: false,
    udpSpecified: false,
    threadsSpecified: false,
    slabChunkMax: 0,
    slabSizesUnparsed: null,
    numNapiIds: 0,
  };
}

/** Adds a warning, or the reason why the program ends. */
export function complain(line: CommandLine, message: string): void {
  line.stderr += `${message}\n`;
}
