// memcached.c: the connections and their state machine, the commands, and main. In C's order, function for function.
import { EV_PERSIST, EV_READ, EV_WRITE, Event } from '../reactor/event.h';
import { eventAdd, eventDel, eventInit, eventLoop, eventSet } from '../reactor/event';
import { evtimerAdd, evtimerDel, evtimerSet } from '../reactor/evtimer';
import { EAGAIN, EWOULDBLOCK, errno } from '../reactor/errno.h';
import type { Linger, SockaddrIn } from '../reactor/socket.h';
import {
  AF_INET, F_GETFL, F_SETFL, INADDR_ANY, IPPROTO_TCP, O_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, SO_LINGER,
  SO_REUSEADDR, TCP_NODELAY,
} from '../reactor/socket.h';
import { accept, bind, close, fcntl, listen, setsockopt, socket } from '../reactor/syscalls';
import type { Timeval } from '../reactor/time';
import type { Item, Protocol } from './memcached.h';
import {
  Conn, ConnState, DATA_BUFFER_SIZE, ITEM_DELETED, NREAD_ADD, NREAD_REPLACE, NREAD_SET, PACKAGE, SIZEOF_CONN, VERSION,
  debugConn, debugEvent, debugState, item, itemAt, settings, stats,
} from './memcached.h';
import {
  KEY_MAX_LENGTH, READ_BUFFER_HIGHWAT, acceptFailed, acceptNewConns, accepted, acceptsWith, answerDelete, badLength,
  boundPort, endDelete, forget, freeBuffers, guarded, isBlank, keyTooLong, lineTooLong, megabytes, readFailed,
  refuseDelete, refuseGet, reportLock, shows, swallowRefused, yieldsTurn,
} from './later';
import { JSLD, JSLG, JSLI, Judy } from './assoc';
import {
  itemAlloc, itemCachedump, itemFree, itemInit, itemLink, itemRemove, itemReplace, itemStats, itemStatsSizes,
  itemUnlink, itemUpdate,
} from './items';
import { slabsInit, slabsStats } from './slabs';
import { inetAton } from './libc/arpa_inet';
import { daemon } from './libc/daemon';
import * as file from './libc/file';
import { getopt, optarg, optopt } from './libc/getopt';
import type { Ptr } from './libc/memory';
import { u32, u8 } from './libc/heap';
import { NULL, bss, free, mallinfo, malloc, realloc } from './libc/memory';
import { mlockall } from './libc/mman';
import { packageFile } from './libc/package';
import type { Ref } from './libc/stdio';
import { atoi, fprintf, perror, printf, sprintf, sscanf, stderr } from './libc/stdio';
import { exit, strtonum } from './libc/stdlib';
import type { CString } from './libc/string';
import { memchr, memcpy, memmove, memset, strcat, strcmp, strcpy, strlen, strncmp } from './libc/string';
import { time } from './libc/time';
import { getpid, read, write } from './libc/unistd';

let todelete: Ptr = NULL; // an item **
let delcurr = 0;
let deltotal = 0;

/** Associative array, in Judy's place. */
let PJSLArray: Judy;

// memcached.c: assoc_init
export function assocInit(): void {
  PJSLArray = new Judy();
  return;
}

// memcached.c: assoc_find
export function assocFind(key: Ptr): Item | null {
  const PValue = JSLG(PJSLArray, key);
  if (PValue) {
    return item(PJSLArray.value(PValue));
  } else return null;
}

// memcached.c: assoc_insert
export function assocInsert(key: Ptr, value: Item): number {
  const PValue = JSLI(PJSLArray, key);
  if (PValue) {
    PJSLArray.setValue(PValue, value.ptr);
    return 1;
  } else return 0;
}

// memcached.c: assoc_delete
export function assocDelete(key: Ptr): void {
  JSLD(PJSLArray, key);
  return;
}

// memcached.c: stats_init
export function statsInit(): void {
  stats.currItems = stats.totalItems = stats.currConns = stats.totalConns = stats.connStructs = 0;
  stats.getCmds = stats.setCmds = stats.getHits = stats.getMisses = 0;
  stats.currBytes = stats.bytesRead = stats.bytesWritten = 0;
  stats.started = time();
}

// memcached.c: stats_reset
function statsReset(): void {
  stats.totalItems = stats.totalConns = 0;
  stats.getCmds = stats.setCmds = stats.getHits = stats.getMisses = 0;
  stats.bytesRead = stats.bytesWritten = 0;
}

// memcached.c: settings_init
function settingsInit(): void {
  settings.port = 11211;
  settings.interface.sAddr = INADDR_ANY;
  settings.maxbytes = 64 * 1024 * 1024; // default is 64MB
  settings.maxconns = 1024; // to limit connections-related memory to about 5MB
  settings.verbose = false;
}

let freeconns: Ptr = NULL; // a conn **
let freetotal = 0;
let freecurr = 0;

// memcached.c: conn_init
export function connInit(): void {
  freetotal = 200;
  freecurr = 0;
  freeconns = malloc(4 * freetotal);
  return;
}

