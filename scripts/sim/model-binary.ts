// memcached 1.6's replies in the binary protocol, by the model of its storage.
import { isTooLarge, newItem } from './model';
import type { Item, Model } from './model';
import { HEADER_BYTES, opcodeOf, textOf } from './op';
import type { Op, StoreOp } from './op';
import { CLOSES, SILENT, WAITS, answer } from './world';
import type { Job, Outcome } from './world';

const Status = {
  success: 0, keyEnoent: 1, keyEexists: 2, e2big: 3, notStored: 5, deltaBadval: 6, enomem: 0x82,
} as const;
const NOT_FOUND = 'Not found', EXISTS = 'Data exists for key.';

interface Packet {
  status?: number;
  extras?: Buffer;
  key?: string;
  value?: string;
  cas?: number;
}

export class BinaryModel {
  constructor(private readonly model: Model, private readonly held: (key: string) => boolean) {}

  line(job: Job): Outcome {
    const { op } = job;
    const { model } = this;
    switch (op.name) {
      case 'get': case 'gets': case 'gat': case 'gats': {
        const says = op.name === 'gets' || op.name === 'gats';
        return this.get(job, op.keys[0], 'exptime' in op ? op.exptime : null, says, true);
      }
      case 'touch':
        return this.get(job, op.key, op.exptime, false, false);
      case 'set': case 'add': case 'replace': case 'append': case 'prepend': case 'cas': {
        const flags = joins(op) ? 0 : op.flags;
        const tooLarge = isTooLarge(op.key, flags, op.value.length);
        if (tooLarge || model.noMemory) {
          if (op.name === 'set' || op.name === 'cas') model.remove(op.key);
          return tooLarge ? fail(job, Status.e2big, 'Too large.') : fail(job, Status.enomem, 'Out of memory allocating item');
        }
        job.exptime = joins(op) ? 0 : model.realtime(op.exptime);
        return WAITS;
      }
      case 'incr': case 'decr':
        return this.arithmetic(job, op);
      case 'delete':
        if (model.find(op.key) === null) {
          model.counts.deleteMisses++;
          return fail(job, Status.keyEnoent, NOT_FOUND);
        }
        model.remove(op.key);
        return succeed(job, {});
      case 'flush_all':
        model.counts.flushCmds++;
        model.flush(op.delay === null || op.delay === 0 ? 0 : model.realtime(op.delay));
        return succeed(job, {});
      case 'line':
        return succeed(job, {});
      case 'quit':
        return { ...succeed(job, {}), closes: true };
      case 'flood':
        return CLOSES;
      default:
        throw new Error(`the binary protocol has no ${op.name}`);
    }
  }

  data(job: Job): Outcome {
    const { op, written } = job;
    if (!('noreply' in op) || !('value' in op)) throw new Error(`${op.name} has no data`);
    const { model } = this;
    const mode = op.name === 'cas' ? (written.cas === 0 || !model.useCas ? 'set' : 'cas') : op.name;
    const item = newItem(textOf(op.value), joins(op) ? 0 : op.flags, job.exptime);
    const { status, item: now } = model.store(mode, op.key, item, joins(op) ? 0 : written.cas);
    switch (status) {
      case 'STORED': return succeed(job, { cas: now?.cas ?? 0 });
      case 'EXISTS': return fail(job, Status.keyEexists, EXISTS);
      case 'NOT_FOUND': return fail(job, Status.keyEnoent, NOT_FOUND);
      default:
        if (op.name === 'add') return fail(job, Status.keyEexists, EXISTS);
        if (op.name === 'replace') return fail(job, Status.keyEnoent, NOT_FOUND);
        return fail(job, Status.notStored, 'Not stored.');
    }
  }

  private get(job: Job, key: string, exptime: number | null, says: boolean, value: boolean): Outcome {
    const { model } = this;
    const item = model.find(key);
    model.counts[exptime === null ? 'getCmds' : 'touchCmds']++;
    if (item === null) {
      model.counts[exptime === null ? 'getMisses' : 'touchMisses']++;
      return says ? answer(packet(job, { status: Status.keyEnoent, key })) : fail(job, Status.keyEnoent, NOT_FOUND);
    }
    if (exptime !== null) item.exptime = model.realtime(exptime);
    const extras = Buffer.alloc(4);
    extras.writeUInt32BE(item.flags);
    return answer(packet(job, { extras, key: says ? key : '', value: value ? item.data : '', cas: item.cas }));
  }

  private arithmetic(job: Job, op: Extract<Op, { by: number }>): Outcome {
    const { model } = this;
    const incr = op.name === 'incr';
    const { status, value } = model.add(op.key, incr, BigInt(op.by), 0, this.held(op.key));
    switch (status) {
      case 'NON_NUMERIC': return fail(job, Status.deltaBadval, 'Non-numeric server-side value for incr or decr');
      case 'NO_MEMORY': return fail(job, Status.enomem, 'Out of memory incrementing value');
      case 'OK': return this.number(job, value, model.find(op.key));
    }
    if (op.initial === null) {
      model.counts[incr ? 'incrMisses' : 'decrMisses']++;
      return fail(job, Status.keyEnoent, NOT_FOUND);
    }
    if (model.noMemory) return fail(job, Status.enomem, 'Out of memory allocating new item');
    return this.number(job, BigInt(op.initial), model.link(op.key, newItem(String(op.initial), 0, 0)));
  }

  private number(job: Job, value: bigint, item: Item | null): Outcome {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(value);
    return succeed(job, { value: bytes.toString('latin1'), cas: item?.cas ?? 0 });
  }
}

function joins(op: StoreOp): boolean {
  return op.name === 'append' || op.name === 'prepend';
}

/** Quiet commands that succeed say nothing. */
function succeed(job: Job, content: Packet): Outcome {
  return 'noreply' in job.op && job.op.noreply ? SILENT : answer(packet(job, content));
}

function fail(job: Job, status: number, message: string): Outcome {
  return answer(packet(job, { status, value: message }));
}

function packet({ op, serial }: Job, content: Packet): string {
  const { status = 0, extras = Buffer.alloc(0), key = '', value = '', cas = 0 } = content;
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = 0x81;
  header[1] = opcodeOf(op);
  header.writeUInt16BE(key.length, 2);
  header[4] = extras.length;
  header.writeUInt16BE(status, 6);
  header.writeUInt32BE(extras.length + key.length + value.length, 8);
  header.writeUInt32BE(serial, 12);
  header.writeBigUInt64BE(BigInt(cas), 16);
  return Buffer.concat([header, extras]).toString('latin1') + key + value;
}
