// Finds out which parts of the state have changed since it was told of them last.
import type { Value } from '../trace';

export class Changes {
  private readonly known = new Map<string, Value>();
  private fresh: Record<string, Value> | null = null;

  put(path: string, value: Value): void {
    if (this.known.get(path) === value) return;
    this.known.set(path, value);
    (this.fresh ??= {})[path] = value;
  }

  /** There is no such part any more. */
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

/** Whether a sequence of values is the same as the last time. Nearly always it is, and then nothing is allocated. */
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

  /** Ends a sequence: whether it differs from the one before. */
  changed(): boolean {
    const changed = this.differs || this.next !== this.length;
    this.length = this.next;
    this.next = 0;
    this.differs = false;
    return changed;
  }
}

/** The paths of the fields of one thing: made once, since they are asked for at every step. */
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
