// The statistics of memcached 1.6: the names that tools look for, in their order, and what they count.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Client } from './support/client';
import { startServer } from './support/server';
import { SMALL_MEMORY, SimServer } from './support/sim-server';
import type { Replies } from './support/replies';
import { backendsToTry } from './support/thorough';

const FLAT = ['-o', 'no_lru_crawler,no_lru_maintainer'];

async function serverWith(t: ExecutionContext, args: readonly string[] = []): Promise<SimServer> {
  const server = await SimServer.start(['-m', '8', ...args], { today: true, memory: SMALL_MEMORY, maxTurns: Infinity });
  t.teardown(() => server.stop());
  return server;
}

/** The lines of an answer: name and value. */
async function ask(peer: Replies, command: string): Promise<[name: string, value: string][]> {
  const text = await peer.ask(`${command}\r\n`, 'END\r\n');
  return text.split('\r\n').slice(0, -2).map((line) => {
    const [, name, value] = /^STAT (\S+) (.*)$/.exec(line) ?? ['', line, ''];
    return [name, value];
  });
}

async function figures(peer: Replies, command = 'stats'): Promise<Record<string, string>> {
  return Object.fromEntries(await ask(peer, command));
}

const GENERAL = `pid uptime time version libevent pointer_size rusage_user rusage_system max_connections
  curr_connections total_connections rejected_connections connection_structures response_obj_oom response_obj_count
  response_obj_bytes read_buf_count read_buf_bytes read_buf_bytes_free read_buf_oom reserved_fds cmd_get cmd_set
  cmd_flush cmd_touch cmd_meta get_hits get_misses get_expired get_flushed delete_misses delete_hits incr_misses
  incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits touch_misses store_too_large
  store_no_memory auth_cmds auth_errors bytes_read bytes_written limit_maxbytes accepting_conns listen_disabled_num
  time_in_listen_disabled_us threads conn_yields hash_power_level hash_bytes hash_is_expanding slab_reassign_rescues
  slab_reassign_chunk_rescues slab_reassign_inline_reclaim slab_reassign_busy_items slab_reassign_busy_deletes
  slab_reassign_busy_nomem slab_reassign_last_busy_status slab_reassign_running slabs_moved lru_crawler_running
  lru_crawler_starts lru_maintainer_juggles malloc_fails log_worker_dropped log_worker_written log_watcher_skipped
  log_watcher_sent log_watchers unexpected_napi_ids round_robin_fallback bytes curr_items total_items
  slab_global_page_pool expired_unfetched evicted_unfetched evicted_active evictions reclaimed crawler_reclaimed
  crawler_items_checked lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru direct_reclaims
  lru_bumps_dropped`.split(/\s+/);
const OF_CRAWLER_AND_MAINTAINER = `lru_crawler_running lru_crawler_starts lru_maintainer_juggles evicted_active
  moves_to_cold moves_to_warm moves_within_lru direct_reclaims lru_bumps_dropped`.split(/\s+/);

test.serial('stats has the names of memcached 1.6.45, in its order', async (t) => {
  const server = await serverWith(t);
  const lines = await ask(server.connectNow(), 'stats');
  t.deepEqual(lines.map(([name]) => name), GENERAL);
  for (const [name, value] of lines) {
    t.regex(value, {
      version: /^1\.6\.45$/, libevent: /^0\.7$/, pointer_size: /^32$/, rusage_user: /^\d+\.\d{6}$/,
      rusage_system: /^\d+\.\d{6}$/, slab_reassign_last_busy_status: /^none$/,
    }[name] ?? /^\d+$/, name);
  }
});

test.serial('without crawler and maintainer stats has 84 lines', async (t) => {
  const server = await serverWith(t, FLAT);
  const lines = await ask(server.connectNow(), 'stats');
  t.deepEqual(lines.map(([name]) => name), GENERAL.filter((name) => !OF_CRAWLER_AND_MAINTAINER.includes(name)));
  t.is(lines.length, 84);
});

