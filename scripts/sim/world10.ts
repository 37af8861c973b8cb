// A model of memcached 1.0.4: its storage as a Map, its replies, and a comparison with the server's storage.
import { assocFind } from '../../lib/memcached';
import { ITEM_DELETED, SIZEOF_ITEM, stats } from '../../lib/memcached.h';
import type { Item as ServerItem } from '../../lib/memcached.h';
import { slabsClsid } from '../../lib/slabs';
import { bss } from '../../lib/libc/memory';
import { untilEnd } from './expected';
import type { Changing } from './expected';
import { bytes, putz } from './memory';
import { textOf } from './op';
import type { Op, StoreOp } from './op';
import { CLOSES, WAITS, answer, answerLine } from './world';
import type { Facts, Job, Outcome, World } from './world';

const BAD_LINE = 'CLIENT_ERROR bad command line format';
const NO_MEMORY = 'SERVER_ERROR out of memory';
const KEY_MAX_BYTES = 250;
/** A deleted item cannot be added for this many seconds, and until the timer comes. */
const DELETE_SECONDS = 4;
const ENDS_BYTES = 64;

interface Item {
  flags: number;
  /** By the wall clock; 0 for never. */
  exptime: number;
  data: string;
  deleted: boolean;
}

const name = bss(256);

/** The server's item of a key, whether a client would find it or not. */
export function itemOf2003(key: string): ServerItem | null {
  return assocFind(putz(name, key));
}

export class World10 implements World {
  unsure = false;
  private readonly items = new Map<string, Item>();
  private now = 0;
  private latest = 0;
  private noMemory = false;
  private readonly linked = new Set<string>();
  private counts = { getCmds: 0, getHits: 0, getMisses: 0, setCmds: 0, totalItems: 0 };

  /** `changed`: reports a new form of an item's data, which may be in transit to clients. */
  constructor(private readonly changed: (of: object, form: string) => void) {}

  casOf(): number {
    return 0;
  }

  line(job: Job, facts: Facts): Outcome {
    return this.during(facts, () => this.command(job));
  }

  data({ op }: Job, facts: Facts): Outcome {
    return this.during(facts, () => {
      if (!('flags' in op) || !('wrong' in op)) throw new Error(`${op.name} has no data`);
      return this.store(op as StoreOp);
    });
  }

  sees(now: number): void {
    this.latest = Math.max(this.latest, now);
  }

  evict(key: string): void {
    this.items.delete(key);
  }

  compare(now: number, whole: boolean): string | null {
    this.sees(now);
    for (const [key, item] of this.items) {
      const it = itemOf2003(key);
      if (it === null) return `${key} is lost`;
      this.seeEndOfDelete(item, it);
      const wrong = difference(key, it, item, whole);
      if (wrong !== null) return wrong;
    }
    if (stats.currItems !== this.items.size) return `${stats.currItems} items are there, and not ${this.items.size}`;
    if (this.unsure) return null;
    for (const [what, count] of Object.entries(this.counts)) {
      const is = stats[what as keyof typeof stats];
      if (is !== count) return `stats: ${what} is ${is}, and not ${count}`;
    }
    return null;
  }

  private during(facts: Facts, work: () => Outcome): Outcome {
    this.now = facts.now;
    this.sees(facts.now);
    this.noMemory = facts.noMemory;
    this.linked.clear();
    const outcome = work();
    for (const key of facts.evicted) if (!this.linked.has(key)) this.items.delete(key);
    return outcome;
  }

  private command({ op }: Job): Outcome {
    switch (op.name) {
      case 'get': return this.get(op);
      case 'set': case 'add': case 'replace': return this.storeLine(op);
      case 'incr': case 'decr': return this.arithmetic(op);
      case 'delete': return this.delete(op.key);
      case 'line': return answerLine(op.reply);
      case 'stats': return this.stats(op.what);
      case 'quit': case 'flood': return CLOSES;
      default: return answerLine('ERROR');
    }
  }

  /** The item that a set, add or replace finds. */
  private find(key: string): Item | null {
    const item = this.items.get(key);
    if (item === undefined) return null;
    if (item.exptime !== 0 && item.exptime < this.now) {
      this.items.delete(key);
      return null;
    }
    return item;
  }

  /** The item that other commands find. The timer may have ended a delete already, or not yet. */
  private findLive(key: string): Item | null {
    return this.items.get(key)?.deleted === true ? null : this.find(key);
  }

  /** The delete of an item is over when its time has passed, and the server's timer has come. */
  private seeEndOfDelete(item: Item, it: ServerItem): void {
    if (item.deleted && (it.itFlags & ITEM_DELETED) === 0 && item.exptime < this.latest) item.deleted = false;
  }

  /** Checks before a command whether the delete of its key is over. */
  look(key: string): void {
    const item = this.items.get(key);
    const it = item?.deleted === true ? itemOf2003(key) : null;
    if (item !== undefined && it !== null) this.seeEndOfDelete(item, it);
  }

