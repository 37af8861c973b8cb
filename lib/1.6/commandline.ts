// What the command line says beside the settings: the local variables of C's main.

export interface CommandLine {
  /** The status to end with at once, or null to go on. */
  status: number | null;
  /** What to print first, on stdout and on stderr: help, a message, or warnings. Empty, or whole lines. */
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
  /** Whether `stats sizes` is kept from the start. */
  trackSizes: boolean;
  /** Chunk sizes in bytes instead of those that follow from settings.factor, or null. */
  slabSizes: readonly number[] | null;
  /** The words of -f or slab_sizes as they were given: a restarted server compares them. */
  slabConfig: string;
}

/** What options leave behind for the checks that follow the last of them. */
export interface Draft extends CommandLine {
  protocolSpecified: boolean;
  tcpSpecified: boolean;
  udpSpecified: boolean;
  threadsSpecified: boolean;
  /** The argument of slab_chunk_max; 0 if it was not given. */
  slabChunkMax: number;
  slabSizesUnparsed: string | null;
  /** The argument of -N. The server has one thread to give connections to, so it is only checked. */
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
