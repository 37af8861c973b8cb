// Sentences for items, their lists, and the memory that they come from.
import { numberAt, bytes, count, itemName, quoted, textAt } from './values';
import type { State } from '../state';
import type { Value } from '../trace';

const LINKED = 1;
const DELETED = 2;

export function itemSentences(
  set: Readonly<Record<string, Value>>, before: State, after: State, by: string,
): string[] {
  return Object.entries(set).flatMap(([path, value]) => {
    const [kind, id, field] = path.split('.');
    switch (kind) {
      case 'item': return itemSentence(before, after, id, field, value, by);
      case 'lru': return listSentence(before, after, id, textAt(before, path), value);
      case 'slab': return slabSentence(before, id, field, value);
      case 'bucket': return bucketSentence(after, before, id, textAt(before, path), value);
      case 'todelete': return todeleteSentence(textAt(before, path), String(value));
      default: return '';
    }
  });
}

function itemSentence(
  before: State, after: State, id: string, field: string, value: Value, by: string,
): string {
  const path = `item.${id}.${field}`;
  const wasThere = before.values.has(path);
  const name = itemName(value === null ? before : after, id);
  if (field === 'key' && value === null) return `${name} is nobody's any more.`;
  if (typeof value === 'string' && field === 'key') {
    if (value === '') return '';
    const isStale = !wasThere && by === 'slabsAlloc';
    return isStale ? `The chunk still holds what ${name} has left in it.` : `The chunk is the item ${quoted(value)} now.`;
  }
  if (typeof value !== 'number' || !wasThere) return '';
  if (field === 'next' || field === 'prev') {
    const other = value === 0 ? 'nobody: it is at the end of its list' : itemName(after, String(value));
    return `${field} of ${name} is ${other}.`;
  }
  const old = numberAt(before, path);
  if (field === 'refcount') {
    if (value > old) return `${name} is held: its refcount is ${value}, so that nobody frees it meanwhile.`;
    return value === 0 ? `${name} is held by nobody: its refcount is 0.` : `${name} has a refcount of ${value}.`;
  }
  if (field === 'itFlags') {
    const isEvicted = by === 'itemUnlink' && after.frames.some(({ fn }) => fn === 'itemAlloc');
    if (isEvicted) {
      return `Memory is full: ${name} is evicted. Of its class it is the least recently used one that nobody holds.`;
    }
    return flagsSentence(name, old, value);
  }
  if (field === 'nbytes' && value > 0) return `Its data will have ${bytes(value)}, with \\r\\n.`;
  if (field === 'time') return `${name} is marked as used just now.`;
  return field === 'exptime' && value !== 0 ? `${name} has the time ${value} as its end.` : '';
}

function flagsSentence(name: string, old: number, value: number): string {
  if (value & DELETED && !(old & DELETED)) return `${name} is marked ITEM_DELETED: get does not find it any more.`;
  if (old & DELETED && !(value & DELETED)) return `${name} is no longer marked as deleted: it has expired instead.`;
  if (value & LINKED && !(old & LINKED)) return `${name} is marked ITEM_LINKED: it can be found.`;
  return old & LINKED && !(value & LINKED) ? `${name} is not marked ITEM_LINKED any more.` : '';
}

function listSentence(before: State, after: State, id: string, old: string, value: Value): string {
  const was = old === '' ? [] : old.split(',');
  const is = typeof value === 'string' && value !== '' ? value.split(',') : [];
  const added = is.find((address) => !was.includes(address));
  const gone = was.find((address) => !is.includes(address));
  if (added !== undefined) return `${itemName(after, added)} is the head of the LRU list of class ${id}: used last.`;
  if (gone !== undefined) return `${itemName(before, gone)} leaves the LRU list of class ${id}.`;
  return `The LRU list of class ${id} has another order.`;
}

function slabSentence(before: State, id: string, field: string | undefined, value: Value): string {
  if (id === 'limit') return value === 0 ? 'There is no limit for items.' : `Items may take ${bytes(Number(value))} (-m).`;
  if (id === 'malloced') return `Slab pages take ${bytes(Number(value))} in all.`;
  const path = `slab.${id}.${field ?? ''}`;
  if (field === 'pages') return `Class ${id} has a page of a megabyte more.`;
  if (field === 'endPageFree' && typeof value === 'number' && before.values.has(path)) {
    return `A chunk of class ${id} comes from the end of its last page: ${count(value, 'chunk')} left there.`;
  }
  if (field !== 'free') return '';
  const free = value === '' || value === null ? 0 : String(value).split(',').length;
  const was = textAt(before, path) === '' ? 0 : textAt(before, path).split(',').length;
  if (free > was) return `The chunk goes to the free list of class ${id}, for the next item.`;
  return free < was ? `A free chunk of class ${id} is used again.` : '';
}

function bucketSentence(after: State, before: State, id: string, old: string, value: Value): string {
  const was = old.split(',');
  const is = typeof value === 'string' ? value.split(',') : [];
  const added = is.find((address) => !was.includes(address));
  if (added !== undefined) return `The hash table has ${itemName(after, added)} in bucket ${id}.`;
  const gone = was.find((address) => address !== '' && !is.includes(address));
  return gone === undefined ? '' : `The hash table forgets ${itemName(before, gone)}.`;
}

function todeleteSentence(old: string, value: string): string {
  const was = old === '' ? 0 : old.split(',').length;
  const is = value === '' ? 0 : value.split(',').length;
  if (is > was) return 'The item is noted in todelete, for the timer.';
  return is < was ? 'The timer lets go of what was in todelete long enough.' : '';
}
