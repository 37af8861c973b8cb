// The administration commands (proto_text.c: text_cmd_entries, and the functions there).
import type { Conn } from '../memcached.h';
import { ConnState, settings as machine } from '../memcached.h';
import { raise } from '../libc/signal';
import { fprintf, stderr } from '../libc/stdio';
import { realtime } from './clock';
import { processDebugitem, processDebugtime } from './debug';
import { flushAll, lruModeSet } from './items';
import { processLruCrawler } from './lru_crawler';
import { SHUTDOWN_CLOSE, threadStats } from './memcached.h';
import { settings } from './settings';
import { slabsAdjustMemLimit } from './slabs';
import { Reassign, slabsAutomoveSet, slabsReassign } from './slabs_mover';
import { abbreviates, ntokens, number, token, token32, tokenDouble, tokenU32 } from './tokens';
import { BAD_LINE, outString } from './transmit';

const MAX_VERBOSITY_LEVEL = 2;
const MEGABYTE = 1024 * 1024;
const MEMLIMIT_MIN_MEGABYTES = 8;
const MEMLIMIT_MAX_MEGABYTES = 1_000_000_000;
const HOT_AND_WARM_MAX_PERCENT = 80;
const AUTOMOVE_WINDOW_MIN = 3;
const AUTOMOVE_WINDOW_MAX = 1800;

// proto_text.c: process_flush_all_command
function processFlushAll(c: Conn): void {
  threadStats.flushCmds++;
  if (!settings.flushEnabled) {
    outString(c, 'CLIENT_ERROR flush_all not allowed');
    return;
  }
  let at = 0;
  if (ntokens !== (c.noreply ? 2 : 1)) {
    if (!token32(1)) {
      outString(c, 'CLIENT_ERROR invalid exptime argument');
      return;
    }
    if (number > 0) at = realtime(number);
  }
  flushAll(at);
  outString(c, 'OK');
}

// proto_text.c: process_verbosity_command
function processVerbosity(c: Conn): void {
  if (!tokenU32(1)) {
    outString(c, BAD_LINE);
    return;
  }
  settings.verbose = Math.min(number, MAX_VERBOSITY_LEVEL);
  machine.verbose = settings.verbose > 0;
  outString(c, 'OK');
}

// proto_text.c: process_memlimit_command
function processMemlimit(c: Conn): void {
  if (!tokenU32(1)) {
    outString(c, 'ERROR');
  } else if (number < MEMLIMIT_MIN_MEGABYTES) {
    outString(c, 'MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m');
  } else if (number > MEMLIMIT_MAX_MEGABYTES) {
    outString(c, 'MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes');
  } else if (!slabsAdjustMemLimit(number * MEGABYTE)) {
    outString(c, 'MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust');
  } else {
    if (settings.verbose > 0) fprintf(stderr, `maxbytes adjusted to ${number}m\n`);
    outString(c, 'OK');
  }
}

// proto_text.c: process_shutdown_command
function processShutdown(c: Conn): void {
  if (!settings.shutdownCommand) {
    outString(c, 'SERVER_ERROR: shutdown not enabled');
    return;
  }
  if (ntokens === 1) {
    raise('SIGINT');
  } else if (ntokens === 2 && token(1) === 'graceful') {
    raise('SIGUSR1');
  } else {
    outString(c, 'CLIENT_ERROR invalid shutdown mode');
    return;
  }
  c.closeReason = SHUTDOWN_CLOSE;
  c.state = ConnState.closing;
}

// proto_text.c: process_lru_command
function processLru(c: Conn): void {
  if (abbreviates(1, 'tune') && ntokens >= 6) {
    outString(c, tuneLru());
  } else if (abbreviates(1, 'mode') && ntokens >= 3 && settings.lruMaintainerThread) {
    const mode = token(2);
    if (mode === 'flat' || mode === 'segmented') {
      lruModeSet(mode === 'segmented');
      outString(c, 'OK');
    } else {
      outString(c, 'ERROR');
    }
  } else if (abbreviates(1, 'temp_ttl') && ntokens >= 3 && settings.lruMaintainerThread && token32(2)) {
    settings.tempLru = number >= 0;
    if (number >= 0) settings.temporaryTtl = number;
    outString(c, 'OK');
  } else {
    outString(c, 'ERROR');
  }
}