  private link(key: string, item: Item): void {
    this.items.set(key, item);
    this.linked.add(key);
    this.counts.totalItems++;
  }

  private get(op: Extract<Op, { name: 'get' | 'gets' }>): Outcome {
    const { counts } = this;
    const reply: (string | Changing)[] = [];
    const missing = 'missing' in op ? op.missing : 0;
    counts.getCmds += missing;
    counts.getMisses += missing;
    for (const key of op.keys) {
      if (key.length > KEY_MAX_BYTES) return answerLine(BAD_LINE);
      counts.getCmds++;
      const item = this.findLive(key);
      if (item === null) {
        counts.getMisses++;
        continue;
      }
      counts.getHits++;
      reply.push(`VALUE ${key} ${item.flags} ${item.data.length}\r\n`, { of: item, forms: [item.data] }, '\r\n');
    }
    return answer(...reply.filter((part) => typeof part === 'string' || part.forms[0] !== ''), 'END\r\n');
  }

  private storeLine(op: StoreOp): Outcome {
    if (op.key.length > KEY_MAX_BYTES || op.wrong === 'flags') return answerLine(BAD_LINE);
    if (this.noMemory || slabsClsid(totalOf(op.key, op.value.length)) === 0) return answerLine(NO_MEMORY);
    return WAITS;
  }

  private store(op: StoreOp): Outcome {
    this.counts.setCmds++;
    if (op.wrong === 'chunk') return answerLine('CLIENT_ERROR bad data chunk');
    const old = this.find(op.key);
    if (old !== null && op.name === 'add') return answerLine('NOT_STORED');
    if (op.name === 'replace' && (old === null || old.deleted)) return answerLine('NOT_STORED');
    this.link(op.key, { flags: op.flags, exptime: op.exptime, data: textOf(op.value), deleted: false });
    return answerLine('STORED');
  }

  private arithmetic(op: Extract<Op, { by: number }>): Outcome {
    if (op.key.length > KEY_MAX_BYTES) return answerLine(BAD_LINE);
    const item = this.findLive(op.key);
    if (item === null) return answerLine('NOT_FOUND');
    const old = Math.min(Number(/^\s*(\d+)/.exec(item.data)?.[1] ?? 0), 0x7fffffff);
    const value = op.name === 'incr' ? (old + op.by) >>> 0 : Math.max(0, old - op.by);
    const text = String(value);
    if (text.length > item.data.length) {
      if (this.noMemory) return answerLine(NO_MEMORY);
      this.link(op.key, { flags: item.flags, exptime: item.exptime, data: text, deleted: false });
    } else {
      item.data = text.padEnd(item.data.length);
      this.changed(item, item.data);
    }
    return answerLine(text);
  }

  private delete(key: string): Outcome {
    if (key.length > KEY_MAX_BYTES) return answerLine(BAD_LINE);
    const item = this.items.get(key);
    if (item === undefined) return answerLine('NOT_FOUND');
    item.deleted = true;
    item.exptime = this.now + DELETE_SECONDS;
    return answerLine('DELETED');
  }

  private stats(what: string): Outcome {
    if (what === 'reset') {
      this.counts = { getCmds: 0, getHits: 0, getMisses: 0, setCmds: 0, totalItems: 0 };
      return answerLine('RESET');
    }
    const { getCmds, getHits } = this.counts;
    const items = this.items.size;
    return answer(untilEnd((lines) => {
      const strange = lines.find((line) => !/^((STAT|ITEM) .|\d+ \d+$)/.test(line));
      if (strange !== undefined || what !== '') return strange ?? null;
      for (const [figure, should] of [['cmd_get', getCmds], ['get_hits', getHits], ['curr_items', items]] as const) {
        if (!lines.includes(`STAT ${figure} ${should}`)) return `stats: ${figure} is not ${should}`;
      }
      return null;
    }));
  }
}

/** Bytes of an item with its key and its data. */
function totalOf(key: string, length: number): number {
  return SIZEOF_ITEM + Math.ceil((key.length + 1) / 4) * 4 + length + 2;
}

function difference(key: string, it: ServerItem, item: Item, whole: boolean): string | null {
  const length = it.nbytes - 2;
  const figures: [string, number, number][] = [
    ['bytes', length, item.data.length],
    ['flags', it.flags, item.flags | 0],
    ['expiry', it.exptime, item.exptime],
    ['deleted', it.itFlags & ITEM_DELETED ? 1 : 0, item.deleted ? 1 : 0],
  ];
  for (const [what, is, should] of figures) if (is !== should) return `${key}: ${what} ${is}, and not ${should}`;
  if (bytes(it.data + length, 2) !== '\r\n') return `${key}: no end behind its data`;
  if (whole || length <= 2 * ENDS_BYTES) {
    return bytes(it.data, length) === item.data ? null : `${key}: another value`;
  }
  const begins = item.data.startsWith(bytes(it.data, ENDS_BYTES));
  return begins && item.data.endsWith(bytes(it.data + length - ENDS_BYTES, ENDS_BYTES)) ? null : `${key}: another value`;
}
