// stats, and its subcommands (memcached.c: server_stats, get_stats, stats_reset; proto_text.c: process_stat).
import type { Conn } from '../memcached.h';
import { ConnState, stats } from '../memcached.h';
import { NULL } from '../libc/memory';
import { getpid } from '../libc/unistd';
import { assocHashBytes, assocHashPower, assocIsExpanding } from './assoc';
import { UPTIME_OFFSET, currentTime, processStarted } from './clock';
import { openConns, udpRequests } from './conns';
import { itemStatsTotals } from './item_stats';
import { itemStatsReset } from './lru';
import type { AddStat } from './memcached.h';
import {
  MAX_NUMBER_OF_SLAB_CLASSES, lruHits, resettable, slabStats, statsState, threadStats,
} from './memcached.h';
import { sendPieces } from './pieces';
import { VERSION, settings } from './settings';
import { SLAB_GLOBAL_PAGE_POOL, slabsPageCount } from './slabs';
import { processStatsConns } from './stats_conns';
import { allItemsStats, allSizesStats, allSlabsStats, cachedump } from './stats_items';
import { StatsPrefixDump, statsPrefixClear } from './stats_prefix';
import { processStatSettings } from './stats_settings';
import { abbreviates, ntokens, number, token, tokenU32 } from './tokens';
import { outErrstring, outString, writeAndFree } from './transmit';

const BAD_LINE = 'CLIENT_ERROR bad command line';
/** The version that reactor/ ports. */
const LIBEVENT = '0.7';
/** As in a 32-bit build of C. */
const POINTER_BITS = 32;
const MICROSECONDS = 1_000_000;

/** Formats microseconds as `seconds.microseconds`. */
function rusage(us: number): string {
  return `${Math.floor(us / MICROSECONDS)}.${String(us % MICROSECONDS).padStart(6, '0')}`;
}

function sum(counts: Float64Array): number {
  return counts.reduce((total, count) => total + count, 0);
}

// memcached.c: server_stats
export function serverStats(add: AddStat): void {
  const usage = process.resourceUsage();
  const buffers = openConns().filter((c) => c.rbuf !== NULL).map((c) => c.rsize);
  const t = threadStats;
  add('pid', getpid());
  add('uptime', currentTime - UPTIME_OFFSET);
  add('time', currentTime + processStarted());
  add('version', VERSION);
  add('libevent', LIBEVENT);
  add('pointer_size', POINTER_BITS);
  add('rusage_user', rusage(usage.userCPUTime));
  add('rusage_system', rusage(usage.systemCPUTime));
  add('max_connections', settings.maxconns);
  add('curr_connections', stats.currConns - udpRequests() - 1); // without the listening one
  add('total_connections', stats.totalConns);
  if (settings.maxconnsFast) add('rejected_connections', resettable.rejectedConns);
  add('connection_structures', stats.connStructs);
  // C allocates an object for each answer; here a connection has one answer at a time, in its own fields.
  add('response_obj_oom', 0);
  add('response_obj_count', 0);
  add('response_obj_bytes', 0);
  add('read_buf_count', buffers.length);
  add('read_buf_bytes', buffers.reduce((total, bytes) => total + bytes, 0));
  add('read_buf_bytes_free', 0); // a buffer that is not in use is freed
  add('read_buf_oom', t.readBufOom);
  add('reserved_fds', 0); // C's threads reserve them
  add('cmd_get', t.getCmds);
  add('cmd_set', sum(slabStats.setCmds));
  add('cmd_flush', t.flushCmds);
  add('cmd_touch', t.touchCmds);
  add('cmd_meta', t.metaCmds);
  add('get_hits', sum(lruHits));
  add('get_misses', t.getMisses);
  add('get_expired', t.getExpired);
  add('get_flushed', t.getFlushed);
  add('delete_misses', t.deleteMisses);
  add('delete_hits', sum(slabStats.deleteHits));
  add('incr_misses', t.incrMisses);
  add('incr_hits', sum(slabStats.incrHits));
  add('decr_misses', t.decrMisses);
  add('decr_hits', sum(slabStats.decrHits));
  add('cas_misses', t.casMisses);
  add('cas_hits', sum(slabStats.casHits));
  add('cas_badval', sum(slabStats.casBadval));
  add('touch_hits', sum(slabStats.touchHits));
  add('touch_misses', t.touchMisses);
  add('store_too_large', t.storeTooLarge);
  add('store_no_memory', t.storeNoMemory);
  add('auth_cmds', t.authCmds);
  add('auth_errors', t.authErrors);
  if (settings.idleTimeout !== 0) add('idle_kicks', t.idleKicks);
  add('bytes_read', stats.bytesRead);
  add('bytes_written', stats.bytesWritten);
  add('limit_maxbytes', settings.maxbytes);
  add('accepting_conns', Number(statsState.acceptingConns));
  add('listen_disabled_num', resettable.listenDisabledNum);
  add('time_in_listen_disabled_us', resettable.timeInListenDisabledUs);
  add('threads', settings.numThreads);
  add('conn_yields', stats.connYields);
  add('hash_power_level', assocHashPower());
  add('hash_bytes', assocHashBytes());
  add('hash_is_expanding', Number(assocIsExpanding()));
  backgroundStats(add);
}