/** lru tune <percent hot> <percent warm> <max hot factor> <max warm factor>. Returns the reply. */
function tuneLru(): string {
  if (!tokenU32(2)) return 'ERROR';
  const hot = number;
  if (!tokenU32(3)) return 'ERROR';
  const warm = number;
  const hotFactor = tokenDouble(4), warmFactor = tokenDouble(5);
  if (hotFactor === null || warmFactor === null) return 'ERROR';
  if (hot + warm > HOT_AND_WARM_MAX_PERCENT) return 'ERROR hot and warm pcts must not exceed 80';
  if (hotFactor <= 0 || warmFactor <= 0) return 'ERROR hot/warm age factors must be greater than 0';
  settings.hotLruPct = hot;
  settings.warmLruPct = warm;
  settings.hotMaxFactor = hotFactor;
  settings.warmMaxFactor = warmFactor;
  return 'OK';
}

// proto_text.c: process_slabs_command
function processSlabs(c: Conn): void {
  if (ntokens === 4 && abbreviates(1, 'reassign')) {
    outString(c, reassign());
  } else if (ntokens >= 3 && abbreviates(1, 'automove')) {
    outString(c, automove());
  } else {
    outString(c, 'ERROR');
  }
}

/** slabs reassign <source> <destination>. Returns the reply. */
function reassign(): string {
  if (!settings.slabReassign) return 'CLIENT_ERROR slab reassignment disabled';
  if (!token32(2)) return BAD_LINE;
  const source = number;
  if (!token32(3)) return BAD_LINE;
  switch (slabsReassign(source, number, true)) {
    case Reassign.ok: return 'OK';
    case Reassign.running: return 'BUSY currently processing reassign request';
    case Reassign.badclass: return 'BADCLASS invalid src or dst class id';
    case Reassign.nospare: return 'NOSPARE source class has no spare pages';
    case Reassign.same: return 'SAME src and dst class are identical';
  }
}

// proto_text.c: process_slabs_automove_command
/** slabs automove <0|1|2>, or ratio, freeratio or window with a number. Returns the reply. */
function automove(): string {
  if (abbreviates(2, 'ratio') || abbreviates(2, 'freeratio')) {
    const ratio = tokenDouble(3);
    if (ratio === null) return 'ERROR';
    if (abbreviates(2, 'ratio')) settings.slabAutomoveRatio = ratio;
    else settings.slabAutomoveFreeratio = ratio;
    settings.slabAutomoveVersion++;
    return 'OK';
  }
  if (abbreviates(2, 'window')) {
    if (!tokenU32(3)) return BAD_LINE;
    if (number < AUTOMOVE_WINDOW_MIN || number > AUTOMOVE_WINDOW_MAX) {
      return 'CLIENT_ERROR automove window too low or too high';
    }
    settings.slabAutomoveWindow = number;
    settings.slabAutomoveVersion++;
    return 'OK';
  }
  if (!tokenU32(2)) return BAD_LINE;
  if (number > 2) return 'ERROR';
  slabsAutomoveSet(number);
  return 'OK';
}

/** Keyed by the first word of the line. The line is in the tokens. */
export const adminCommands: ReadonlyMap<string, (c: Conn) => void> = new Map([
  ['shutdown', processShutdown],
  ['slabs', processSlabs],
  ['cache_memlimit', processMemlimit],
  ['debugtime', processDebugtime],
  ['debugitem', processDebugitem],
  ['flush_all', processFlushAll],
  ['lru_crawler', processLruCrawler],
  ['verbosity', processVerbosity],
  ['lru', processLru],
]);
