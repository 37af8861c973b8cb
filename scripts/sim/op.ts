// Requests of clients, and their form in each protocol. An operation is plain data, so that a run can be cut down to a
// part, and written to a file.

/** `text` again and again, up to `length` bytes. */
export interface Value {
  text: string;
  length: number;
}

export type StoreName = 'set' | 'add' | 'replace' | 'append' | 'prepend' | 'cas';

export interface StoreOp {
  name: StoreName;
  key: string;
  flags: number;
  exptime: number;
  value: Value;
  noreply: boolean;
  /** For cas: whether the client knows the right number. */
  knows: boolean;
  /** The part that is wrong: the two bytes behind the value, or the flags. */
  wrong: 'chunk' | 'flags' | null;
}

export interface MetaOp {
  name: 'mg' | 'md' | 'ma';
  key: string;
  /** Words; `C` alone stands for the right cas number, `E` alone for a unique one. */
  flags: string[];
}

export interface MetaSetOp {
  name: 'ms';
  key: string;
  flags: string[];
  value: Value;
  wrong: 'chunk' | null;
}

export type Op =
  | { name: 'get' | 'gets'; keys: string[]; /** So many words before them, for which there is nothing. */ missing: number }
  | { name: 'gat' | 'gats'; keys: string[]; exptime: number }
  | StoreOp | MetaOp | MetaSetOp
  | { name: 'incr' | 'decr'; key: string; by: number; noreply: boolean; /** In the binary protocol. */ initial: number | null }
  | { name: 'touch'; key: string; exptime: number; noreply: boolean }
  | { name: 'delete'; key: string; noreply: boolean }
  | { name: 'flush_all'; delay: number | null; noreply: boolean }
  /** A line with a fixed reply; in the binary protocol a noop. */
  | { name: 'line'; line: string; reply: string }
  | { name: 'stats'; what: string }
  | { name: 'quit' }
  /** A line without an end, of so many bytes. */
  | { name: 'flood'; length: number };

/** A key that is never stored. */
export const MISSING = 'nothing';

export function textOf({ text, length }: Value): string {
  return text.repeat(Math.ceil(length / Math.max(1, text.length))).slice(0, length);
}

/** Supplies the current cas numbers for the text of a request. */
export interface Books {
  casOf(key: string): number;
}

/** No cas number gets this large. */
const WRONG_CAS = 999_999_999;

/** A meta command's flags, with numbers in place of `C` and `E`. */
export function flagsOf(op: MetaOp | MetaSetOp, books: Books, serial: number): string[] {
  return op.flags.map((flag) => {
    if (flag === 'C') return `C${books.casOf(op.key)}`;
    return flag === 'E' ? `E${1_000_000_000 + serial}` : flag;
  });
}

export interface Written {
  /** The bytes, in latin1. */
  text: string;
  /** The length of the command line, without the data. */
  head: number;
  /** For cas and meta commands: the sent number and flags. */
  cas: number;
  flags: string[];
}

