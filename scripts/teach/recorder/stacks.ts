// The call stack by the marks, and its states, each kept once.
import type { Locals } from '../probe';
import type { Frame } from '../trace';
import { Signature } from './changes';

export interface OpenFrame {
  fn: number;
  /** The last mark in it; -1 before the first. */
  site: number;
  line: number;
  /** Its locals at that mark: they do not change while a callee runs. */
  locals: Record<string, unknown>;
  /** Gets the locals, if they are not recorded yet. */
  later: Locals | null;
  /** The locals as last reported. */
  signature: Signature;
  /** The stack below, by its index in `kept`; -1 for none. */
  below: number;
}

const FUNCTIONS_MAX = 1024;
const LINES_MAX = 65536;

export class Stacks {
  readonly open: OpenFrame[] = [];
  readonly kept: Frame[][] = [];
  private readonly ids = new Map<number, number>();

  enter(fn: number): void {
    this.open.push({ fn, site: -1, line: 0, locals: {}, later: null, signature: new Signature(), below: this.now() });
  }

  leave(): void {
    this.open.pop();
  }

  get top(): OpenFrame | undefined {
    return this.open.at(-1);
  }

  /** The index in `kept` of the stack as it is now; -1 if it is empty. */
  now(): number {
    const { top } = this;
    if (top === undefined) return -1;
    const { fn, line, below } = top;
    const key = ((below + 1) * FUNCTIONS_MAX + fn) * LINES_MAX + line;
    const known = this.ids.get(key);
    if (known !== undefined) return known;
    this.ids.set(key, this.kept.length);
    this.kept.push([...(below === -1 ? [] : this.kept[below]), { fn, line }]);
    return this.kept.length - 1;
  }
}
