// A model of memcached 1.0.4 with one client: bytes in, bytes out. It is valid while nothing is evicted, and no delete
// is older than four seconds. # stands for a number that differs from run to run.
import { ModelSlabs, classOf } from './model-slabs';
import { Scanner } from './scanner';

const BAD_LINE = 'CLIENT_ERROR bad command line format';
const NO_MEMORY = 'SERVER_ERROR out of memory';
const KEY_MAX_BYTES = 250;
const ITEM_SIZE_BYTES = 48;
const LINE_MAX_BYTES = 2048;
const LENGTH_MAX_BYTES = 0x7fffffff - 2;

interface Item {
  key: string;
  flags: number;
  exptime: number;
  data: string;
  slab: number;
  /** Size of the structure, the key and the data. */
  total: number;
  deleted: boolean;
}

/** A set, add or replace whose data has not come yet. */
interface Storing {
  command: string;
  item: Item;
}

export class Model {
  /** From the least to the most recently used. */
  private readonly items = new Map<string, Item>();
  private readonly slabs = new ModelSlabs();
  private input = '';
  private storing: Storing | null = null;
  private swallow = 0;
  private closed = false;
  private stats = { items: 0, gets: 0, sets: 0, hits: 0, misses: 0, connections: 2 };

  /** The replies to `bytes`, which may end anywhere. */
  feed(bytes: string): string {
    this.input += bytes;
    let output = '';
    for (let reply = this.step(); reply !== null; reply = this.step()) output += reply;
    return output;
  }

  /** How many bytes of data are missing. */
  get missing(): number {
    return Math.max(0, (this.storing === null ? this.swallow : size(this.storing.item)) - this.input.length);
  }

  /** The reply to the next command or data; null if it is not complete. */
  private step(): string | null {
    if (this.closed) return null;
    if (this.swallow > 0) {
      const dropped = this.take(Math.min(this.swallow, this.input.length));
      this.swallow -= dropped.length;
      if (this.swallow > 0) return null;
    }
    if (this.storing !== null) return this.missing > 0 ? null : `${this.store(this.storing)}\r\n`;
    const newline = this.input.indexOf('\n');
    if (newline === -1) return null;
    const [line] = this.take(newline + 1).replace(/^([^]+)\r\n$/, '$1\n').slice(0, -1).split('\0');
    return this.command(line);
  }

  private take(length: number): string {
    const taken = this.input.slice(0, length);
    this.input = this.input.slice(length);
    return taken;
  }

  private command(line: string): string {
    if (/^(add|set|replace) /.test(line)) return this.beginStore(line);
    if (/^(incr|decr) /.test(line)) return `${this.arithmetic(line)}\r\n`;
    if (line.startsWith('get ')) return this.get(line.slice(4));
    if (line.startsWith('delete ')) return `${this.delete(line.slice(7))}\r\n`;
    if (line.startsWith('stats')) return `${this.stat(line)}\r\n`;
    if (line === 'version') return 'VERSION 1.0.4\r\n';
    if (line !== 'quit') return 'ERROR\r\n';
    this.closed = true;
    return '';
  }

  private beginStore(line: string): string {
    const scanner = new Scanner(line);
    const [command, key] = [scanner.word(9), scanner.word(255)];
    const [flags, expire, length] = [scanner.unsigned(), scanner.unsigned(), scanner.signed()];
    const refused = command === null || key === null || flags === null || expire === null || length === null;
    if (refused || key.length > KEY_MAX_BYTES || length < 0 || length > LENGTH_MAX_BYTES) {
      this.swallow = sizeOfRefused(line);
      return `${BAD_LINE}\r\n`;
    }
    const item = this.alloc(key, flags, expire | 0, length + 2);
    if (item === null) {
      this.swallow = length + 2;
      return `${NO_MEMORY}\r\n`;
    }
    this.storing = { command, item };
    return '';
  }

  private store({ command, item }: Storing): string {
    this.storing = null;
    this.stats.sets++;
    item.data = this.take(size(item));
    const reply = this.tryStore(command, item);
    if (reply !== 'STORED') this.slabs.release(item.slab);
    return reply;
  }

  private tryStore(command: string, item: Item): string {
    if (!item.data.endsWith('\r\n')) return 'CLIENT_ERROR bad data chunk';
    const old = this.find(item.key);
    if (old !== null && command === 'add') {
      this.touch(old);
      return 'NOT_STORED';
    }
    if (command === 'replace' && (old === null || old.deleted)) return 'NOT_STORED';
    if (old !== null) this.unlink(old);
    this.link(item);
    return 'STORED';
  }

  private arithmetic(line: string): string {
    const scanner = new Scanner(line);
    const [command, key, delta] = [scanner.word(9), scanner.word(255), scanner.unsigned()];
    if (command === null || key === null || delta === null || key.length > KEY_MAX_BYTES) return BAD_LINE;
    const item = this.findLive(key);
    if (item === null) return 'NOT_FOUND';
    const old = (new Scanner(item.data).signed() ?? 0) >>> 0;
    const result = String(command === 'incr' ? (old + delta) >>> 0 : Math.max(0, old - delta));
    if (result.length + 2 > item.data.length) {
      const grown = this.alloc(key, item.flags, item.exptime, result.length + 2);
      if (grown === null) throw new Error('a number has no room');
      grown.data = `${result}\r\n`;
      this.unlink(item);
      this.link(grown);
    } else item.data = `${result.padEnd(item.data.length - 2)}\r\n`;
    return result;
  }