// memcached.c: conn_new
/** A connection on `sfd`, waiting for `eventFlags`; null when there is no memory or the event cannot be added. */
export function connNew(sfd: number, initState: ConnState, eventFlags: number): Conn | null {
  let c: Conn;

  // Do we have a free conn structure from a previous close?
  if (freecurr > 0) {
    c = Conn.at(u32[(freeconns + 4 * --freecurr) >>> 2]);
  } else { // allocate a new one
    let p: Ptr;
    if (!(p = malloc(SIZEOF_CONN))) {
      perror('malloc()');
      return null;
    }
    c = new Conn(p);
    c.rbuf = c.wbuf = NULL;
    c.ilist = NULL;

    c.rbuf = malloc(DATA_BUFFER_SIZE);
    c.wbuf = malloc(DATA_BUFFER_SIZE);
    c.ilist = malloc(4 * 200);

    if (c.rbuf === NULL || c.wbuf === NULL || c.ilist === NULL) {
      if (c.rbuf !== NULL) free(c.rbuf);
      if (c.wbuf !== NULL) free(c.wbuf);
      if (c.ilist !== NULL) free(c.ilist);
      free(c.ptr);
      perror('malloc()');
      return null;
    }
    c.rsize = c.wsize = DATA_BUFFER_SIZE;
    c.isize = 200;
    stats.connStructs++;
  }

  c.sfd = sfd;
  c.state = initState;
  c.rlbytes = 0;
  c.rbytes = c.wbytes = 0;
  c.wcurr = c.wbuf;
  c.rcurr = c.rbuf;
  c.icurr = c.ilist;
  c.ileft = 0;
  c.iptr = c.ibuf;
  c.ibytes = 0;

  c.writeAndGo = ConnState.read;
  c.writeAndFree = NULL;
  c.item = null;
  c.protocol = classic; // SEAM

  eventSet(c.event, sfd, eventFlags, eventHandler, c);
  c.evFlags = eventFlags;

  if (eventAdd(c.event, null) === -1) {
    forget(c); // DEVIATION: a connection that cannot be waited for leaves nothing behind [1.2.0]
    free(c.ptr);
    return null;
  }

  stats.currConns++;
  stats.totalConns++;
  debugConn('%d: new connection', sfd);

  return c;
}

// memcached.c: conn_close
export function connClose(c: Conn): void {
  debugConn('%d: closed', c.sfd);
  c.protocol.connClose(c); // SEAM
  // Delete the event, the socket and the conn.
  eventDel(c.event);

  close(c.sfd);

  if (c.item) {
    itemFree(c.item);
  }

  if (c.ileft) {
    for (; c.ileft > 0; c.ileft--, c.icurr += 4) {
      itemRemove(itemAt(c.icurr));
    }
  }

  if (c.writeAndFree) {
    free(c.writeAndFree);
  }

  freeBuffers(c); // DEVIATION: an idle connection has no buffers [1.2.0, 1.6.0]
  // If we have enough space in the free connections array, put the structure there.
  if (freecurr < freetotal) {
    u32[(freeconns + 4 * freecurr++) >>> 2] = c.ptr;
  } else {
    // Try to enlarge free connections array.
    const newFreeconns = realloc(freeconns, 4 * freetotal * 2);
    if (newFreeconns) {
      freetotal *= 2;
      freeconns = newFreeconns;
      u32[(freeconns + 4 * freecurr++) >>> 2] = c.ptr;
    } else {
      free(c.rbuf);
      free(c.wbuf);
      free(c.ilist);
      free(c.ptr);
    }
  }

  stats.currConns--;
  acceptNewConns(true); // DEVIATION: while there is no room, clients wait to be accepted [1.4.8]

  return;
}

// memcached.c: out_string
/** Has the line `str` written, without its \r\n, and then the next command read. */
export function outString(c: Conn, str: CString): void {
  let len: number;

  len = strlen(str);
  if (len + 3 > c.wsize) { // DEVIATION: the NUL has room in wbuf, too [1.2.0]
    // Ought to be always enough. Just fail for simplicity: `stats slabs` with twelve classes ends here.
    str = 'SERVER_ERROR output line too long';
    len = strlen(str);
  }

  strcpy(c.wbuf, str);
  strcat(c.wbuf, '\r\n');
  c.wbytes = len + 2;
  c.wcurr = c.wbuf;

  c.state = ConnState.write;
  c.writeAndGo = ConnState.read;
  return;
}

// memcached.c: complete_nread
/**
 * We get here after reading the value in set/add/replace commands. The command has been stored in c.itemComm, and the
 * item is ready in c.item.
 */
function completeNread(c: Conn): void {
  const it = c.itemInHand;
  const comm = c.itemComm;
  let oldIt: Item | null;
  const now = time();

  stats.setCmds++;

  while (true) {
    if (strncmp(it.data + it.nbytes - 2, '\r\n', 2) !== 0) {
      outString(c, 'CLIENT_ERROR bad data chunk');
      break;
    }

    oldIt = assocFind(it.key);

    if (oldIt && oldIt.exptime && oldIt.exptime < now) {
      itemUnlink(oldIt);
      oldIt = null;
    }

    if (oldIt && comm === NREAD_ADD) {
      itemUpdate(oldIt);
      outString(c, 'NOT_STORED');
      break;
    }

    if (!oldIt && comm === NREAD_REPLACE) {
      outString(c, 'NOT_STORED');
      break;
    }

    if (oldIt && oldIt.itFlags & ITEM_DELETED && (comm === NREAD_REPLACE || comm === NREAD_ADD)) {
      outString(c, 'NOT_STORED');
      break;
    }

    if (oldIt) {
      itemReplace(oldIt, it);
    } else itemLink(it);

    c.item = null;
    outString(c, 'STORED');
    return;
  }

  itemFree(it);
  c.item = null;
  return;
}

