// memcached 1.6's replies in the text protocol and to meta commands, by the model of its storage.
import { KEY_MAX_BYTES, isTooLarge, newItem } from './model';
import type { Item, Mode, Model } from './model';
import { untilEnd } from './expected';
import { textOf } from './op';
import type { MetaOp, MetaSetOp, Op, StoreOp } from './op';
import { CLOSES, SILENT, WAITS, answer, answerLine } from './world';
import type { Job, Outcome } from './world';

const BAD_LINE = 'CLIENT_ERROR bad command line format';
const TOO_LARGE = 'SERVER_ERROR object too large for cache';
const NO_MEMORY = 'SERVER_ERROR out of memory storing object';
const NON_NUMERIC = 'CLIENT_ERROR cannot increment or decrement non-numeric value';
const U32 = 2 ** 32;

/** `held`: whether the item of a key is being sent. */
export class TextModel {
  constructor(private readonly model: Model, private readonly held: (key: string) => boolean) {}

  line(job: Job): Outcome {
    const { model } = this;
    const { op, written } = job;
    switch (op.name) {
      case 'get': case 'gets': case 'gat': case 'gats':
        return this.get(op);
      case 'set': case 'add': case 'replace': case 'append': case 'prepend': case 'cas':
        return this.storeLine(job, op);
      case 'ms':
        return this.metaSetLine(job, op);
      case 'incr': case 'decr':
        return quietly(op.noreply, this.arithmetic(op));
      case 'touch': {
        if (op.key.length > KEY_MAX_BYTES) return quietly(op.noreply, BAD_LINE);
        const item = model.find(op.key);
        model.counts.touchCmds++;
        if (item === null) model.counts.touchMisses++;
        else item.exptime = model.realtime(op.exptime);
        return quietly(op.noreply, item === null ? 'NOT_FOUND' : 'TOUCHED');
      }
      case 'delete': {
        if (op.key.length > KEY_MAX_BYTES) return quietly(op.noreply, BAD_LINE);
        if (model.find(op.key) === null) {
          model.counts.deleteMisses++;
          return quietly(op.noreply, 'NOT_FOUND');
        }
        model.remove(op.key);
        return quietly(op.noreply, 'DELETED');
      }
      case 'flush_all':
        model.counts.flushCmds++;
        model.flush(op.delay === null || op.delay <= 0 ? 0 : model.realtime(op.delay));
        return quietly(op.noreply, 'OK');
      case 'mg':
        return this.metaGet(op, written.flags);
      case 'md':
        return this.metaDelete(op, written.flags);
      case 'ma':
        return this.metaArithmetic(op, written.flags);
      case 'line':
        return answerLine(op.reply);
      case 'stats':
        return this.stats(op.what);
      case 'quit': case 'flood':
        return CLOSES;
    }
  }

  data(job: Job): Outcome {
    const { op } = job;
    if (op.name === 'ms') return this.metaSetData(job, op);
    if (!('value' in op)) throw new Error(`${op.name} has no data`);
    if (op.wrong === 'chunk') return quietly(op.noreply, 'CLIENT_ERROR bad data chunk');
    const item = newItem(textOf(op.value), op.flags, job.exptime);
    return quietly(op.noreply, this.model.store(op.name, op.key, item, job.written.cas).status);
  }

  private get(op: Extract<Op, { keys: string[] }>): Outcome {
    const { model } = this;
    const touches = 'exptime' in op;
    const exptime = touches ? model.realtime(op.exptime) : 0;
    let reply = '';
    const missing = 'missing' in op ? op.missing : 0;
    if (touches) model.counts.touchCmds += missing;
    else model.counts.getCmds += missing;
    model.counts.getMisses += missing;
    for (const key of op.keys) {
      if (key.length > KEY_MAX_BYTES) return answerLine(BAD_LINE);
      const item = model.find(key);
      model.counts[touches ? 'touchCmds' : 'getCmds']++;
      if (item === null) {
        model.counts[touches ? 'touchMisses' : 'getMisses']++;
        continue;
      }
      if (touches) item.exptime = exptime;
      const cas = op.name === 'gets' || op.name === 'gats' ? ` ${item.cas}` : '';
      reply += `VALUE ${key} ${item.flags} ${item.data.length}${cas}\r\n${item.data}\r\n`;
    }
    return answer(`${reply}END\r\n`);
  }

