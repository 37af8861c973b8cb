// The bytes of the flat memory, as typed arrays: what memory.ts takes and gives out. A namespace, and not four exports,
// for speed: its variables are fields of one object, and one that was assigned once is a constant to V8's compiler,
// address, length and all. That is a tenth of all time that the server spends in JavaScript.

// eslint-disable-next-line @typescript-eslint/no-namespace -- its fields are assigned later, and imported by name
namespace heap {
  /** `u8[p]` is C's `*(unsigned char *)p`. */
  export let u8: Uint8Array<ArrayBuffer>;
  /** As 32-bit words: `u32[p >>> 2]`, `p` a multiple of 4. */
  export let u32: Uint32Array<ArrayBuffer>;
  export let i32: Int32Array<ArrayBuffer>;
  /** As words at any address: `dv.getUint32(p, true)`. */
  export let dv: DataView<ArrayBuffer>;

  /** Has another memory be the one, or the first. */
  export function setHeap(buffer: ArrayBuffer): void {
    u8 = new Uint8Array(buffer);
    u32 = new Uint32Array(buffer);
    i32 = new Int32Array(buffer);
    dv = new DataView(buffer);
  }
}

export = heap;