/** processStat's stack variables in C. */
const statTemp = bss(768);
const statBuffer = bss(4096);
const statId: Ref = { value: 0 };
const statLimit: Ref = { value: 0 };
const statBytes: Ref = { value: 0 };

// memcached.c: process_stat
function processStat(c: Conn, command: Ptr): void {
  const now = time();

  if (strcmp(command, 'stats') === 0) {
    const temp = statTemp;
    const pid = getpid();
    let pos = temp;

    pos += sprintf(pos, 'STAT pid %u\r\n', pid);
    pos += sprintf(pos, 'STAT uptime %lu\r\n', now - stats.started);
    pos += sprintf(pos, 'STAT version ' + VERSION + '\r\n');
    pos += sprintf(pos, 'STAT curr_items %u\r\n', stats.currItems);
    pos += sprintf(pos, 'STAT total_items %u\r\n', stats.totalItems);
    pos += sprintf(pos, 'STAT bytes %llu\r\n', stats.currBytes);
    pos += sprintf(pos, 'STAT curr_connections %u\r\n', stats.currConns - 1); // ignore listening conn
    pos += sprintf(pos, 'STAT total_connections %u\r\n', stats.totalConns);
    pos += sprintf(pos, 'STAT connection_structures %u\r\n', stats.connStructs);
    pos += sprintf(pos, 'STAT cmd_get %u\r\n', stats.getCmds);
    pos += sprintf(pos, 'STAT cmd_set %u\r\n', stats.setCmds);
    pos += sprintf(pos, 'STAT get_hits %u\r\n', stats.getHits);
    pos += sprintf(pos, 'STAT get_misses %u\r\n', stats.getMisses);
    pos += sprintf(pos, 'STAT bytes_read %llu\r\n', stats.bytesRead);
    pos += sprintf(pos, 'STAT bytes_written %llu\r\n', stats.bytesWritten);
    pos += sprintf(pos, 'STAT limit_maxbytes %u\r\n', settings.maxbytes);
    sprintf(pos, 'END');
    outString(c, temp);
    return;
  }

  if (strcmp(command, 'stats reset') === 0) {
    statsReset();
    outString(c, 'RESET');
    return;
  }

  if (strcmp(command, 'stats malloc') === 0) {
    const temp = statTemp;

    const info = mallinfo();
    sprintf(
      temp,
      'STAT arena_size %d\r\nSTAT free_chunks %d\r\nSTAT fastbin_blocks %d\r\nSTAT mmaped_regions %d\r\n' +
      'STAT mmapped_space %d\r\nSTAT max_total_alloc %d\r\nSTAT fastbin_space %d\r\nSTAT total_alloc %d\r\n' +
      'STAT total_free %d\r\nSTAT releasable_space %d\r\nEND',
      info.arena, info.ordblks, info.smblks, info.hblks, info.hblkhd, info.usmblks, info.fsmblks, info.uordblks,
      info.fordblks, info.keepcost,
    );
    outString(c, temp);
    return;
  }

  // DEVIATION: `stats maps` answers only when the command allows it [1.2.8]
  if (shows.maps && strcmp(command, 'stats maps') === 0) {
    let wbuf: Ptr;
    const wsize = 8192; // should be enough
    let fd: number;
    let res: number;

    wbuf = malloc(wsize);
    if (wbuf === NULL) {
      outString(c, 'SERVER_ERROR out of memory');
      return;
    }

    fd = file.open('/proc/self/maps');
    if (fd === -1) {
      outString(c, 'SERVER_ERROR cannot open the maps file');
      free(wbuf);
      return;
    }

    res = file.read(fd, wbuf, wsize - 6); // 6 = END\r\n\0
    if (res === wsize - 6) {
      outString(c, 'SERVER_ERROR buffer overflow');
      free(wbuf); file.close(fd);
      return;
    }
    if (res === 0 || res === -1) {
      outString(c, "SERVER_ERROR can't read the maps file");
      free(wbuf); file.close(fd);
      return;
    }
    strcpy(wbuf + res, 'END\r\n');
    c.writeAndFree = wbuf;
    c.wcurr = wbuf;
    c.wbytes = res + 6; // with the NUL. Kept.
    c.state = ConnState.write;
    c.writeAndGo = ConnState.read;
    file.close(fd);
    return;
  }

  if (strncmp(command, 'stats cachedump', 15) === 0) {
    let buf: Ptr;
    const bytes = statBytes, id = statId, limit = statLimit;
    const start = command + 15;
    limit.value = 0;
    if (sscanf(start, '%u %u\r\n', id, limit) < 1) {
      outString(c, 'CLIENT_ERROR bad command line');
      return;
    }

    buf = itemCachedump(id.value, limit.value, bytes);
    if (buf === NULL) {
      outString(c, 'SERVER_ERROR out of memory');
      return;
    }

    c.writeAndFree = buf;
    c.wcurr = buf;
    c.wbytes = bytes.value;
    c.state = ConnState.write;
    c.writeAndGo = ConnState.read;
    return;
  }

  if (strcmp(command, 'stats slabs') === 0) {
    const buffer = statBuffer;
    slabsStats(buffer, 4096);
    outString(c, buffer);
    return;
  }

  if (strcmp(command, 'stats items') === 0) {
    const buffer = statBuffer;
    itemStats(buffer, 4096);
    outString(c, buffer);
    return;
  }

  if (strcmp(command, 'stats sizes') === 0) {
    const bytes = statBytes;
    const buf = itemStatsSizes(bytes);
    if (!buf) {
      outString(c, 'SERVER_ERROR out of memory');
      return;
    }

    c.writeAndFree = buf;
    c.wcurr = buf;
    c.wbytes = bytes.value;
    c.state = ConnState.write;
    c.writeAndGo = ConnState.read;
    return;
  }

  outString(c, 'ERROR');
}