test.serial('stats counts what commands do, until it is reset', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  const commands: [sends: string, ends: string, changes: Record<string, number>][] = [
    ['set a 0 0 1\r\n1\r\n', 'STORED\r\n', { cmd_set: 1, curr_items: 1, total_items: 1 }],
    ['get a b\r\n', 'END\r\n', { cmd_get: 2, get_hits: 1, get_misses: 1 }],
    ['incr a 1\r\n', '\r\n', { incr_hits: 1 }],
    ['incr b 1\r\n', '\r\n', { incr_misses: 1 }],
    ['decr a 1\r\n', '\r\n', { decr_hits: 1 }],
    ['decr b 1\r\n', '\r\n', { decr_misses: 1 }],
    ['touch a 0\r\n', 'TOUCHED\r\n', { cmd_touch: 1, touch_hits: 1 }],
    ['touch b 0\r\n', 'NOT_FOUND\r\n', { cmd_touch: 1, touch_misses: 1 }],
    ['cas a 0 0 1 99\r\n1\r\n', 'EXISTS\r\n', { cmd_set: 1, cas_badval: 1 }],
    ['cas b 0 0 1 99\r\n1\r\n', 'NOT_FOUND\r\n', { cmd_set: 1, cas_misses: 1 }],
    ['set big 0 0 2000000\r\n' + 'x'.repeat(2_000_000) + '\r\n', 'cache\r\n', { store_too_large: 1 }],
    ['delete b\r\n', 'NOT_FOUND\r\n', { delete_misses: 1 }],
    ['delete a\r\n', 'DELETED\r\n', { delete_hits: 1, curr_items: -1 }],
    ['flush_all\r\n', 'OK\r\n', { cmd_flush: 1 }],
  ];
  const passing = /^(uptime|time|rusage_.*|bytes.*|read_buf_.*|conn_yields|hash_.*|direct_reclaims)$/;
  for (const [sends, ends, changes] of commands) {
    const before = await figures(peer);
    await peer.ask(sends, ends);
    const after = await figures(peer);
    const changed = Object.keys(after).filter((name) => after[name] !== before[name] && !passing.test(name));
    t.deepEqual(Object.fromEntries(changed.map((name) => [name, Number(after[name]) - Number(before[name])])), changes,
      sends.slice(0, 40));
  }
  t.is(await peer.ask('stats reset\r\n'), 'RESET\r\n');
  const after = await figures(peer);
  for (const [, , changes] of commands) {
    for (const name of Object.keys(changes)) t.is(after[name], '0', name);
  }
  t.is(after.limit_maxbytes, String(8 * 1024 * 1024));
});

test.serial('uptime and time advance with the clock', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  const before = await figures(peer);
  await server.sim.advance(10);
  const after = await figures(peer);
  t.is(Number(after.uptime) - Number(before.uptime), 10);
  t.is(Number(after.time) - Number(before.time), 10);
});

const SETTINGS = `maxbytes maxconns tcpport udpport inter verbosity oldest evictions domain_socket umask
  shutdown_command growth_factor chunk_size num_threads num_threads_per_udp stat_key_prefix detail_enabled
  reqs_per_event cas_enabled tcp_backlog binding_protocol auth_enabled_sasl auth_enabled_ascii item_size_max
  maxconns_fast hashpower_init slab_reassign slab_automove slab_automove_ratio slab_automove_window slab_chunk_max
  lru_crawler lru_crawler_sleep lru_crawler_tocrawl tail_repair_time flush_enabled dump_enabled hash_algorithm
  lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct hot_max_factor warm_max_factor temp_lru temporary_ttl
  idle_timeout watcher_logbuf_size worker_logbuf_size read_buf_mem_limit track_sizes inline_ascii_response
  num_napi_ids memory_file client_flags_size`.split(/\s+/);

test.serial('stats settings has the names of memcached 1.6.45, and the values of the command line', async (t) => {
  const server = await serverWith(t, ['-c', '77', '-C', '-R', '5', '-f', '1.5', '-A', '-F', '-o', 'hot_lru_pct=30']);
  const peer = server.connectNow();
  t.deepEqual((await ask(peer, 'stats settings')).map(([name]) => name), SETTINGS);
  t.like(await figures(peer, 'stats se'), {
    maxbytes: '8388608', maxconns: '77', cas_enabled: 'no', reqs_per_event: '5', growth_factor: '1.50', umask: '700',
    shutdown_command: 'yes', flush_enabled: 'no', hot_lru_pct: '30', stat_key_prefix: ':', memory_file: '(null)',
    lru_crawler: 'yes', slab_automove_ratio: '0.80', inter: 'NULL', domain_socket: 'NULL',
  });
});

