// stats in the binary protocol: a packet for each stat, then an empty packet (proto_bin.c: process_bin_stat;
// memcached.c: append_bin_stats).
import type { Conn } from '../memcached.h';
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL, free, malloc } from '../libc/memory';
import { Status, HEADER_BYTES, RESPONSE, fail } from './binreply';
import type { AddStat } from './memcached.h';
import { settings } from './settings';
import { getStats, serverStats, statsReset } from './stats';
import { StatsPrefixDump } from './stats_prefix';
import { processStatSettings } from './stats_settings';
import { sendText } from './transmit';

/** Memory for one part of the dump. */
const SCRATCH_BYTES = 16 * 1024;
const NO_MEMORY = 'Out of memory generating stats';

// proto_bin.c: process_bin_stat
/** The request's key names the stats, or is empty. reset, settings and detail are compared as prefixes. */
export function processBinStat(c: Conn, key: Ptr, nkey: number): void {
  const asked = latin1(key, nkey);
  if (asked === '') {
    answer(c, (add) => {
      serverStats(add);
      getStats('', add);
    });
  } else if (asked.startsWith('reset')) {
    statsReset();
    answer(c, () => {});
  } else if (asked.startsWith('settings')) {
    answer(c, processStatSettings);
  } else if (asked.startsWith('detail')) {
    processBinStatDetail(c, asked.slice('detail'.length));
  } else if (['items', 'slabs', 'sizes'].includes(asked)) {
    answer(c, (add) => getStats(asked, add));
  } else {
    fail(c, Status.keyEnoent);
  }
}

function processBinStatDetail(c: Conn, what: string): void {
  if (!settings.dumpEnabled) {
    fail(c, Status.keyEnoent);
  } else if (what.startsWith(' dump')) {
    const dump = prefixDump();
    if (dump === null) fail(c, Status.enomem, 0, NO_MEMORY);
    else answer(c, (add) => add('detailed', dump));
  } else if (what.startsWith(' on') || what.startsWith(' off')) {
    settings.detailEnabled = what.startsWith(' on') ? 1 : 0;
    answer(c, () => {});
  } else {
    fail(c, Status.keyEnoent);
  }
}

/** All of `stats detail dump`, which is one value here. null if there is no memory for it. */
function prefixDump(): string | null {
  const scratch = malloc(SCRATCH_BYTES);
  if (scratch === NULL) return null;
  const dump = new StatsPrefixDump();
  let text = '';
  for (let n = dump.next(scratch, SCRATCH_BYTES); n > 0; n = dump.next(scratch, SCRATCH_BYTES)) {
    text += latin1(scratch, n);
  }
  free(scratch);
  return `${text}END\r\n`;
}

/** Replies with a packet for each stat that `tell` adds, then an empty packet. */
function answer(c: Conn, tell: (add: AddStat) => void): void {
  let packets = '';
  tell((name, value) => {
    packets += packet(c, name, String(value));
  });
  if (!sendText(c, packets + packet(c, '', ''))) fail(c, Status.enomem, 0, NO_MEMORY);
}

// memcached.c: append_bin_stats
function packet(c: Conn, name: string, value: string): string {
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = RESPONSE;
  header[1] = c.opcode;
  header.writeUInt16BE(name.length, 2);
  header.writeUInt32BE(name.length + value.length, 8);
  header.writeInt32BE(c.opaque, 12);
  return header.toString('latin1') + name + value;
}

function latin1(p: Ptr, n: number): string {
  return Buffer.from(u8.buffer, u8.byteOffset + p, n).toString('latin1');
}