/** processCommand's stack variables in C. */
const commandKey = bss(256);
const commandSComm = bss(10);
const commandTemp = bss(32);
const commandFlags: Ref = { value: 0 };
const commandExpire: Ref = { value: 0 };
const commandLen: Ref = { value: 0 };
const commandDelta: Ref = { value: 0 };
const commandNext: Ref = { value: 0 };

// memcached.c: process_command
/** `command` is the line without its end. */
function processCommand(c: Conn, command: Ptr): void {
  let comm = 0;
  let incr = 0;

  // For commands set/add/replace, we build an item and read the data directly into it, then continue in
  // completeNread().

  if (
    (strncmp(command, 'add ', 4) === 0 && (comm = NREAD_ADD)) ||
    (strncmp(command, 'set ', 4) === 0 && (comm = NREAD_SET)) ||
    (strncmp(command, 'replace ', 8) === 0 && (comm = NREAD_REPLACE))
  ) {
    const sComm = commandSComm;
    const key = commandKey;
    const flags = commandFlags, expire = commandExpire, len = commandLen;
    let res: number;
    let it: Item | null;

    res = sscanf(command, '%9s %255s %u %lu %d\n', sComm, key, flags, expire, len);
    if (
      res !== 5 || strlen(key) === 0 ||
      keyTooLong(key) || // DEVIATION: a key has at most 250 bytes [1.2.0]
      badLength(len) // DEVIATION: a length is neither negative nor near 2^31 [1.4.0]
    ) {
      outString(c, 'CLIENT_ERROR bad command line format');
      swallowRefused(c, command); // DEVIATION: the data of a refused line are swallowed [1.6.45]
      return;
    }
    it = itemAlloc(key, flags.value, expire.value, len.value + 2);
    if (it === null) {
      outString(c, 'SERVER_ERROR out of memory');
      // Swallow the data line.
      c.writeAndGo = ConnState.swallow;
      c.sbytes = len.value + 2;
      return;
    }

    c.itemComm = comm;
    c.item = it;
    c.rcurr = it.data;
    c.rlbytes = it.nbytes;
    c.state = ConnState.nread;
    return;
  }

  if ((strncmp(command, 'incr ', 5) === 0 && (incr = 1)) || strncmp(command, 'decr ', 5) === 0) {
    const temp = commandTemp;
    const sComm = commandSComm;
    let value: number;
    let it: Item | null;
    const delta = commandDelta;
    const key = commandKey;
    let res: number;
    let ptr: Ptr;
    const now = time();

    res = sscanf(command, '%9s %255s %u\n', sComm, key, delta);
    // DEVIATION: a key has at most 250 bytes [1.2.0]
    if (res !== 3 || strlen(key) === 0 || keyTooLong(key)) {
      outString(c, 'CLIENT_ERROR bad command line format');
      return;
    }

    it = assocFind(key);
    if (it && it.itFlags & ITEM_DELETED) {
      it = null;
    }
    if (it && it.exptime && it.exptime < now) {
      itemUnlink(it);
      it = null;
    }

    if (!it) {
      outString(c, 'NOT_FOUND');
      return;
    }

    ptr = it.data;
    while (u8[ptr] && (u8[ptr] < 0x30 && u8[ptr] > 0x39)) ptr++; // never true: C meant ||

    // DEVIATION: a value of white space alone counts as 0
    value = isBlank(ptr, it) ? 0 : atoi(ptr) >>> 0;

    if (incr) value = (value + delta.value) >>> 0;
    else {
      if (delta.value >= value) value = 0;
      else value -= delta.value;
    }

    sprintf(temp, '%u', value);
    res = strlen(temp);
    if (res + 2 > it.nbytes) { // need to realloc
      let newIt: Item | null;
      it.refcount++; // DEVIATION: an item that grows does not evict itself [1.2.2]
      newIt = itemAlloc(it.key, it.flags, it.exptime, res + 2);
      it.refcount--; // DEVIATION: an item that grows does not evict itself [1.2.2]
      if (newIt === null) {
        outString(c, 'SERVER_ERROR out of memory');
        return;
      }
      memcpy(newIt.data, temp, res);
      memcpy(newIt.data + res, '\r\n', 2);
      itemReplace(it, newIt);
    } else { // replace in-place
      memcpy(it.data, temp, res);
      memset(it.data + res, 0x20, it.nbytes - res - 2);
    }
    outString(c, temp);
    return;
  }

  if (strncmp(command, 'get ', 4) === 0) {
    let start = command + 4;
    const key = commandKey;
    const next = commandNext;
    let i = 0;
    let it: Item | null;
    const now = time();

    while (sscanf(start, ' %255s%n', key, next) >= 1) {
      // DEVIATION: a key has at most 250 bytes [1.2.0]
      if (next.value > KEY_MAX_LENGTH && refuseGet(c, key, i, itemRemove, outString)) return;
      start += next.value;
      stats.getCmds++;
      it = assocFind(key);
      if (it && it.itFlags & ITEM_DELETED) {
        it = null;
      }
      if (it && it.exptime && it.exptime < now) {
        itemUnlink(it);
        it = null;
      }

      if (it) {
        stats.getHits++;
        it.refcount++;
        itemUpdate(it);
        u32[(c.ilist + 4 * i) >>> 2] = it.ptr;
        i++;
        // DEVIATION: ilist grows in time; where it cannot, the rest is left out [1.2.1]
        if (i >= c.isize) {
          const newIlist = realloc(c.ilist, 4 * c.isize * 2);
          if (!newIlist) break;
          c.isize *= 2;
          c.ilist = newIlist;
        }
      } else stats.getMisses++;
    }
    c.icurr = c.ilist;
    c.ileft = i;
    if (c.ileft) {
      c.ipart = 0;
      c.state = ConnState.mwrite;
      c.ibytes = 0;
      return;
    } else {
      outString(c, 'END');
      return;
    }
  }

  if (strncmp(command, 'delete ', 7) === 0) {
    const key = commandKey;
    const start = command + 7;
    let it: Item | null;

    // DEVIATION: a delete has a key, of at most 250 bytes [1.2.0]
    if (refuseDelete(c, sscanf(start, ' %255s', key), key, outString)) return;
    it = assocFind(key);
    if (!it) {
      outString(c, 'NOT_FOUND');
      return;
    } else {
      // DEVIATION: an item is noted once, and deleted only where it can be noted [1.2.2]
      if (answerDelete(c, it, delcurr < deltotal, outString)) return;
      it.refcount++;
      // Use its expiration time as its deletion time now.
      it.exptime = time() + 4;
      it.itFlags |= ITEM_DELETED;
      u32[(todelete + 4 * delcurr++) >>> 2] = it.ptr;
      if (delcurr >= deltotal) {
        const newDelete = realloc(todelete, 4 * deltotal * 2);
        // DEVIATION: an item is noted once, and deleted only where it can be noted [1.2.2]
        if (newDelete) {
          deltotal *= 2;
          todelete = newDelete;
        }
      }
    }
    outString(c, 'DELETED');
    return;
  }

  if (strncmp(command, 'stats', 5) === 0) {
    processStat(c, command);
    return;
  }

  if (strcmp(command, 'version') === 0) {
    outString(c, 'VERSION ' + VERSION);
    return;
  }

  if (strcmp(command, 'quit') === 0) {
    c.state = ConnState.closing;
    return;
  }

  outString(c, 'ERROR');
  return;
}