  private storeLine(job: Job, op: StoreOp): Outcome {
    const { model } = this;
    if (op.key.length > KEY_MAX_BYTES || op.wrong === 'flags') return quietly(op.noreply, BAD_LINE);
    const tooLarge = isTooLarge(op.key, op.flags, op.value.length);
    if (tooLarge || model.noMemory) {
      model.counts[tooLarge ? 'tooLarge' : 'noMemory']++;
      if (op.name === 'set') model.remove(op.key);
      return quietly(op.noreply, tooLarge ? TOO_LARGE : NO_MEMORY);
    }
    job.exptime = model.realtime(op.exptime);
    return WAITS;
  }

  private arithmetic(op: Extract<Op, { by: number }>): string {
    const { model } = this;
    if (op.key.length > KEY_MAX_BYTES) return BAD_LINE;
    const { status, value } = model.add(op.key, op.name === 'incr', BigInt(op.by), 0, this.held(op.key));
    switch (status) {
      case 'OK': return String(value);
      case 'NON_NUMERIC': return NON_NUMERIC;
      case 'NO_MEMORY': return 'SERVER_ERROR out of memory';
      default:
        model.counts[op.name === 'incr' ? 'incrMisses' : 'decrMisses']++;
        return 'NOT_FOUND';
    }
  }

  private stats(what: string): Outcome {
    const { model } = this;
    if (what === 'reset') {
      for (const name of Object.keys(model.counts)) model.counts[name as keyof typeof model.counts] = 0;
      return answerLine('RESET');
    }
    if (what !== '') return answer(untilEnd((lines) => lines.find((line) => !/^(STAT|ITEM) ./.test(line)) ?? null));
    const { getCmds, getMisses } = model.counts;
    return answer(untilEnd((lines) => {
      const figures = new Map(lines.map((line) => [line.split(' ')[1], line.split(' ')[2]]));
      if (figures.get('cmd_get') !== String(getCmds)) return `stats: cmd_get ${figures.get('cmd_get')}, not ${getCmds}`;
      const hits = getCmds - getMisses;
      return figures.get('get_hits') === String(hits) ? null : `stats: get_hits ${figures.get('get_hits')}, not ${hits}`;
    }));
  }

  // Meta commands.

  private metaGet(op: MetaOp, flags: readonly string[]): Outcome {
    if (op.key.length > KEY_MAX_BYTES) return answerLine(BAD_LINE);
    const { model } = this;
    model.counts.getCmds++;
    const has = letters(flags);
    let item = model.find(op.key);
    let won = false;
    const created = item === null && has.has('N') && !model.noMemory;
    if (created) {
      item = model.link(op.key, newItem('', 0, 0));
      const cas = casIn(flags);
      if (cas !== null && model.useCas) item.cas = cas;
    }
    if (item === null) {
      model.counts.getMisses++;
      return has.has('q') ? SILENT : answerLine(`EN${opaqueAndKey(op.key, flags)}`);
    }
    const touches = has.has('T');
    if (touches) model.counts.getCmds--;
    if (touches) model.counts.touchCmds++;
    const value = has.has('v') && !(has.has('C') && number(flags, 'C') === item.cas);
    let reply = value ? `VA ${item.data.length}` : 'HD';
    for (const flag of flags) {
      const seconds = Number(flag.slice(1));
      switch (flag.slice(0, 1)) {
        case 'T': item.exptime = model.realtime(seconds); break;
        case 'N':
          if (!created) break;
          item.exptime = model.realtime(seconds);
          won = true;
          break;
        case 'R':
          if (!item.tokenSent && !created && item.exptime !== 0 && item.exptime < model.realtime(seconds)) won = true;
          break;
        case 's': reply += ` s${item.data.length}`; break;
        case 't': reply += ` t${this.ttl(item)}`; break;
        case 'c': reply += ` c${item.cas}`; break;
        case 'f': reply += ` f${item.flags}`; break;
        case 'k': reply += ` k${op.key}`; break;
        case 'O': reply += ` ${flag}`; break;
      }
    }
    const sent = item.tokenSent;
    if (sent) reply += ' Z';
    if (item.stale) {
      reply += ' X';
      if (!sent) won = true;
    }
    if (won) {
      reply += ' W';
      item.tokenSent = true;
    }
    return answer(`${reply}\r\n${value ? `${item.data}\r\n` : ''}`);
  }

