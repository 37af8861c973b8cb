// stats, and its subcommands (memcached.c: process_stat, server_stats; proto_text.c: process_stat).
import type { Conn } from '../memcached.h';
import { stats } from '../memcached.h';
import { processStarted, currentTime } from './clock';
import { VERSION } from './memcached.h';
import { writeAndFree } from './transmit';

export function processStat(c: Conn): void {
  writeAndFree(c, `STAT version ${VERSION}\r\nSTAT time ${processStarted() + currentTime}\r\n` +
    `STAT curr_connections ${stats.currConns - 1}\r\nEND\r\n`);
}