// memcached.c: try_read_command
/**
 * If we have a complete line in the buffer, process it and move whatever remains in the buffer to its beginning.
 * 1 when there was one, 0 otherwise.
 */
function tryReadCommand(c: Conn): number {
  let el: Ptr, cont: Ptr;

  if (!c.rbytes) return 0;
  el = memchr(c.rbuf, 0x0a, c.rbytes);
  if (!el) return lineTooLong(c, outString); // DEVIATION: a line without an end closes the connection [1.4.3]
  cont = el + 1;
  if (el - c.rbuf > 1 && u8[el - 1] === 0x0d) {
    el--;
  }
  u8[el] = 0;

  processCommand(c, c.rbuf);

  if (cont - c.rbuf < c.rbytes) { // more stuff in the buffer
    memmove(c.rbuf, cont, c.rbytes - (cont - c.rbuf));
  }
  c.rbytes -= cont - c.rbuf;
  return 1;
}

// memcached.c: try_read_network
/**
 * Read from network as much as we can, handle buffer overflow and connection close. Returns 0 if there's nothing to
 * read on the first read.
 */
function tryReadNetwork(c: Conn): number {
  let gotdata = 0;
  let res: number;
  // DEVIATION: a full buffer of 32 KB is worked off first [1.4.3]
  while (!gotdata || c.rbytes < c.rsize || c.rsize < READ_BUFFER_HIGHWAT) {
    if (c.rbytes >= c.rsize) {
      const newRbuf = realloc(c.rbuf, c.rsize * 2);
      if (!newRbuf) {
        if (settings.verbose) fprintf(stderr, "Couldn't realloc input buffer\n");
        c.rbytes = 0; // ignore what we read
        outString(c, 'SERVER_ERROR out of memory');
        c.writeAndGo = ConnState.closing;
        return 1;
      }
      c.rbuf = newRbuf; c.rsize *= 2;
    }
    res = read(c.sfd, c.rbuf + c.rbytes, c.rsize - c.rbytes);
    if (res > 0) {
      stats.bytesRead += res;
      gotdata = 1;
      c.rbytes += res;
      continue;
    }
    if (res === 0) {
      // connection closed
      c.state = ConnState.closing;
      return 1;
    }
    if (res === -1) {
      if (errno === EAGAIN || errno === EWOULDBLOCK) break;
      else return readFailed(c); // DEVIATION: a read that fails closes the connection [1.4.0]
    }
  }
  return gotdata;
}

// memcached.c: update_event
/** 1, or 0 when the event could not be changed. */
export function updateEvent(c: Conn, newFlags: number): number {
  if (c.evFlags === newFlags) return 1;
  if (eventDel(c.event) === -1) return 0;
  eventSet(c.event, c.sfd, newFlags, eventHandler, c);
  c.evFlags = newFlags;
  if (eventAdd(c.event, null) === -1) return 0;
  return 1;
}

