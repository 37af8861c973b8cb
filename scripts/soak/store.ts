// What a server must have of one client's keys: a plain Map with memcached's semantics, without expiry and eviction.

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

  /** Whether it is stored. */
  store(mode: StoreMode, key: string, value: string, flags: number): boolean {
    const old = this.entries.get(key);
    if (mode !== 'set' && (old === undefined) !== (mode === 'add')) return false;
    if (old !== undefined && mode === 'append') this.entries.set(key, { ...old, value: old.value + value });
    else if (old !== undefined && mode === 'prepend') this.entries.set(key, { ...old, value: value + old.value });
    else this.entries.set(key, { value, flags });
    return true;
  }

  /** Whether it was there. */
  delete(key: string): boolean {
    return this.entries.delete(key);
  }

  /** The new number; null where there is no such item, false where it has no number. */
  count(key: string, delta: bigint, up: boolean): string | false | null {
    const old = this.entries.get(key);
    if (old === undefined) return null;
    if (!/^\d{1,20} *$/.test(old.value)) return false;
    const number = BigInt(old.value.trimEnd());
    const next = String(up ? (number + delta) % (1n << 64n) : number > delta ? number - delta : 0n);
    // A shorter number is written in the place of the longer, and blanks behind it.
    this.entries.set(key, { ...old, value: next.padEnd(old.value.length, ' ') });
    return next;
  }

  /**
   * Whether a number stays as long when `delta` is taken from it. Where it gets shorter, memcached writes it in the
   * place of the longer, or not, as it is being sent or not.
   */
  staysLong(key: string, delta: bigint): boolean {
    const value = this.entries.get(key)?.value ?? '';
    return !/^\d{1,20} *$/.test(value) || String(BigInt(value.trimEnd()) - delta).length === value.trimEnd().length;
  }

  /** Whether it is beyond doubt that the value is a number, or is none: servers read what is between as they like. */
  isPlain(key: string): boolean {
    return /^(\d{1,20} *$|[^\s\d+\-\0])/.test(this.entries.get(key)?.value ?? '');
  }
}
