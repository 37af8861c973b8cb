// The call stack as the marks tell it, and its states, each kept once.
import type { Frame } from '../trace';

export interface OpenFrame {
  fn: number;
  /** The last mark in it; -1 before the first. */
  site: number;
  line: number;
  /** Its locals at that mark: they stay as they are while a function runs that it has called. */
  locals: Record<string, unknown>;
  /** What of the locals was told last; null if nothing was. */
  shown: string | null;
}

export class Stacks {
  readonly open: OpenFrame[] = [];
  readonly kept: Frame[][] = [];
  private readonly ids = new Map<string, number>();

  enter(fn: number): void {
    this.open.push({ fn, site: -1, line: 0, locals: {}, shown: null });
  }

  leave(): void {
    this.open.pop();
  }

  get top(): OpenFrame | undefined {
    return this.open.at(-1);
  }

  /** The index in `kept` of the stack as it is now. */
  now(): number {
    const key = this.open.map(({ fn, line }) => `${fn}:${line}`).join();
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    this.ids.set(key, this.kept.length);
    this.kept.push(this.open.map(({ fn, line }) => ({ fn, line })));
    return this.kept.length - 1;
  }
}