// memcached.c: drive_machine
function driveMachine(c: Conn): void {
  let exit = false;
  let sfd: number, flags: number;
  let newc: Conn | null;
  let res: number;
  let nreqs = settings.reqsPerEvent; // DEVIATION: after 20 commands other connections are served [1.4.0]

  while (!exit) {
    debugState('%d: state %S', c.sfd, c.state);
    switch (c.state) {
      case ConnState.listening:
        if ((sfd = accept(c.sfd, null)) === -1) {
          if (errno === EAGAIN || errno === EWOULDBLOCK) {
            // DEVIATION: while there is no room, clients wait to be accepted [1.4.8]
            acceptFailed("accept() shouldn't block");
          } else {
            acceptFailed('accept()'); // DEVIATION: while there is no room, clients wait to be accepted [1.4.8]
          }
          return;
        }
        if ((flags = fcntl(sfd, F_GETFL, 0)) < 0 || fcntl(sfd, F_SETFL, flags | O_NONBLOCK) < 0) {
          perror('setting O_NONBLOCK');
          close(sfd);
          return;
        }
        newc = c.protocol.connNew(sfd, ConnState.read, EV_READ | EV_PERSIST); // SEAM
        if (!newc) {
          if (settings.verbose) fprintf(stderr, "couldn't create new connection\n");
          close(sfd);
          return;
        }
        // DEVIATION: an idle connection has no buffers [1.2.0, 1.6.0]
        accepted(newc); // DEVIATION: while there is no room, clients wait to be accepted [1.4.8]
        exit = true;
        break;

      case ConnState.read:
        // DEVIATION: after 20 commands other connections are served [1.4.0]
        if (nreqs-- <= 0 && yieldsTurn(c, updateEvent)) return;
        if (c.protocol.tryReadCommand(c)) { // SEAM
          continue;
        }
        if (tryReadNetwork(c)) {
          continue;
        }
        // we have no command line and no data to read from network
        if (!updateEvent(c, EV_READ | EV_PERSIST)) {
          if (settings.verbose) fprintf(stderr, "Couldn't update event\n");
          c.state = ConnState.closing;
          break;
        }
        exit = true;
        break;

      case ConnState.nread:
        // we are reading rlbytes into rcurr
        if (c.rlbytes === 0) {
          c.protocol.completeNread(c); // SEAM
          break;
        }
        // first check if we have leftovers in the conn_read buffer
        if (c.rbytes > 0) {
          const tocopy = c.rbytes > c.rlbytes ? c.rlbytes : c.rbytes;
          memcpy(c.rcurr, c.rbuf, tocopy);
          c.rcurr += tocopy;
          c.rlbytes -= tocopy;
          if (c.rbytes > tocopy) {
            memmove(c.rbuf, c.rbuf + tocopy, c.rbytes - tocopy);
          }
          c.rbytes -= tocopy;
          break;
        }

        // now try reading from the socket
        res = read(c.sfd, c.rcurr, c.rlbytes);
        if (res > 0) {
          stats.bytesRead += res;
          c.rcurr += res;
          c.rlbytes -= res;
          break;
        }
        if (res === 0) { // end of stream
          c.state = ConnState.closing;
          break;
        }
        if (res === -1 && (errno === EAGAIN || errno === EWOULDBLOCK)) {
          if (!updateEvent(c, EV_READ | EV_PERSIST)) {
            if (settings.verbose) fprintf(stderr, "Couldn't update event\n");
            c.state = ConnState.closing;
            break;
          }
          exit = true;
          break;
        }
        // otherwise we have a real error, on which we close the connection
        if (settings.verbose) fprintf(stderr, 'Failed to read, and not due to blocking\n');
        c.state = ConnState.closing;
        break;

      case ConnState.swallow:
        // we are reading sbytes and throwing them away
        if (c.sbytes === 0) {
          c.state = ConnState.read;
          break;
        }

        // first check if we have leftovers in the conn_read buffer
        if (c.rbytes > 0) {
          const tocopy = c.rbytes > c.sbytes ? c.sbytes : c.rbytes;
          c.sbytes -= tocopy;
          if (c.rbytes > tocopy) {
            memmove(c.rbuf, c.rbuf + tocopy, c.rbytes - tocopy);
          }
          c.rbytes -= tocopy;
          break;
        }

        // now try reading from the socket
        res = read(c.sfd, c.rbuf, c.rsize > c.sbytes ? c.sbytes : c.rsize);
        if (res > 0) {
          stats.bytesRead += res;
          c.sbytes -= res;
          break;
        }
        if (res === 0) { // end of stream
          c.state = ConnState.closing;
          break;
        }
        if (res === -1 && (errno === EAGAIN || errno === EWOULDBLOCK)) {
          if (!updateEvent(c, EV_READ | EV_PERSIST)) {
            if (settings.verbose) fprintf(stderr, "Couldn't update event\n");
            c.state = ConnState.closing;
            break;
          }
          exit = true;
          break;
        }
        // otherwise we have a real error, on which we close the connection
        if (settings.verbose) fprintf(stderr, 'Failed to read, and not due to blocking\n');
        c.state = ConnState.closing;
        break;

      case ConnState.write:
        // we are writing wbytes bytes starting from wcurr
        if (c.wbytes === 0) {
          if (c.writeAndFree) {
            free(c.writeAndFree);
            c.writeAndFree = NULL;
          }
          c.state = c.writeAndGo;
          break;
        }
        res = write(c.sfd, c.wcurr, c.wbytes);
        if (res > 0) {
          stats.bytesWritten += res;
          c.wcurr += res;
          c.wbytes -= res;
          break;
        }
        if (res === -1 && (errno === EAGAIN || errno === EWOULDBLOCK)) {
          if (!updateEvent(c, EV_WRITE | EV_PERSIST)) {
            if (settings.verbose) fprintf(stderr, "Couldn't update event\n");
            c.state = ConnState.closing;
            break;
          }
          exit = true;
          break;
        }
        // if res === 0 or res === -1 and error is not EAGAIN or EWOULDBLOCK, we have a real error, on which we close
        // the connection
        if (settings.verbose) fprintf(stderr, 'Failed to write, and not due to blocking\n');
        c.state = ConnState.closing;
        break;
      case ConnState.mwrite:
        // we're writing ibytes bytes from iptr. iptr alternates between ibuf, where we build a string "VALUE...", and
        // it.data for the current item. When we finish a chunk, we choose the next one using ipart, which has the
        // following semantics: 0 - start the loop, 1 - we finished ibuf, go to current it.data; 2 - we finished
        // it.data, move to the next item and build its ibuf; 3 - we finished all items, write "END".
        if (c.ibytes > 0) {
          res = write(c.sfd, c.iptr, c.ibytes);
          if (res > 0) {
            stats.bytesWritten += res;
            c.iptr += res;
            c.ibytes -= res;
            break;
          }
          if (res === -1 && (errno === EAGAIN || errno === EWOULDBLOCK)) {
            if (!updateEvent(c, EV_WRITE | EV_PERSIST)) {
              if (settings.verbose) fprintf(stderr, "Couldn't update event\n");
              c.state = ConnState.closing;
              break;
            }
            exit = true;
            break;
          }
          // if res === 0 or res === -1 and error is not EAGAIN or EWOULDBLOCK, we have a real error, on which we close
          // the connection
          if (settings.verbose) fprintf(stderr, 'Failed to write, and not due to blocking\n');
          c.state = ConnState.closing;
          break;
        } else {
          let it: Item;
          // we finished a chunk, decide what to do next
          switch (c.ipart) {
            case 1:
              it = itemAt(c.icurr);
              c.iptr = it.data;
              c.ibytes = it.nbytes;
              c.ipart = 2;
              break;
            case 2:
              it = itemAt(c.icurr);
              itemRemove(it);
              if (c.ileft <= 1) {
                c.ileft = 0; // DEVIATION: connClose does not release the last item again [1.1.6]
                c.ipart = 3;
                break;
              } else {
                c.ileft--;
                c.icurr += 4;
              }
            // FALL THROUGH
            case 0:
              it = itemAt(c.icurr);
              sprintf(c.ibuf, 'VALUE %s %u %u\r\n', it.key, it.flags, it.nbytes - 2);
              c.iptr = c.ibuf;
              c.ibytes = strlen(c.iptr);
              c.ipart = 1;
              break;
            case 3:
              outString(c, 'END');
              break;
          }
        }
        break;

      case ConnState.closing:
        connClose(c);
        exit = true;
        break;

      default: // SEAM: a state that 2003 does not know
        exit = c.protocol.drive(c);
        break;
    }
  }

  return;
}

