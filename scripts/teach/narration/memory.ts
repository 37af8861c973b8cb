// Sentences for changed bytes that no other sentence mentions.
import type { State } from '../state';
import type { Step } from '../trace';
import { itemName, numberAt, quoted } from './values';

const TEXT_BYTES = 64;
const IBUF_BYTES = 320;
/** The words of an item. */
const HEADER = [
  'next', 'prev', 'refcount', 'itFlags', 'key', 'data', 'slabsClsid', 'nbytes', 'ntotal', 'flags', 'time', 'exptime',
];
const HEADER_BYTES = 4 * HEADER.length;

/** One sentence for each buffer with changes. */
export function memorySentences({ mem = [] }: Step, state: State): string[] {
  return [...new Set(mem.map(([address]) => memorySentence(address, state)))];
}

function memorySentence(address: number, state: State): string {
  for (const path of state.values.keys()) {
    const [kind, id, field] = path.split('.');
    if (kind === 'conn' && field === 'address') {
      const found = inBuffers(address, state, `conn.${id}`);
      if (found !== null) return found;
    }
    if (kind === 'item' && field === 'key') {
      const start = Number(id);
      if (address >= start && address < start + Math.max(numberAt(state, `item.${id}.ntotal`), HEADER_BYTES)) {
        return inItem(address, state, id);
      }
    }
  }
  return `The memory at 0x${address.toString(16)} has changed.`;
}

function inBuffers(address: number, state: State, conn: string): string | null {
  const at = (field: string): number => numberAt(state, `${conn}.${field}`);
  const within = (start: number, size: number): boolean => start !== 0 && address >= start && address < start + size;
  if (within(at('rbuf'), at('rsize'))) return text('rbuf', at('rbuf'), state);
  if (within(at('wbuf'), at('wsize'))) return text('wbuf', at('wbuf'), state);
  if (within(at('ibuf'), IBUF_BYTES)) return text('ibuf', at('ibuf'), state);
  if (!within(at('ilist'), 4 * at('isize'))) return null;
  return `ilist has ${itemName(state, String(state.memory.word(address)))} at its place ${(address - at('ilist')) / 4}.`;
}

function text(buffer: string, start: number, state: State): string {
  return `${buffer} holds ${quoted(state.memory.latin1(start, TEXT_BYTES).split('\0', 1)[0])} now, up to its first NUL.`;
}

function inItem(address: number, state: State, id: string): string {
  const data = numberAt(state, `item.${id}.data`);
  const offset = address - Number(id);
  const name = itemName(state, id);
  if (offset < HEADER_BYTES) return `${HEADER[offset / 4]} of ${name} is set.`;
  if (data !== 0 && address >= data) return `The data of ${name} are there, from byte ${address - data}.`;
  return `The key of ${name} is there.`;
}