/** The part of server_stats about work that goes on between commands. */
function backgroundStats(add: AddStat): void {
  const r = resettable;
  if (settings.slabReassign) {
    add('slab_reassign_rescues', r.slabReassignRescues);
    add('slab_reassign_chunk_rescues', r.slabReassignChunkRescues);
    add('slab_reassign_inline_reclaim', r.slabReassignInlineReclaim);
    add('slab_reassign_busy_items', r.slabReassignBusyItems);
    add('slab_reassign_busy_deletes', 0); // the mover copies a held item, whatever its size
    add('slab_reassign_busy_nomem', r.slabReassignBusyNomem);
    add('slab_reassign_last_busy_status', r.slabReassignLastBusyStatus);
    add('slab_reassign_running', Number(statsState.slabReassignRunning));
    add('slabs_moved', r.slabsMoved);
  }
  if (settings.lruCrawler) {
    add('lru_crawler_running', Number(statsState.lruCrawlerRunning));
    add('lru_crawler_starts', r.lruCrawlerStarts);
  }
  if (settings.lruMaintainerThread) add('lru_maintainer_juggles', r.lruMaintainerJuggles);
  add('malloc_fails', r.mallocFails);
  add('log_worker_dropped', r.logWorkerDropped);
  add('log_worker_written', r.logWorkerWritten);
  add('log_watcher_skipped', r.logWatcherSkipped);
  add('log_watcher_sent', r.logWatcherSent);
  add('log_watchers', statsState.logWatchers);
  // C counts these when it picks a thread by network card.
  add('unexpected_napi_ids', 0);
  add('round_robin_fallback', 0);
}

// memcached.c: get_stats
/** Statistics of items: the general ones for ''. False if `statType` is unknown. */
export function getStats(statType: string, add: AddStat): boolean {
  switch (statType) {
    case '':
      add('bytes', statsState.currBytes);
      add('curr_items', statsState.currItems);
      add('total_items', resettable.totalItems);
      add('slab_global_page_pool', slabsPageCount(SLAB_GLOBAL_PAGE_POOL));
      itemStatsTotals(add);
      return true;
    case 'items': allItemsStats(add); return true;
    case 'slabs': allSlabsStats(add); return true;
    case 'sizes': allSizesStats(add); return true;
    default: return false;
  }
}

const noThreadStats = { ...threadStats };
const nothing = { ...resettable };

// memcached.c: stats_reset; thread.c: threadlocal_stats_reset
export function statsReset(): void {
  Object.assign(resettable, nothing);
  Object.assign(threadStats, noThreadStats);
  for (const counts of Object.values(slabStats)) counts.fill(0);
  lruHits.fill(0);
  stats.totalConns = stats.bytesRead = stats.bytesWritten = stats.connYields = 0;
  statsPrefixClear();
  itemStatsReset();
}

/** Answers with the lines that `tell` adds, and END. */
function answer(c: Conn, tell: (add: AddStat) => void): void {
  let text = '';
  tell((name, value) => {
    text += `STAT ${name} ${value}\r\n`;
  });
  writeAndFree(c, text + 'END\r\n');
}

// proto_text.c: process_stat
/** The tokens hold the line. As in C, a subcommand may be abbreviated: `stats se`. */
export function processStat(c: Conn): void {
  if (ntokens === 1) {
    answer(c, (add) => {
      serverStats(add);
      getStats('', add);
    });
  } else if (abbreviates(1, 'reset')) {
    statsReset();
    outString(c, 'RESET');
  } else if (abbreviates(1, 'detail')) {
    if (settings.dumpEnabled) processStatsDetail(c);
    else outString(c, 'CLIENT_ERROR stats detail not allowed');
  } else if (abbreviates(1, 'settings')) {
    answer(c, processStatSettings);
  } else if (abbreviates(1, 'cachedump')) {
    processCachedump(c);
  } else if (abbreviates(1, 'conns')) {
    answer(c, (add) => processStatsConns(c, add));
  } else {
    const subcommand = token(1);
    if (['items', 'slabs', 'sizes'].includes(subcommand)) answer(c, (add) => getStats(subcommand, add));
    else outString(c, 'ERROR');
  }
}

// proto_text.c: process_stats_detail
function processStatsDetail(c: Conn): void {
  if (abbreviates(2, 'on')) {
    settings.detailEnabled = 1;
    outString(c, 'OK');
  } else if (abbreviates(2, 'off')) {
    settings.detailEnabled = 0;
    outString(c, 'OK');
  } else if (abbreviates(2, 'dump')) {
    const dump = new StatsPrefixDump();
    sendPieces(c, (dst, room) => dump.next(dst, room), 'END\r\n');
  } else {
    outString(c, 'CLIENT_ERROR usage: stats detail on|off|dump');
  }
}

function processCachedump(c: Conn): void {
  if (!settings.dumpEnabled) {
    outString(c, 'CLIENT_ERROR stats cachedump not allowed');
    return;
  }
  if (ntokens < 4) {
    outString(c, BAD_LINE);
    return;
  }
  if (!tokenU32(2)) {
    outString(c, `${BAD_LINE} format`);
    return;
  }
  const id = number;
  if (!tokenU32(3)) {
    outString(c, `${BAD_LINE} format`);
    return;
  }
  if (id >= MAX_NUMBER_OF_SLAB_CLASSES) {
    outString(c, 'CLIENT_ERROR Illegal slab id');
    return;
  }
  const { start, bytes } = cachedump(id, number);
  if (start === NULL) {
    outErrstring(c, 'SERVER_ERROR out of memory writing stats');
    return;
  }
  c.writeAndFree = c.wcurr = start;
  c.wbytes = bytes;
  c.state = ConnState.write;
  c.writeAndGo = ConnState.read;
}