/** SEAM: what 1.0.4 speaks. */
const classic: Protocol = { connNew, tryReadCommand, completeNread, drive: () => true, connClose: () => {} };

// memcached.c: event_handler
function eventHandler(fd: number, which: number, arg: unknown): void {
  const c = arg as Conn;
  c.which = which;
  debugEvent('%d: event %E', fd, which);

  // sanity
  if (fd !== c.sfd) {
    if (settings.verbose) fprintf(stderr, "Catastrophic: event fd doesn't match conn fd!\n");
    connClose(c);
    return;
  }

  // do as much I/O as possible until we block
  // DEVIATION: an idle connection has no buffers [1.2.0, 1.6.0]
  guarded(driveMachine, c, connClose); // DEVIATION: a bug ends its own connection only

  // wait for next event
  return;
}

// memcached.c: new_socket
/** A non-blocking socket, or -1. */
function newSocket(): number {
  let sfd: number;
  let flags: number;

  if ((sfd = socket(AF_INET, SOCK_STREAM, 0)) === -1) {
    perror('socket()');
    return -1;
  }

  if ((flags = fcntl(sfd, F_GETFL, 0)) < 0 || fcntl(sfd, F_SETFL, flags | O_NONBLOCK) < 0) {
    perror('setting O_NONBLOCK');
    close(sfd);
    return -1;
  }
  return sfd;
}

// memcached.c: server_socket
/** A socket that listens on `port` of the interface in the settings, or -1 after a line on stderr. */
function serverSocket(port: number): number {
  let sfd: number;
  const ling: Linger = { lOnoff: 0, lLinger: 0 };
  const addr: SockaddrIn = { sinFamily: 0, sinPort: 0, sinAddr: 0 };
  const flags = 1;

  if ((sfd = newSocket()) === -1) {
    return -1;
  }

  setsockopt(sfd, SOL_SOCKET, SO_REUSEADDR, flags);
  setsockopt(sfd, SOL_SOCKET, SO_KEEPALIVE, flags);
  setsockopt(sfd, SOL_SOCKET, SO_LINGER, ling);
  setsockopt(sfd, IPPROTO_TCP, TCP_NODELAY, flags); // DEVIATION: replies do not wait for acknowledgements [1.1.9]

  addr.sinFamily = AF_INET;
  addr.sinPort = port;
  addr.sinAddr = settings.interface.sAddr;
  if (bind(sfd, addr) === -1) {
    perror('bind()');
    close(sfd);
    return -1;
  }
  if (listen(sfd, 1024) === -1) {
    perror('listen()');
    close(sfd);
    return -1;
  }
  return sfd;
}

