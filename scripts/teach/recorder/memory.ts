// Finds changed bytes in the watched parts of the flat memory.
import { u32, u8 } from '../../../lib/libc/heap';

/** A part of the memory. Its start is a multiple of 4. */
export type Region = readonly [start: number, length: number];

/** After this many equal words a new run of changes begins. */
const GAP_WORDS = 2;

export class MemoryWatch {
  /** The memory as last reported. */
  private readonly shadow = new Uint32Array(u32.length);

  /** Runs of changed bytes, in whole words: address, and text as latin1. */
  changes(regions: readonly Region[]): [address: number, latin1: string][] {
    const runs: [number, string][] = [];
    const { shadow } = this;
    const words = u32;
    for (const [start, length] of regions) {
      const end = Math.ceil((start + length) / 4);
      let first = -1;
      let last = -1;
      for (let i = start >>> 2; i < end; i++) {
        if (words[i] === shadow[i]) continue;
        shadow[i] = words[i];
        if (first !== -1 && i - last > GAP_WORDS) {
          runs.push([first * 4, latin1(first * 4, (last + 1) * 4)]);
          first = -1;
        }
        if (first === -1) first = i;
        last = i;
      }
      if (first !== -1) runs.push([first * 4, latin1(first * 4, (last + 1) * 4)]);
    }
    return runs;
  }
}

/** The bytes from `start` to `end`, one character each. */
export function latin1(start: number, end: number): string {
  let text = '';
  for (let p = start; p < end; p++) text += String.fromCharCode(u8[p]);
  return text;
}

/** The C string at `p`, at most `max` bytes of it. */
export function cString(p: number, max: number): string {
  let end = p;
  while (end < p + max && end < u8.length && u8[end] !== 0) end++;
  return latin1(p, end);
}