  private ttl(item: Item): number {
    return item.exptime === 0 ? -1 : (item.exptime - this.model.now + U32) % U32;
  }

  private metaDelete(op: MetaOp, flags: readonly string[]): Outcome {
    if (op.key.length > KEY_MAX_BYTES) return answerLine(BAD_LINE);
    const { model } = this;
    const has = letters(flags);
    const rest = opaqueAndKey(op.key, flags);
    let item = model.find(op.key);
    if (item === null || (has.has('C') && number(flags, 'C') !== item.cas)) {
      model.counts.deleteMisses++;
      return answerLine(`${item === null ? 'NF' : 'EX'}${rest}`);
    }
    const given = casIn(flags);
    const touches = has.has('T');
    const exptime = touches ? model.realtime(number(flags, 'T')) : 0;
    if (has.has('x')) {
      if (model.noMemory) return answerLine('SERVER_ERROR out of memory');
      const cas = given ?? item.cas;
      item = model.link(op.key, newItem('', has.has('F') ? number(flags, 'F') : 0, exptime));
      if (model.useCas) item.cas = cas;
    }
    if (has.has('I')) {
      if (touches) item.exptime = exptime;
      item.stale = true;
      item.tokenSent = false;
      if (given === null) item.cas = model.nextCas();
      else if (model.useCas) item.cas = given;
    } else if (!has.has('x')) model.remove(op.key);
    return has.has('q') ? SILENT : answerLine(`HD${rest}`);
  }

  private metaArithmetic(op: MetaOp, flags: readonly string[]): Outcome {
    if (op.key.length > KEY_MAX_BYTES) return answerLine('CLIENT_ERROR invalid or duplicate flag');
    const { model } = this;
    const has = letters(flags);
    const incr = !has.has('MD');
    const by = has.has('D') ? BigInt(number(flags, 'D')) : 1n;
    const cas = has.has('C') ? number(flags, 'C') : 0;
    const result = model.add(op.key, incr, by, cas, this.held(op.key));
    const given = casIn(flags);
    switch (result.status) {
      case 'NON_NUMERIC': return answerLine(NON_NUMERIC);
      case 'NO_MEMORY': return answerLine('SERVER_ERROR out of memory');
      case 'EXISTS': return answerLine(`EX${opaqueAndKey(op.key, flags)}`);
      case 'NOT_FOUND': {
        if (!has.has('N')) {
          model.counts[incr ? 'incrMisses' : 'decrMisses']++;
          return answerLine(`NF${opaqueAndKey(op.key, flags)}`);
        }
        if (model.noMemory) return answerLine('SERVER_ERROR Out of memory allocating new item');
        const initial = has.has('J') ? number(flags, 'J') : 0;
        const item = model.link(op.key, newItem(String(initial), 0, 0));
        if (given !== null && model.useCas) item.cas = given;
        return this.metaNumber(op, flags, item, String(initial), true);
      }
      case 'OK': {
        const item = model.find(op.key);
        if (item === null) throw new Error('a number has gone');
        if (given !== null && model.useCas) item.cas = given;
        return this.metaNumber(op, flags, item, String(result.value), false);
      }
    }
  }

