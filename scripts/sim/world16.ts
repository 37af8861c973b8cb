// memcached 1.6: the model of each protocol, and a comparison with the server's storage.
import { currentTime } from '../../lib/1.6/clock';
import { itemIsFlushed } from '../../lib/1.6/flush';
import { assocFind, hashOf } from '../../lib/1.6/assoc';
import {
  IT_CAS_HI, IT_CAS_LO, IT_EXPTIME, IT_NBYTES, IT_REFCOUNT, ITEM_STALE, ITEM_TOKEN_SENT, clientFlagsOf, dataOf, field,
  itFlags, nkeyOf, resettable, threadStats,
} from '../../lib/1.6/memcached.h';
import { settings } from '../../lib/1.6/settings';
import type { Ptr } from '../../lib/libc/memory';
import { NULL, bss } from '../../lib/libc/memory';
import { bytes, put } from './memory';
import { Model } from './model';
import type { Item } from './model';
import { BinaryModel } from './model-binary';
import { TextModel } from './model-text';
import { checkLinks, keyText } from './storage';
import type { Facts, Job, Outcome, World } from './world';

const name = bss(256);
/** Frequent comparisons look only at the ends of a long value. */
const ENDS_BYTES = 64;

/** The server's item of a key, whether a client would find it or not; NULL if there is none. */
export function itemOf(key: string): Ptr {
  put(name, key);
  return assocFind(name, key.length, hashOf(name, key.length));
}

export class World16 implements World {
  unsure = false;
  private readonly text: TextModel;
  private readonly binary: BinaryModel;

  constructor(readonly model = new Model(settings.useCas)) {
    this.text = new TextModel(model, isHeld);
    this.binary = new BinaryModel(model, isHeld);
  }

  casOf(key: string): number {
    return this.model.items.get(key)?.cas ?? 0;
  }

  line(job: Job, facts: Facts): Outcome {
    return this.during(facts, () => (job.binary ? this.binary : this.text).line(job));
  }

  data(job: Job, facts: Facts): Outcome {
    return this.during(facts, () => (job.binary ? this.binary : this.text).data(job));
  }

  sees(now: number): void {
    this.model.now = now;
  }

  evict(key: string): void {
    this.model.remove(key);
  }

  compare(now: number, whole: boolean): string | null {
    const { model } = this;
    model.now = now;
    model.due();
    let found = 0;
    for (const it of checkLinks()) {
      const key = keyText(it);
      const item = model.find(key);
      if (item === null) {
        if (!isGone(it)) return `${key} is there, and should not`;
        continue;
      }
      found++;
      const wrong = difference(key, it, item, whole);
      if (wrong !== null) return wrong;
    }
    const live = [...model.items.keys()].filter((key) => model.find(key) !== null);
    const lost = live.find((key) => itemOf(key) === NULL);
    if (lost !== undefined) return `${lost} is lost`;
    return found === live.length ? this.compareCounts() : `${found} items are there, and not ${live.length}`;
  }

  private compareCounts(): string | null {
    if (this.unsure) return null;
    const { counts } = this.model;
    for (const [what, count] of Object.entries(counts)) {
      if (what === 'tooLarge' || what === 'noMemory') continue;
      const is = what === 'totalItems' ? resettable.totalItems : threadStats[what as keyof typeof threadStats];
      if (is !== count) return `stats: ${what} is ${is}, and not ${count}`;
    }
    return null;
  }

  private during(facts: Facts, work: () => Outcome): Outcome {
    const { model } = this;
    model.now = facts.now;
    model.wall = facts.wall;
    model.noMemory = facts.noMemory;
    model.due();
    model.linked.clear();
    const outcome = work();
    // A key that is stored anew may have had its old item evicted for that.
    for (const key of facts.evicted) if (!model.linked.has(key)) model.remove(key);
    return outcome;
  }
}

/** Keys whose items had a reference besides their link when the command began. */
const heldKeys = new Set<string>();

/** Notes before a command whether the item of the key is held. */
export function noteHeld(key: string): void {
  heldKeys.clear();
  const it = itemOf(key);
  if (it !== NULL && field(it, IT_REFCOUNT) > 1) heldKeys.add(key);
}

function isHeld(key: string): boolean {
  return heldKeys.has(key);
}

function isGone(it: Ptr): boolean {
  const exptime = field(it, IT_EXPTIME);
  return itemIsFlushed(it) || (exptime !== 0 && exptime <= currentTime);
}

function difference(key: string, it: Ptr, item: Item, whole: boolean): string | null {
  const length = field(it, IT_NBYTES) - 2;
  const figures: [string, number, number][] = [
    ['bytes', length, item.data.length],
    ['flags', clientFlagsOf(it), item.flags],
    ['expiry', field(it, IT_EXPTIME), item.exptime],
    ['cas', (field(it, IT_CAS_HI) >>> 0) * 2 ** 32 + (field(it, IT_CAS_LO) >>> 0), item.cas],
    ['stale', itFlags(it) & ITEM_STALE ? 1 : 0, item.stale ? 1 : 0],
    ['told', itFlags(it) & ITEM_TOKEN_SENT ? 1 : 0, item.tokenSent ? 1 : 0],
  ];
  for (const [what, is, should] of figures) if (is !== should) return `${key}: ${what} ${is}, and not ${should}`;
  if (nkeyOf(it) !== key.length) return `${key}: its key has ${nkeyOf(it)} bytes`;
  const data = dataOf(it);
  if (bytes(data + length, 2) !== '\r\n') return `${key}: no end behind its data`;
  if (whole || length <= 2 * ENDS_BYTES) {
    return bytes(data, length) === item.data ? null : `${key}: another value`;
  }
  const begins = item.data.startsWith(bytes(data, ENDS_BYTES));
  const ends = item.data.endsWith(bytes(data + length - ENDS_BYTES, ENDS_BYTES));
  return begins && ends ? null : `${key}: another value`;
}
