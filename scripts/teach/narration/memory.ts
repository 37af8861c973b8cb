// Sentences for bytes that have changed, where nothing else tells of them.
import type { State } from '../state';
import type { Step } from '../trace';
import { itemName, numberAt, quoted } from './values';

const SHOWN_BYTES = 40;
const IBUF_BYTES = 320;
const BUFFERS = ['rbuf', 'wbuf', 'ilist', 'ibuf'] as const;

/** One for each run of changed bytes. */
export function memorySentences({ mem = [] }: Step, state: State): string[] {
  return mem.map(([address, text]) => {
    const place = placeOf(address, state);
    return `${place} holds ${quoted(text.slice(0, SHOWN_BYTES))} now.`;
  });
}

function placeOf(address: number, state: State): string {
  for (const path of state.values.keys()) {
    const [kind, id, field] = path.split('.');
    if (kind === 'conn' && field === 'address') {
      const found = inBuffers(address, state, `conn.${id}`);
      if (found !== null) return found;
    }
    if (kind === 'item' && field === 'key') {
      const start = Number(id);
      if (address >= start && address < start + Math.max(numberAt(state, `item.${id}.ntotal`), 1)) {
        return `${itemName(state, id)}, from its byte ${address - start},`;
      }
    }
  }
  return `The memory at 0x${address.toString(16)}`;
}

function inBuffers(address: number, state: State, conn: string): string | null {
  const sizes = {
    rbuf: numberAt(state, `${conn}.rsize`), wbuf: numberAt(state, `${conn}.wsize`),
    ilist: 4 * numberAt(state, `${conn}.isize`), ibuf: IBUF_BYTES,
  };
  for (const buffer of BUFFERS) {
    const start = numberAt(state, `${conn}.${buffer}`);
    if (start !== 0 && address >= start && address < start + sizes[buffer]) {
      return `${buffer}, from byte ${address - start},`;
    }
  }
  return null;
}