  private metaNumber(op: MetaOp, flags: readonly string[], item: Item, digits: string, created: boolean): Outcome {
    const has = letters(flags);
    let reply = has.has('v') ? `VA ${digits.length}` : 'HD';
    for (const flag of flags) {
      switch (flag.slice(0, 1)) {
        case 'c': reply += ` c${item.cas}`; break;
        case 't': reply += ` t${this.ttl(item)}`; break;
        case 'T': item.exptime = this.model.realtime(Number(flag.slice(1))); break;
        case 'N': if (created) item.exptime = this.model.realtime(Number(flag.slice(1))); break;
        case 'k': reply += ` k${op.key}`; break;
        case 'O': reply += ` ${flag}`; break;
      }
    }
    if (has.has('q')) return SILENT;
    return answer(`${reply}\r\n${has.has('v') ? `${digits}\r\n` : ''}`);
  }

  private metaSetLine(job: Job, op: MetaSetOp): Outcome {
    const { model } = this;
    if (op.key.length > KEY_MAX_BYTES) return answerLine(BAD_LINE);
    const has = letters(op.flags);
    const clientFlags = has.has('F') ? number(op.flags, 'F') : 0;
    const tooLarge = isTooLarge(op.key, clientFlags, op.value.length);
    if (tooLarge || model.noMemory) {
      model.counts[tooLarge ? 'tooLarge' : 'noMemory']++;
      model.remove(op.key);
      return answerLine(tooLarge ? TOO_LARGE : NO_MEMORY);
    }
    const joins = has.has('MA') || has.has('MP');
    const time = joins && has.has('N') ? 'N' : 'T';
    job.exptime = has.has(time) ? model.realtime(number(op.flags, time)) : 0;
    return WAITS;
  }

  private metaSetData({ written: { flags }, exptime }: Job, op: MetaSetOp): Outcome {
    if (op.wrong !== null) return answerLine('CLIENT_ERROR bad data chunk');
    const { model } = this;
    const has = letters(flags);
    const item = newItem(textOf(op.value), has.has('F') ? number(flags, 'F') : 0, exptime);
    const mode = metaMode(has);
    const cas = has.has('C') ? number(flags, 'C') : 0;
    const { status, item: now } = model.store(mode, op.key, item, cas, has.has('I') && mode === 'cas');
    const given = casIn(flags);
    if (now !== null && given !== null && model.useCas) now.cas = given;
    if (now !== null && has.has('q')) return SILENT;
    let reply = now !== null ? 'HD' : status === 'EXISTS' ? 'EX' : status === 'NOT_FOUND' ? 'NF' : 'NS';
    for (const flag of flags) {
      switch (flag.slice(0, 1)) {
        case 'k': reply += ` k${op.key}`; break;
        case 'c': reply += ` c${now?.cas ?? 0}`; break;
        case 's': reply += ` s${(now ?? item).data.length}`; break;
        case 'O': reply += ` ${flag}`; break;
      }
    }
    return answerLine(reply);
  }
}

/** The letters of the flags; of M with its mode. */
function letters(flags: readonly string[]): Set<string> {
  return new Set(flags.map((flag) => (flag.startsWith('M') ? flag : flag.slice(0, 1))));
}

function number(flags: readonly string[], letter: string): number {
  return Number(flags.find((flag) => flag.startsWith(letter))?.slice(1) ?? 0);
}

/** The cas that E gives, or null. */
function casIn(flags: readonly string[]): number | null {
  return flags.some((flag) => flag.startsWith('E')) ? number(flags, 'E') : null;
}

function metaMode(has: ReadonlySet<string>): Mode {
  if (has.has('ME')) return 'add';
  if (has.has('MA')) return has.has('N') ? 'appendviv' : 'append';
  if (has.has('MP')) return has.has('N') ? 'prependviv' : 'prepend';
  if (has.has('C')) return 'cas';
  return has.has('MR') ? 'replace' : 'set';
}

function opaqueAndKey(key: string, flags: readonly string[]): string {
  return flags.map((flag) => {
    return flag.startsWith('O') ? ` ${flag}` : flag === 'k' ? ` k${key}` : '';
  }).join('');
}

/** A reply, unless the client wants none. */
function quietly(noreply: boolean, line: string): Outcome {
  return noreply ? SILENT : answerLine(line);
}

