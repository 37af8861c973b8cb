// stats settings (memcached.c: process_stat_settings).
import { itemStatsSizesStatus } from './item_sizes';
import type { AddStat } from './memcached.h';
import { protText, settings } from './settings';

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

// memcached.c: process_stat_settings
export function processStatSettings(add: AddStat): void {
  const s = settings;
  add('maxbytes', s.maxbytes);
  add('maxconns', s.maxconns);
  add('tcpport', s.port);
  add('udpport', s.udpport);
  add('inter', s.inter ?? 'NULL');
  add('verbosity', s.verbose);
  add('oldest', s.oldestLive);
  add('evictions', s.evictToFree === 0 ? 'off' : 'on');
  add('domain_socket', s.socketpath ?? 'NULL');
  add('umask', s.access.toString(8));
  add('shutdown_command', yesNo(s.shutdownCommand));
  add('growth_factor', s.factor.toFixed(2));
  add('chunk_size', s.chunkSize);
  add('num_threads', s.numThreads);
  add('num_threads_per_udp', s.numThreadsPerUdp);
  add('stat_key_prefix', String.fromCharCode(s.prefixDelimiter));
  add('detail_enabled', yesNo(s.detailEnabled !== 0));
  add('reqs_per_event', s.reqsPerEvent);
  add('cas_enabled', yesNo(s.useCas));
  add('tcp_backlog', s.backlog);
  add('binding_protocol', protText(s.bindingProtocol));
  add('auth_enabled_sasl', yesNo(s.sasl));
  add('auth_enabled_ascii', s.authFile ?? 'no');
  add('item_size_max', s.itemSizeMax);
  add('maxconns_fast', yesNo(s.maxconnsFast));
  add('hashpower_init', s.hashpowerInit);
  add('slab_reassign', yesNo(s.slabReassign));
  add('slab_automove', s.slabAutomove);
  add('slab_automove_ratio', s.slabAutomoveRatio.toFixed(2));
  add('slab_automove_window', s.slabAutomoveWindow);
  add('slab_chunk_max', s.slabChunkSizeMax);
  add('lru_crawler', yesNo(s.lruCrawler));
  add('lru_crawler_sleep', s.lruCrawlerSleep);
  add('lru_crawler_tocrawl', s.lruCrawlerTocrawl);
  add('tail_repair_time', s.tailRepairTime);
  add('flush_enabled', yesNo(s.flushEnabled));
  add('dump_enabled', yesNo(s.dumpEnabled));
  add('hash_algorithm', s.hashAlgorithm);
  add('lru_maintainer_thread', yesNo(s.lruMaintainerThread));
  add('lru_segmented', yesNo(s.lruSegmented));
  add('hot_lru_pct', s.hotLruPct);
  add('warm_lru_pct', s.warmLruPct);
  add('hot_max_factor', s.hotMaxFactor.toFixed(2));
  add('warm_max_factor', s.warmMaxFactor.toFixed(2));
  add('temp_lru', yesNo(s.tempLru));
  add('temporary_ttl', s.temporaryTtl);
  add('idle_timeout', s.idleTimeout);
  add('watcher_logbuf_size', s.loggerWatcherBufSize);
  add('worker_logbuf_size', s.loggerBufSize);
  add('read_buf_mem_limit', s.readBufMemLimit);
  add('track_sizes', yesNo(itemStatsSizesStatus()));
  add('inline_ascii_response', 'no'); // C lists it, though nothing sets it
  add('num_napi_ids', 0);
  add('memory_file', s.memoryFile ?? '(null)');
  add('client_flags_size', 4);
}
