// The typed arrays of the flat memory, with a guard before each access. Slow, since a Proxy gets each index as a
// string: only for checked runs.
import type { Guard } from './guard';

/** `array`, whose elements have four bytes. */
export function checkedWords<T extends Uint32Array | Int32Array>(array: T, guard: Guard): T {
  return new Proxy(array, {
    get(target, key) {
      const index = Number(key);
      if (index >= 0) {
        if (guard.open === 0 && !guard.shadow.isWordAddressable(index)) guard.read(4 * index, 4);
        return target[index];
      }
      return propertyOf(target, key, guard);
    },
    set(target, key, value: number) {
      const index = Number(key);
      guard.write(4 * index, 4);
      target[index] = value;
      return true;
    },
  });
}

/** `array` of single bytes. Its methods check the bytes that they use. */
export function checkedBytes(array: Uint8Array<ArrayBuffer>, guard: Guard): Uint8Array<ArrayBuffer> {
  const methods = new Map(Object.entries(checkedMethods(array, guard)));
  return new Proxy(array, {
    get(target, key) {
      const index = Number(key);
      if (index >= 0) {
        if (guard.open === 0 && !guard.shadow.isAddressable(index)) guard.read(index, 1);
        return target[index];
      }
      return typeof key === 'string' && methods.has(key) ? methods.get(key) : propertyOf(target, key, guard);
    },
    set(target, key, value: number) {
      const index = Number(key);
      guard.write(index, 1);
      target[index] = value;
      return true;
    },
  });
}

function propertyOf(array: Uint8Array | Uint32Array | Int32Array, key: string | symbol, guard: Guard): unknown {
  if (!(key in array)) guard.violate('outside of a block', `read at ${String(key)}`, 0, null);
  const value: unknown = Reflect.get(array, key, array);
  return typeof value === 'function' ? value.bind(array) : value;
}

type Methods = Pick<Uint8Array<ArrayBuffer>, 'fill' | 'copyWithin' | 'set' | 'subarray' | 'slice'>;

function checkedMethods(array: Uint8Array<ArrayBuffer>, guard: Guard): Methods {
  return {
    fill(value, start = 0, end = array.length) {
      guard.write(start, end - start);
      return array.fill(value, start, end);
    },
    copyWithin(target, start, end = array.length) {
      guard.copy(target, start, end - start);
      return array.copyWithin(target, start, end);
    },
    set(from, offset = 0) {
      guard.write(offset, from.length);
      array.set(from, offset);
    },
    subarray(begin = 0, end = array.length) {
      guard.read(begin, end - begin);
      return array.subarray(begin, end);
    },
    slice(start = 0, end = array.length) {
      guard.read(start, end - start);
      return array.slice(start, end);
    },
  };
}

/**
 * Words at any address. A read need only begin within a block: functions that search for the end of a string read a
 * word at a time, up to three bytes too far, and ignore those.
 */
export class CheckedDataView extends DataView<ArrayBuffer> {
  constructor(buffer: ArrayBuffer, private readonly guard: Guard) {
    super(buffer);
  }

  override getUint8(p: number): number {
    this.guard.read(p, 1);
    return super.getUint8(p);
  }

  override getUint16(p: number, littleEndian?: boolean): number {
    this.guard.read(p, 1);
    return super.getUint16(p, littleEndian);
  }

  override getInt32(p: number, littleEndian?: boolean): number {
    this.guard.read(p, 1);
    return super.getInt32(p, littleEndian);
  }

  override getUint32(p: number, littleEndian?: boolean): number {
    this.guard.read(p, 1);
    return super.getUint32(p, littleEndian);
  }

  override setUint8(p: number, value: number): void {
    this.guard.write(p, 1);
    super.setUint8(p, value);
  }

  override setInt16(p: number, value: number, littleEndian?: boolean): void {
    this.guard.write(p, 2);
    super.setInt16(p, value, littleEndian);
  }

  override setUint16(p: number, value: number, littleEndian?: boolean): void {
    this.guard.write(p, 2);
    super.setUint16(p, value, littleEndian);
  }

  override setInt32(p: number, value: number, littleEndian?: boolean): void {
    this.guard.write(p, 4);
    super.setInt32(p, value, littleEndian);
  }

  override setUint32(p: number, value: number, littleEndian?: boolean): void {
    this.guard.write(p, 4);
    super.setUint32(p, value, littleEndian);
  }
}
