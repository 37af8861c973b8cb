// The command lru_crawler (proto_text.c: process_lru_crawler_command; crawler.c: its metadump and mgdump).
import type { Conn } from '../memcached.h';
import { u8 } from '../libc/heap';
import type { Ptr } from '../libc/memory';
import { NULL } from '../libc/memory';
import { putNumber } from '../libc/number';
import { memcpy } from '../libc/string';
import { processStarted } from './clock';
import type { Classes } from './crawler';
import {
  BUCKETS_AT_ONCE, HashWalk, crawl, dumpEnded, dumpStarted, isGone, lrusOf, parseClasses, startItemCrawlerThread,
  stopItemCrawlerThread,
} from './crawler';
import {
  ITEM_FETCHED, ITEM_KEY_BINARY, IT_CAS_HI, IT_CAS_LO, IT_EXPTIME, IT_TIME, clientFlagsOf, clsidOf, field, itFlags,
  keyOf, nkeyOf, ntotalOf,
} from './memcached.h';
import { NOT_YET, putText, sendPieces } from './pieces';
import { settings } from './settings';
import { abbreviates, ntokens, number, token, tokenU32 } from './tokens';
import { BAD_LINE, outString } from './transmit';
import { put } from './u64';
import { putUriencoded } from './uriencode';

const BADCLASS = 'BADCLASS invalid class id';
const NOTSTARTED = 'NOTSTARTED no items to crawl';
const DISABLED = 'CLIENT_ERROR lru crawler disabled';
const SLEEP_MAX_US = 1_000_000;

// proto_text.c: process_lru_crawler_command
export function processLruCrawler(c: Conn): void {
  if (ntokens === 3 && abbreviates(1, 'crawl')) {
    outString(c, crawlClasses());
  } else if (ntokens === 3 && abbreviates(1, 'metadump')) {
    dump(c, 'metadump', metadump, 'END\r\n');
  } else if (ntokens === 3 && abbreviates(1, 'mgdump')) {
    dump(c, 'mgdump', mgdump, 'EN\r\n');
  } else if (ntokens === 3 && abbreviates(1, 'tocrawl')) {
    if (tokenU32(2)) settings.lruCrawlerTocrawl = number;
    outString(c, tokenU32(2) ? 'OK' : BAD_LINE);
  } else if (ntokens === 3 && abbreviates(1, 'sleep')) {
    outString(c, sleep());
  } else if (ntokens === 2 && abbreviates(1, 'enable')) {
    outString(c, startItemCrawlerThread() === 0 ? 'OK' : 'ERROR failed to start lru crawler thread');
  } else if (ntokens === 2 && abbreviates(1, 'disable')) {
    stopItemCrawlerThread();
    outString(c, 'OK');
  } else {
    outString(c, 'ERROR');
  }
}

/** Returns the reply. */
function sleep(): string {
  if (!tokenU32(2)) return BAD_LINE;
  if (number > SLEEP_MAX_US) return 'CLIENT_ERROR sleep must be one second or less';
  settings.lruCrawlerSleep = number;
  return 'OK';
}

/** Returns the reply. */
function crawlClasses(): string {
  if (!settings.lruCrawler) return DISABLED;
  if (token(2) === 'hash') return 'ERROR an unknown error happened';
  const classes = parseClasses(token(2));
  if (classes === null) return BADCLASS;
  if (!classes.includes(1)) return NOTSTARTED;
  return crawl(lrusOf(classes), settings.lruCrawlerTocrawl) ? 'OK' : 'BUSY currently processing crawler request';
}

type Line = (dst: Ptr, it: Ptr) => Ptr;
/** Maximum bytes of a line: a key of 250 bytes, all URI-encoded, and some numbers. */
const LINE_MAX_BYTES = 1024;

/** Lists the items of some classes, a line for each item. */
function dump(c: Conn, name: string, line: Line, end: string): void {
  if (!settings.lruCrawler) {
    outString(c, DISABLED);
    return;
  }
  if (!settings.dumpEnabled) {
    outString(c, `ERROR ${name === 'mgdump' ? 'key dump' : name} not allowed`);
    return;
  }
  // As in C, which would send the lines before the replies that it has queued.
  if (c.pipelined) {
    outString(c, `ERROR cannot pipeline other commands before ${name}`);
    return;
  }
  const classes = parseClasses(token(2) === 'hash' ? 'all' : token(2));
  if (classes === null || !classes.includes(1)) {
    outString(c, classes === null ? BADCLASS : NOTSTARTED);
    return;
  }
  const lines = new Dump(classes, line);
  dumpStarted();
  sendPieces(c, (dst, room) => lines.next(dst, room), end, dumpEnded);
}

class Dump {
  private readonly walk = new HashWalk();
  private begun = false;
  /** How many items of the bucket are already written. */
  private out = 0;

  constructor(private readonly classes: Classes, private readonly line: Line) {}

  /** A Fill of pieces.ts. */
  next(dst: Ptr, room: number): number {
    const { walk } = this;
    let p = this.begun ? dst : putText(dst, 'OK\r\n');
    const begin = p;
    this.begun = true;
    for (let n = 0; n < BUCKETS_AT_ONCE && !walk.over; n++) {
      const start = p;
      let i = 0;
      for (let it = walk.first(); it !== NULL; it = walk.next(it)) {
        if (i++ < this.out) continue;
        if (p + LINE_MAX_BYTES > dst + room) {
          if (start > begin) return start - dst; // the next piece has the whole bucket, as it is then
          this.out = i - 1;
          return p - dst;
        }
        if (this.classes[clsidOf(it)] !== 0 && !isGone(it)) p = this.line(p, it);
      }
      this.out = 0;
      walk.advance();
    }
    return p > dst || walk.over ? p - dst : NOT_YET;
  }
}

// crawler.c: crawler_metadump_eval
function metadump(dst: Ptr, it: Ptr): Ptr {
  const started = processStarted();
  const exptime = field(it, IT_EXPTIME);
  let p = putUriencoded(putText(dst, 'key='), keyOf(it), nkeyOf(it));
  p = putText(p, ' exp=');
  p = exptime === 0 ? putText(p, '-1') : putNumber(p, exptime + started);
  p = putNumber(putText(p, ' la='), field(it, IT_TIME) + started);
  p = put(putText(p, ' cas='), field(it, IT_CAS_HI) >>> 0, field(it, IT_CAS_LO) >>> 0);
  p = putText(p, (itFlags(it) & ITEM_FETCHED) === 0 ? ' fetch=no' : ' fetch=yes');
  p = putNumber(putText(p, ' cls='), clsidOf(it));
  p = putNumber(putText(p, ' size='), ntotalOf(it));
  p = putNumber(putText(p, ' flags='), clientFlagsOf(it));
  return putText(p, ' \n');
}

// crawler.c: crawler_mgdump_eval
function mgdump(dst: Ptr, it: Ptr): Ptr {
  const key = keyOf(it), nkey = nkeyOf(it);
  const p = putText(dst, 'mg ');
  if ((itFlags(it) & ITEM_KEY_BINARY) !== 0) {
    return putText(p, `${Buffer.from(u8.subarray(key, key + nkey)).toString('base64')} b\r\n`);
  }
  memcpy(p, key, nkey);
  return putText(p + nkey, '\r\n');
}