test.serial('stats items and stats slabs show the classes that have items', async (t) => {
  const server = await serverWith(t, FLAT);
  const peer = server.connectNow();
  t.deepEqual(await ask(peer, 'stats items'), []);
  t.deepEqual(await ask(peer, 'stats slabs'), [['active_slabs', '0'], ['total_malloced', '0']]);
  await peer.ask('set a 0 0 1\r\n1\r\nset b 0 0 600\r\n' + 'x'.repeat(600) + '\r\nget a b\r\n', 'END\r\n');
  const items = await ask(peer, 'stats items  ');
  t.deepEqual(items.map(([name]) => name).filter((name) => name.startsWith('items:1:')), `number age mem_requested
    evicted evicted_nonzero evicted_time outofmemory tailrepairs reclaimed expired_unfetched evicted_unfetched
    crawler_reclaimed crawler_items_checked lrutail_reflocked`.split(/\s+/).map((name) => `items:1:${name}`));
  t.like(Object.fromEntries(items), { 'items:1:number': '1', 'items:10:number': '1' });
  const slabs = await ask(peer, 'stats slabs');
  t.deepEqual(slabs.map(([name]) => name).filter((name) => name.startsWith('1:')), `chunk_size chunks_per_page
    total_pages total_chunks used_chunks free_chunks free_chunks_end get_hits cmd_set delete_hits incr_hits decr_hits
    cas_hits cas_badval touch_hits`.split(/\s+/).map((name) => `1:${name}`));
  t.like(Object.fromEntries(slabs), {
    '1:chunk_size': '96', '1:chunks_per_page': '10922', '1:total_pages': '1', '1:used_chunks': '1', '1:get_hits': '1',
    '1:cmd_set': '1', '10:get_hits': '1', active_slabs: '2', total_malloced: '2097152',
  });
});

test.serial('stats cachedump lists the keys of a class, and reports what is wrong with a line', async (t) => {
  const server = await serverWith(t, FLAT);
  const peer = server.connectNow();
  await peer.ask('set a 0 0 1\r\n1\r\nset bb 0 100 3\r\n123\r\nversion\r\n', '1.6.45\r\n');
  const time = Number((await figures(peer)).time);
  const a = 'ITEM a [1 b; 0 s]\r\n', bb = `ITEM bb [3 b; ${time + 100} s]\r\n`;
  t.is(await peer.ask('stats cachedump 1 0\r\n', 'END\r\n'), `${bb}${a}END\r\n`);
  t.is(await peer.ask('stats cachedump 1 1\r\n', 'END\r\n'), `${bb}END\r\n`);
  t.is(await peer.ask('stats cachedump 2 0\r\n', 'END\r\n'), 'END\r\n');
  t.is(await peer.ask('stats cachedump 1\r\n'), 'CLIENT_ERROR bad command line\r\n');
  t.is(await peer.ask('stats cachedump 1 x\r\n'), 'CLIENT_ERROR bad command line format\r\n');
  t.is(await peer.ask('stats cachedump 64 0\r\n'), 'CLIENT_ERROR Illegal slab id\r\n');
});

test.serial('stats sizes is disabled without -o track_sizes', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  t.deepEqual(await ask(peer, 'stats sizes'), [['sizes_status', 'disabled']]);
  t.is(await peer.ask('stats sizes_enable\r\n'), 'ERROR\r\n');
});

