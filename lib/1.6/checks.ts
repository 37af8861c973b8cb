// Checks whether the options agree, after the last of them: main's code between getopt and the first system call.
import { EX_USAGE } from '../libc/sysexits';
import { safeStrtoul } from './arguments';
import type { Draft } from './commandline';
import { complain } from './commandline';
import { MAX_NUMBER_OF_SLAB_CLASSES } from './memcached.h';
import { notYet } from './notyet';
import { Prot } from './settings';
import type { Settings } from './settings';

const MEGABYTE = 1024 * 1024;

// memcached.h
const ITEM_SIZE_MAX_LOWER_LIMIT = 1024;
const ITEM_SIZE_MAX_UPPER_LIMIT = 1024 * MEGABYTE;
const CHUNK_ALIGN_BYTES = 8;

const PORT_MAX = 65535;
/** Maximum of -m: what 32-bit pointers can address beside the connections. */
const MEGABYTES_MAX = 4000;

// memcached.c: main, from the checks behind getopt to the first call of getrlimit
/** Completes `s` and `line`. If something is wrong, `line` gets a message and a status. */
export function checkSettings(line: Draft, s: Settings): void {
  const mistake = memory(s) ?? sizes(line, s) ?? lru(line, s) ?? protocols(line, s) ?? ports(line, s);
  if (mistake !== null) {
    complain(line, mistake);
    line.status = EX_USAGE;
    return;
  }
  const unserved = notYet(s);
  if (unserved !== null) {
    complain(line, unserved);
    line.status = 1;
    return;
  }
  if (line.threadsSpecified && s.verbose > 0) complain(line, `-t ${s.numThreads}: one thread serves, whatever -t says`);
}

/** C has 64-bit pointers and no such limit; a negative -m is for all the memory there is. */
function memory(s: Settings): string | null {
  if (s.maxbytes >= 0 && s.maxbytes <= MEGABYTES_MAX * MEGABYTE) return null;
  const advice = 'for more, run several and let the clients shard';
  return `Cannot use ${s.maxbytes / MEGABYTE} megabytes: -m is at most ${MEGABYTES_MAX}; ${advice}`;
}

function sizes(line: Draft, s: Settings): string | null {
  if (line.numNapiIds > s.numThreads) {
    return `Number of napi_ids(${line.numNapiIds}) cannot be greater than number of threads(${s.numThreads})`;
  }
  if (s.itemSizeMax < ITEM_SIZE_MAX_LOWER_LIMIT) return 'Item max size cannot be less than 1024 bytes.';
  if (s.itemSizeMax > s.maxbytes / 2) return 'Cannot set item size limit higher than 1/2 of memory max.';
  if (s.itemSizeMax > ITEM_SIZE_MAX_UPPER_LIMIT) return 'Cannot set item size limit higher than a gigabyte.';
  if (s.itemSizeMax > MEGABYTE && line.slabChunkMax === 0) s.slabChunkSizeMax = s.slabPageSize / 2;
  // slab_chunk_max=1024 means 1024 kilobytes, or 1024 bytes as in 1.6.18. This -I rules out the former.
  if (s.itemSizeMax < MEGABYTE && line.slabChunkMax === 1024) s.slabChunkSizeMax = 1024;

  const { itemSizeMax, slabChunkSizeMax, slabPageSize } = s;
  if (slabChunkSizeMax > itemSizeMax) {
    return `slab_chunk_max (bytes: ${slabChunkSizeMax}) cannot be larger than -I (item_size_max ${itemSizeMax})`;
  }
  if (itemSizeMax % slabChunkSizeMax !== 0) {
    return `-I (item_size_max: ${itemSizeMax}) must be evenly divisible by slab_chunk_max (bytes: ${slabChunkSizeMax})`;
  }
  if (slabPageSize % slabChunkSizeMax !== 0) {
    return `slab_chunk_max (bytes: ${slabChunkSizeMax}) must divide evenly into ${slabPageSize} (slab_page_size)`;
  }
  return line.slabSizesUnparsed === null ? null : slabSizes(line.slabSizesUnparsed, line, s);
}

// memcached.c: _parse_slab_sizes
/** Parses ascending sizes, joined by dashes. Returns an error message, or null. */
function slabSizes(words: string, line: Draft, s: Settings): string | null {
  const found: number[] = [];
  let last = 0;
  for (const word of words.split('-').filter((each) => each !== '')) {
    const size = safeStrtoul(word);
    if (size === null || size < s.chunkSize || size > s.slabChunkSizeMax) {
      return `slab size ${size ?? 0} is out of valid range`;
    }
    if (size <= last) return `slab size ${size} cannot be lower than or equal to a previous class size`;
    if (size <= last + CHUNK_ALIGN_BYTES) {
      return `slab size ${size} must be at least ${CHUNK_ALIGN_BYTES} bytes larger than previous class`;
    }
    found.push(size);
    last = size;
    if (found.length >= MAX_NUMBER_OF_SLAB_CLASSES - 1) return 'too many slab classes specified';
  }
  if (found.length === 0) return 'slab_sizes is empty'; // C prints nothing for an empty word, and accepts a lone dash
  line.slabSizes = found;
  line.slabConfig = words;
  return null;
}

function lru(line: Draft, s: Settings): string | null {
  if (s.hotLruPct + s.warmLruPct > 80) return 'hot_lru_pct + warm_lru_pct cannot be more than 80% combined';
  if (s.tempLru && !line.startLruMaintainer) return 'temporary_ttl requires lru_maintainer to be enabled';
  return null;
}

/** Passwords work with one protocol only, and not over UDP. */
function protocols(line: Draft, s: Settings): string | null {
  s.numThreadsPerUdp = s.inter?.includes(',') === true ? 1 : s.numThreads;
  if (s.sasl) {
    if (!line.protocolSpecified) s.bindingProtocol = Prot.binary;
    else if (s.bindingProtocol !== Prot.binary) return 'ERROR: You cannot allow the ASCII protocol while using SASL.';
    if (s.udpport !== 0) return 'ERROR: Cannot enable UDP while using binary SASL authentication.';
    // C prints no warning.
    if (serves(s, 'ascii') || serves(s, 'negotiating')) complain(line, 'WARNING: only binary ports ask for a password');
  }
  if (s.authFile !== null) {
    if (!line.protocolSpecified && !s.sasl) s.bindingProtocol = Prot.ascii;
    else if (s.bindingProtocol !== Prot.ascii) {
      return 'ERROR: You cannot allow the BINARY protocol while using ascii authentication tokens.';
    }
    if (s.udpport !== 0) return 'Cannot use UDP with ascii authentication enabled (-U 0 to disable)';
    if (serves(s, 'binary')) return 'Cannot use binary protocol when ascii authentication enabled';
    if (serves(s, 'negotiating')) {
      complain(line, 'WARNING: negotiating ports are ascii only when ascii authentication enabled');
    }
  }
  return null;
}

/** Whether an address of -l selects this protocol for itself. */
function serves(s: Settings, protocol: string): boolean {
  return s.inter?.includes(`proto[${protocol}]`) === true;
}

function ports(line: Draft, s: Settings): string | null {
  if (line.udpSpecified && s.udpport !== 0 && !line.tcpSpecified) s.port = s.udpport;
  const wrong = [s.port, s.udpport].find((port) => port > PORT_MAX);
  return wrong === undefined ? null : `ERROR: Invalid port number ${wrong}.`;
}
