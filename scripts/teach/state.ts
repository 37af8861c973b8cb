// The state at a step: the changes of all steps up to it, combined. Every view is a function of this and the trace.
import type { Step, Trace, Value } from './trace';

/** A whole state is kept every this many steps, so that any other is few steps from one. */
const KEYFRAME_STEPS = 128;
const BLOCK_BYTES = 256;

export interface FrameState {
  fn: string;
  /** Index in Trace.files. */
  file: number;
  line: number;
  /** Of the innermost frame at this step; of the others at their calls. */
  locals: Readonly<Record<string, string>>;
}

export interface State {
  step: Step;
  /** By path (trace.ts). */
  values: ReadonlyMap<string, Value>;
  memory: Memory;
  /** From main to the innermost. */
  frames: readonly FrameState[];
}

/** The watched parts of the flat memory; bytes never written are 0. */
export class Memory {
  constructor(private readonly blocks: ReadonlyMap<number, Uint8Array>) {}

  byte(address: number): number {
    return this.blocks.get(Math.floor(address / BLOCK_BYTES))?.[address % BLOCK_BYTES] ?? 0;
  }

  /** Little endian, as in C. */
  word(address: number): number {
    const [a, b, c, d] = [0, 1, 2, 3].map((i) => this.byte(address + i));
    return a + b * 2 ** 8 + c * 2 ** 16 + d * 2 ** 24;
  }

  bytes(address: number, length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.byte(address + i));
  }

  /** One character for each byte. */
  latin1(address: number, length: number): string {
    return String.fromCharCode(...this.bytes(address, length));
  }
}

interface Keyframe {
  values: Map<string, Value>;
  blocks: Map<number, Uint8Array>;
  locals: (Record<string, string>)[];
}

const keyframes = new WeakMap<Trace, Keyframe[]>();

/** The last requested state: the next request is often a step or two further. */
const recent = new WeakMap<Trace, { n: number; frame: Keyframe }>();

/** The state when step `n` (0 to steps.length - 1) is about to run. */
export function stateAt(trace: Trace, n: number): State {
  if (!(n >= 0 && n < trace.steps.length)) throw new RangeError(`there is no step ${n}`);
  const frame = frameAt(trace, n);
  recent.set(trace, { n, frame });
  const { values, blocks, locals } = frame;
  const step = trace.steps[n];
  const frames = trace.stacks[step.stack].map(({ fn, line }, depth) => {
    return { fn: trace.functions[fn], file: trace.functionFiles[fn], line, locals: locals.at(depth) ?? {} };
  });
  return { step, values, memory: new Memory(blocks), frames };
}

function frameAt(trace: Trace, n: number): Keyframe {
  const near = recent.get(trace);
  if (near !== undefined && n >= near.n && n - near.n < KEYFRAME_STEPS) {
    return n === near.n ? near.frame : fold(trace, near.frame, near.n + 1, n);
  }
  const known = keyframes.get(trace) ?? [];
  keyframes.set(trace, known);
  const at = Math.floor(n / KEYFRAME_STEPS);
  while (known.length <= at) {
    const last = known.at(-1) ?? { values: new Map(), blocks: new Map(), locals: [] };
    const from = (known.length - 1) * KEYFRAME_STEPS;
    known.push(fold(trace, last, from + 1, from + KEYFRAME_STEPS));
  }
  return fold(trace, known[at], at * KEYFRAME_STEPS + 1, n);
}

/** Applies the steps from `from` to `to` to `start`. */
function fold(trace: Trace, start: Keyframe, from: number, to: number): Keyframe {
  const values = new Map(start.values);
  const blocks = new Map(start.blocks);
  const locals = [...start.locals];
  const own = new Set<number>();
  for (let i = Math.max(from, 0); i <= Math.min(to, trace.steps.length - 1); i++) {
    const { set, mem, stack, locals: shown } = trace.steps[i];
    for (const [path, value] of Object.entries(set ?? {})) {
      if (value === null) values.delete(path);
      else values.set(path, value);
    }
    for (const [address, text] of mem ?? []) store(blocks, own, address, text);
    const depth = trace.stacks[stack].length;
    locals.length = Math.min(locals.length, depth);
    while (locals.length < depth) locals.push({});
    if (shown !== undefined) locals[depth - 1] = shown;
  }
  return { values, blocks, locals };
}

/** Copies blocks before changing them unless they are our `own`: a keyframe shares the others. */
function store(blocks: Map<number, Uint8Array>, own: Set<number>, address: number, text: string): void {
  for (let i = 0; i < text.length; i++) {
    const id = Math.floor((address + i) / BLOCK_BYTES);
    let block = blocks.get(id);
    if (block === undefined || !own.has(id)) {
      block = block === undefined ? new Uint8Array(BLOCK_BYTES) : block.slice();
      blocks.set(id, block);
      own.add(id);
    }
    block[(address + i) % BLOCK_BYTES] = text.charCodeAt(i);
  }
}