  private get(keys: string): string {
    const scanner = new Scanner(keys);
    let reply = '';
    for (let key = scanner.word(255); key !== null; key = scanner.word(255)) {
      if (key.length > KEY_MAX_BYTES) return `${BAD_LINE}\r\n`;
      this.stats.gets++;
      const item = this.findLive(key);
      if (item === null) {
        this.stats.misses++;
        continue;
      }
      this.stats.hits++;
      this.touch(item);
      reply += `VALUE ${key} ${item.flags} ${item.data.length - 2}\r\n${item.data}`;
    }
    return `${reply}END\r\n`;
  }

  private delete(line: string): string {
    const key = new Scanner(line).word(255);
    if (key === null) return 'ERROR';
    if (key.length > KEY_MAX_BYTES) return BAD_LINE;
    const item = this.items.get(key);
    if (item === undefined) return 'NOT_FOUND';
    item.deleted = true;
    item.exptime = 0x7fffffff;
    return 'DELETED';
  }

  private stat(line: string): string {
    if (line === 'stats') return this.allStats();
    if (line === 'stats reset') {
      this.stats = { items: 0, gets: 0, sets: 0, hits: 0, misses: 0, connections: 0 };
      return 'RESET';
    }
    if (line === 'stats slabs') return lineOf(this.slabs.stats());
    if (line === 'stats items') return lineOf(`${this.statsItems()}END`);
    if (line === 'stats sizes') return `${this.statsSizes()}END`;
    if (line.startsWith('stats cachedump')) return this.cachedump(line.slice(15));
    return 'ERROR';
  }

  private allStats(): string {
    const { stats } = this;
    const bytes = [...this.items.values()].reduce((sum, { total }) => sum + total, 0);
    return `${Object.entries({
      pid: '#', uptime: '#', version: '1.0.4', curr_items: this.items.size, total_items: stats.items, bytes,
      curr_connections: 1, total_connections: stats.connections, connection_structures: 2, cmd_get: stats.gets,
      cmd_set: stats.sets, get_hits: stats.hits, get_misses: stats.misses, bytes_read: '#', bytes_written: '#',
      limit_maxbytes: 67108864,
    }).map(([name, value]) => `STAT ${name} ${value}\r\n`).join('')}END`;
  }

  private statsItems(): string {
    return this.tally(({ slab }) => slab).map(([slab, number]) => {
      return `STAT items:${slab}:number ${number}\r\nSTAT items:${slab}:age #\r\n`;
    }).join('');
  }

  private statsSizes(): string {
    const buckets = this.tally(({ total }) => Math.ceil(total / 32));
    return buckets.filter(([bucket]) => bucket < 32768).map(([bucket, number]) => {
      return `${bucket * 32} ${number}\r\n`;
    }).join('');
  }

  /** How many items there are of each kind, by kind. */
  private tally(kind: (item: Item) => number): [number, number][] {
    const counts = new Map<number, number>();
    for (const item of this.items.values()) counts.set(kind(item), (counts.get(kind(item)) ?? 0) + 1);
    return [...counts].sort(([a], [b]) => a - b);
  }

  private cachedump(line: string): string {
    const scanner = new Scanner(line);
    const slab = scanner.unsigned();
    if (slab === null) return 'CLIENT_ERROR bad command line';
    if (slab >= 32) return NO_MEMORY;
    const items = [...this.items.values()].filter((item) => item.slab === slab).reverse();
    const shown = items.slice(0, scanner.unsigned() || Infinity);
    return `${shown.map(({ key, data }) => `ITEM ${key} [${data.length - 2} b; # s]\r\n`).join('')}END`;
  }

  private alloc(key: string, flags: number, exptime: number, length: number): Item | null {
    const total = ITEM_SIZE_BYTES + Math.ceil((key.length + 1) / 4) * 4 + length;
    const slab = classOf(total);
    if (slab === 0) return null;
    this.slabs.alloc(slab);
    return { key, flags, exptime, data: '', slab, total, deleted: false };
  }

  /** The item that a set, add or replace of `key` finds. */
  private find(key: string): Item | null {
    const item = this.items.get(key);
    if (item === undefined || !isPast(item.exptime)) return item ?? null;
    this.unlink(item);
    return null;
  }

  /** The item that other commands find. */
  private findLive(key: string): Item | null {
    return this.items.get(key)?.deleted === true ? null : this.find(key);
  }

  private link(item: Item): void {
    this.items.set(item.key, item);
    this.stats.items++;
  }

  private unlink(item: Item): void {
    this.items.delete(item.key);
    // A reference keeps deleted items until their time has come.
    if (!item.deleted) this.slabs.release(item.slab);
  }

  private touch(item: Item): void {
    this.items.delete(item.key);
    this.items.set(item.key, item);
  }
}

/** Length of an item's data, from its total size. */
function size({ key, total }: Item): number {
  return total - ITEM_SIZE_BYTES - Math.ceil((key.length + 1) / 4) * 4;
}

/** Whether a time_t is in the past for any run: 1, for instance, and values above 2^31, which are negative. */
function isPast(exptime: number): boolean {
  return exptime !== 0 && exptime < 1e9;
}

function lineOf(reply: string): string {
  return reply.length + 3 > LINE_MAX_BYTES ? 'SERVER_ERROR output line too long' : reply;
}

/** The bytes of data behind a refused line: its fifth word, whatever the others are; 0 if that is not a number. */
function sizeOfRefused(line: string): number {
  const scanner = new Scanner(line);
  for (let i = 0; i < 4; i++) scanner.word(LINE_MAX_BYTES);
  const length = scanner.signed();
  return length === null || length < 0 || length > LENGTH_MAX_BYTES ? 0 : length + 2;
}