/** The operation as text. `serial` is its unique number. */
export function writeText(op: Op, books: Books, serial: number): Written {
  switch (op.name) {
    case 'get': case 'gets':
      return line(`${op.name} ${`${MISSING} `.repeat(op.missing)}${op.keys.join(' ')}`);
    case 'gat': case 'gats':
      return line(`${op.name} ${op.exptime} ${op.keys.join(' ')}`);
    case 'set': case 'add': case 'replace': case 'append': case 'prepend': case 'cas': {
      const cas = op.name === 'cas' ? (op.knows ? books.casOf(op.key) : WRONG_CAS) : 0;
      const flags = op.wrong === 'flags' ? 'flags' : String(op.flags);
      const words = [op.name, op.key, flags, op.exptime, op.value.length];
      if (op.name === 'cas') words.push(cas);
      return { ...block(`${words.join(' ')}${op.noreply ? ' noreply' : ''}`, op.value, op.wrong === 'chunk'), cas };
    }
    case 'ms': {
      const flags = flagsOf(op, books, serial);
      return { ...block(['ms', op.key, op.value.length, ...flags].join(' '), op.value, op.wrong === 'chunk'), flags };
    }
    case 'mg': case 'md': case 'ma': {
      const flags = flagsOf(op, books, serial);
      return { ...line([op.name, op.key, ...flags].join(' ')), flags };
    }
    case 'incr': case 'decr':
      return line(`${op.name} ${op.key} ${op.by}${op.noreply ? ' noreply' : ''}`);
    case 'touch':
      return line(`touch ${op.key} ${op.exptime}${op.noreply ? ' noreply' : ''}`);
    case 'delete':
      return line(`delete ${op.key}${op.noreply ? ' noreply' : ''}`);
    case 'flush_all':
      return line(`flush_all${op.delay === null ? '' : ` ${op.delay}`}${op.noreply ? ' noreply' : ''}`);
    case 'line':
      return line(op.line);
    case 'stats':
      return line(`stats${op.what === '' ? '' : ` ${op.what}`}`);
    case 'quit':
      return line('quit');
    case 'flood':
      return { text: 'x'.repeat(op.length), head: op.length, cas: 0, flags: [] };
  }
}

function line(text: string): Written {
  return { text: `${text}\r\n`, head: text.length + 2, cas: 0, flags: [] };
}

function block(head: string, value: Value, wrong: boolean): Written {
  return { text: `${head}\r\n${textOf(value)}${wrong ? 'xx' : '\r\n'}`, head: head.length + 2, cas: 0, flags: [] };
}

// The binary protocol.

export const HEADER_BYTES = 24;

const OPCODES = {
  get: 0x00, set: 0x01, add: 0x02, replace: 0x03, delete: 0x04, incr: 0x05, decr: 0x06, quit: 0x07, flush_all: 0x08,
  line: 0x0a, gets: 0x0c, append: 0x0e, prepend: 0x0f, touch: 0x1c, gat: 0x1d, gats: 0x23, cas: 0x01,
} as const;
const QUIET = {
  set: 0x11, add: 0x12, replace: 0x13, delete: 0x14, incr: 0x15, decr: 0x16, flush_all: 0x18, append: 0x19,
  prepend: 0x1a, cas: 0x11,
} as const;

export function opcodeOf(op: Op): number {
  const { name } = op;
  if ('noreply' in op && op.noreply && name in QUIET) return QUIET[name as keyof typeof QUIET];
  if (!(name in OPCODES)) throw new Error(`the binary protocol has no ${name}`);
  return OPCODES[name as keyof typeof OPCODES];
}

/** The operation as a packet, with `serial` as its opaque. gets is a get that returns its key, as is gats. */
export function writeBinary(op: Op, books: Books, serial: number): Written {
  const cas = op.name === 'cas' ? (op.knows ? books.casOf(op.key) : WRONG_CAS) : 0;
  const extras = extrasOf(op);
  const key = 'keys' in op ? op.keys[0] : 'key' in op ? op.key : '';
  const value = 'value' in op ? textOf(op.value) : '';
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = 0x80;
  header[1] = opcodeOf(op);
  header.writeUInt16BE(key.length, 2);
  header[4] = extras.length;
  header.writeUInt32BE(extras.length + key.length + value.length, 8);
  header.writeUInt32BE(serial, 12);
  header.writeUInt32BE(cas, 20);
  const head = HEADER_BYTES + extras.length + key.length;
  return { text: Buffer.concat([header, extras]).toString('latin1') + key + value, head, cas, flags: [] };
}

function extrasOf(op: Op): Buffer {
  switch (op.name) {
    case 'set': case 'add': case 'replace': case 'cas': return words(op.flags, op.exptime);
    case 'incr': case 'decr': return words(0, op.by, 0, op.initial ?? 0, op.initial === null ? 0xffffffff : 0);
    case 'touch': case 'gat': case 'gats': return words(op.exptime);
    case 'flush_all': return op.delay === null ? Buffer.alloc(0) : words(op.delay);
    default: return Buffer.alloc(0);
  }
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeInt32BE(value | 0, 4 * i));
  return bytes;
}
