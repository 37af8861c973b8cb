// The expected items of one client: a plain Map with memcached's semantics, without expiry and eviction.

export interface Entry {
  /** A character for each byte. */
  value: string;
  flags: number;
}

export type StoreMode = 'set' | 'add' | 'replace' | 'append' | 'prepend';

export class Store {
  private readonly entries = new Map<string, Entry>();

  get(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  /** Returns whether it was stored. */
  store(mode: StoreMode, key: string, value: string, flags: number): boolean {
    const old = this.entries.get(key);
    if (mode !== 'set' && (old === undefined) !== (mode === 'add')) return false;
    if (old !== undefined && mode === 'append') this.entries.set(key, { ...old, value: old.value + value });
    else if (old !== undefined && mode === 'prepend') this.entries.set(key, { ...old, value: value + old.value });
    else this.entries.set(key, { value, flags });
    return true;
  }

  /** Returns whether it was there. */
  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  /** The new number; null if there is no such item, false if it is not a number. */
  count(key: string, delta: bigint, up: boolean): string | false | null {
    const old = this.entries.get(key);
    if (old === undefined) return null;
    if (!/^\d{1,20} *$/.test(old.value)) return false;
    const number = BigInt(old.value.trimEnd());
    const next = String(up ? (number + delta) % (1n << 64n) : number > delta ? number - delta : 0n);
    // A shorter number replaces the longer one in place, padded with blanks.
    this.entries.set(key, { ...old, value: next.padEnd(old.value.length, ' ') });
    return next;
  }

  /**
   * Whether a number keeps its length when `delta` is subtracted. If it gets shorter, memcached pads it in place,
   * unless the item is being sent.
   */
  staysLong(key: string, delta: bigint): boolean {
    const value = this.entries.get(key)?.value ?? '';
    return !/^\d{1,20} *$/.test(value) || String(BigInt(value.trimEnd()) - delta).length === value.trimEnd().length;
  }

  /** Whether the value is clearly a number, or clearly none: servers differ on values in between. */
  isPlain(key: string): boolean {
    return /^(\d{1,20} *$|[^\s\d+\-\0])/.test(this.entries.get(key)?.value ?? '');
  }
}
