// The bytes of the flat memory, as typed arrays. memory.ts allocates from them. This is a namespace instead of four
// exports for speed: its variables are fields of one object, and V8's compiler treats a field that is assigned once as
// a constant, with address and length. That saves a tenth of the server's JavaScript time.

// eslint-disable-next-line @typescript-eslint/no-namespace -- its fields are assigned later, and imported by name
namespace heap {
  /** `u8[p]` is C's `*(unsigned char *)p`. */
  export let u8: Uint8Array<ArrayBuffer>;
  /** As 32-bit words: `u32[p >>> 2]`, `p` a multiple of 4. */
  export let u32: Uint32Array<ArrayBuffer>;
  export let i32: Int32Array<ArrayBuffer>;
  /** As words at any address: `dv.getUint32(p, true)`. */
  export let dv: DataView<ArrayBuffer>;

  /** Uses `memory` from now on. */
  export function setHeap(buffer: ArrayBuffer): void {
    u8 = new Uint8Array(buffer);
    u32 = new Uint32Array(buffer);
    i32 = new Int32Array(buffer);
    dv = new DataView(buffer);
  }
}

export = heap;