const deleteevent = new Event();

// memcached.c: delete_handler
function deleteHandler(_fd: number, _which: number, _arg: unknown): void {
  const t: Timeval = { tvSec: 0, tvUsec: 0 };

  evtimerDel(deleteevent);
  evtimerSet(deleteevent, deleteHandler, null);
  t.tvSec = 5; t.tvUsec = 0;
  evtimerAdd(deleteevent, t);

  {
    let i: number, j = 0;
    const now = time();
    for (i = 0; i < delcurr; i++) {
      const it = itemAt(todelete + 4 * i);
      if (it.exptime < now) {
        // no longer mark it deleted. it's now expired, same as dead
        it.itFlags &= ~ITEM_DELETED;
        endDelete(it, itemRemove); // DEVIATION: a replaced item is freed, too [1.1.2]
      } else {
        u32[(todelete + 4 * j++) >>> 2] = it.ptr;
      }
    }
    delcurr = j;
  }

  return;
}

// memcached.c: usage
function usage(): void {
  printf(PACKAGE + ' ' + VERSION + '\n');
  printf('-p <num>      TCP port to listen on, default is 11211\n');
  printf('-l <ip_addr>  IPv4 address to listen on, default is all of them\n');
  printf('-d            detach: start again in the background, in a session of its own\n');
  printf('-m <num>      memory for items in megabytes, default is 64; 0 for as much as there is\n');
  printf('-c <num>      connections at one time, default is 1024\n');
  printf('-k            lock down all memory, where the system lets us\n');
  printf('-v            verbose: errors and warnings of the event loop\n');
  printf('-h            print this help and exit\n');
  printf('-i            print the licences of memcached and libevent, and exit\n');
  return;
}

// memcached.c: usage_license
function usageLicense(): void {
  printf(PACKAGE + ' ' + VERSION + '\n\n');
  printf(packageFile('LICENSE'));

  return;
}

// memcached.c: main
/** The program: resolves to its exit status. Throws Errx if there is no memory or no backend. */
export async function main(_argc: number, argv: readonly string[]): Promise<number> {
  let c: string | -1;
  let lSocket: number;
  let lConn: Conn | null;
  let res: number;
  const addr: Ref = { value: 0 };
  let lockMemory = false;
  let daemonize = false;

  // init settings
  settingsInit();

  // process arguments
  while ((c = getopt(argv, 'p:m:c:khivdl:')) !== -1) {
    switch (c) {
      case 'p':
        settings.port = strtonum('port number', optarg, 0, 65535); // DEVIATION: an argument must be a number
        break;
      case 'm':
        settings.maxbytes = megabytes(optarg); // DEVIATION: an argument must be a number
        break;
      case 'c':
        // DEVIATION: an argument must be a number
        settings.maxconns = strtonum('number of connections', optarg, 1, 0x7fffffff);
        break;
      case 'h':
        usage();
        return exit(0);
      case 'i':
        usageLicense();
        return exit(0);
      case 'k':
        lockMemory = true;
        break;
      case 'v':
        settings.verbose = true;
        break;
      case 'l':
        if (!inetAton(optarg, addr)) {
          fprintf(stderr, `Illegal address: ${optarg}\n`);
          return 1;
        } else {
          settings.interface.sAddr = addr.value;
        }
        break;
      case 'd':
        daemonize = true;
        break;
      default:
        fprintf(stderr, `${c === ':' ? 'Missing argument of' : 'Illegal argument'} "${optopt}"\n`);
        return 1;
    }
  }

  // initialize other stuff
  itemInit();
  eventInit();
  statsInit();
  assocInit();
  connInit();
  slabsInit(settings.maxbytes);

  if (daemonize) {
    res = await daemon(0, 0);
    if (res === -1) {
      fprintf(stderr, 'failed to daemon() in order to daemonize\n');
      return 1;
    }
  }

  // lock paged memory if needed
  if (lockMemory) {
    reportLock(mlockall()); // DEVIATION: a failing -k is reported [1.2.0]
  }

  // create the listening socket and bind it
  lSocket = serverSocket(settings.port);
  if (lSocket === -1) {
    exit(1); // DEVIATION: an error is one line
  }

  // create the initial listening connection
  if (!(lConn = connNew(lSocket, ConnState.listening, EV_READ | EV_PERSIST))) {
    fprintf(stderr, 'failed to create listening connection\n');
    exit(1);
  }
  // DEVIATION: an idle connection has no buffers [1.2.0, 1.6.0]
  acceptsWith(lConn, updateEvent); // DEVIATION: while there is no room, clients wait to be accepted [1.4.8]
  debugConn('%d: listening on port %d', lSocket, boundPort(lSocket));

  // initialise deletion array and timer event
  deltotal = 200; delcurr = 0;
  todelete = malloc(4 * deltotal);
  deleteHandler(0, 0, null); // sets up the event

  // enter the loop
  res = await eventLoop(0);

  return res === -1 ? 1 : 0; // DEVIATION: a loop that fails ends with status 1
}