test.serial('stats detail counts by prefix, while it is on', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  const dump = async (): Promise<string[]> => {
    return (await peer.ask('stats detail dump\r\n', 'END\r\n')).split('\r\n').slice(0, -2).sort();
  };
  await peer.ask('set foo:1 0 0 1\r\n1\r\n');
  t.deepEqual(await dump(), []);
  t.is(await peer.ask('stats detail on\r\n'), 'OK\r\n');
  await peer.ask('set foo:1 0 0 1\r\n1\r\nset bar:1 0 0 1\r\n1\r\nset fo:x:y 0 0 1\r\n1\r\nset none 0 0 1\r\n1\r\n' +
    'get foo:1 foo:2 none\r\ndelete foo:9\r\n', 'NOT_FOUND\r\n');
  const counted = ['PREFIX bar get 0 hit 0 set 1 del 0', 'PREFIX fo get 0 hit 0 set 1 del 0',
    'PREFIX foo get 2 hit 1 set 1 del 1'];
  t.deepEqual(await dump(), counted);
  t.is(await peer.ask('stats detail off\r\n'), 'OK\r\n');
  await peer.ask('get foo:1\r\n', 'END\r\n');
  t.deepEqual(await dump(), counted);
  t.is(await peer.ask('stats detail\r\n'), 'CLIENT_ERROR usage: stats detail on|off|dump\r\n');
  await peer.ask('stats reset\r\n');
  t.deepEqual(await dump(), []);
});

test.serial('with -D another byte ends the prefix, and counting is on from the start; with -X dumps are refused', async (t) => {
  const server = await serverWith(t, ['-D', '/', '-X']);
  const peer = server.connectNow();
  t.like(await figures(peer, 'stats settings'), { detail_enabled: 'yes', stat_key_prefix: '/', dump_enabled: 'no' });
  t.is(await peer.ask('stats detail dump\r\n'), 'CLIENT_ERROR stats detail not allowed\r\n');
  t.is(await peer.ask('stats cachedump 1 0\r\n'), 'CLIENT_ERROR stats cachedump not allowed\r\n');
});

test.serial("stats detail dump works even if its output is larger than the server's memory for buffers", async (t) => {
  const MIB = 1 << 20;
  const server = await SimServer.start(['-D', ':'], { today: true, memory: [MIB, MIB, 10 * MIB], maxTurns: Infinity });
  t.teardown(() => server.stop());
  const peer = server.connectNow();
  peer.send(Array.from({ length: 30_000 }, (_, i) => `get prefix${i}:key\r\n`).join('') + 'version\r\n');
  await peer.ask('', '1.6.45\r\n');
  const text = await peer.ask('stats detail dump\r\n', '\r\nEND\r\n');
  t.is(text.match(/^PREFIX prefix\d+ get 1 hit 0 set 0 del 0\r$/gm)?.length, 30_000);
});

test.serial('an unknown subcommand is an ERROR', async (t) => {
  const server = await serverWith(t);
  const peer = server.connectNow();
  for (const word of ['foo', 'item', 'itemsx', 'settingsx', 'noreply']) {
    t.is(await peer.ask(`stats ${word}\r\n`), 'ERROR\r\n', word);
  }
});

for (const backend of backendsToTry) {
  test(`${backend}: stats conns shows addresses and states`, async (t) => {
    const server = await startServer({ backend, today: true });
    t.teardown(() => server.stop());
    const storing = await Client.connect(server.port);
    const asking = await Client.connect(server.port);
    const idle = await Client.connect(server.port);
    await idle.ask('version\r\n');
    await storing.ask('version\r\nset foo 0 0 6\r\n');
    const lines = await ask(asking, 'stats conns');
    const local = `tcp:127.0.0.1:${server.port}`;
    const addresses = lines.filter(([name]) => name.endsWith(':addr')).map(([, value]) => value);
    const clients = [storing, asking, idle].map(({ socket }) => `tcp:127.0.0.1:${socket.localPort}`);
    t.deepEqual([...addresses].sort(), [local, ...clients].sort());
    const states = lines.filter(([name]) => name.endsWith(':state')).map(([, value]) => value);
    t.deepEqual([...states].sort(), ['conn_listening', 'conn_nread', 'conn_parse_cmd', 'conn_read']);
    t.is(lines.filter(([name, value]) => name.endsWith(':listen_addr') && value === local).length, 3);
    for (const client of [storing, asking, idle]) client.destroy();
  });
}
