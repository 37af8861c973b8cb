// Finds the parts of the state that have changed since the last look.
import type { Value } from '../trace';

export class Changes {
  private readonly known = new Map<string, Value>();
  private fresh: Record<string, Value> | null = null;

  put(path: string, value: Value): void {
    if (this.known.get(path) === value) return;
    this.known.set(path, value);
    (this.fresh ??= {})[path] = value;
  }

  /** Removes a part of the state. */
  drop(path: string): void {
    if (this.known.delete(path)) (this.fresh ??= {})[path] = null;
  }

  /** What has changed since the last call, by path; null if nothing has. */
  take(): Record<string, Value> | null {
    const { fresh } = this;
    this.fresh = null;
    return fresh;
  }
}

/** Compares a sequence of values with the last one. If they are equal, as nearly always, it allocates nothing. */
export class Signature {
  private readonly values: unknown[] = [];
  private length = 0;
  private next = 0;
  private differs = true;

  add(value: unknown): void {
    if (this.values[this.next] !== value) {
      this.values[this.next] = value;
      this.differs = true;
    }
    this.next++;
  }

  /** Ends a sequence, and returns whether it differs from the one before. */
  changed(): boolean {
    const changed = this.differs || this.next !== this.length;
    this.length = this.next;
    this.next = 0;
    this.differs = false;
    return changed;
  }
}

/** The paths of an object's fields: made once, since every step needs them. */
export class Paths {
  private readonly made = new Map<string, readonly string[]>();

  constructor(private readonly fields: readonly string[]) {}

  of(prefix: string): readonly string[] {
    const known = this.made.get(prefix);
    if (known !== undefined) return known;
    const paths = this.fields.map((field) => `${prefix}.${field}`);
    this.made.set(prefix, paths);
    return paths;
  }
}
