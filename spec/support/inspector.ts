// Starts a launch configuration of .vscode/launch.json, and acts as its debugger.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { TraceMap, generatedPositionFor, originalPositionFor } from '@jridgewell/trace-mapping';
import type { ExecutionContext } from 'ava';
import WebSocket from 'ws';
import { root } from './server';

interface Message {
  id?: number;
  method?: string;
  params: Record<string, unknown>;
  result: Record<string, unknown>;
}

export interface Configuration {
  name: string;
  program: string;
  runtimeArgs?: string[];
  args: string[];
  skipFiles: string[];
}

/** `inputs`: the values that the debugger asks the user for before it starts. */
export const { configurations, inputs } = JSON.parse(readFileSync(join(root, '.vscode', 'launch.json'), 'utf8')) as {
  configurations: Configuration[];
  inputs: { id: string; options: string[] }[];
};

/** Where the program stands: the innermost function, and the line of its TypeScript source. */
export interface Stop {
  fn: string;
  line: number | null;
  /** The value of an expression in that function; if it is not a plain value, the debugger's text for it. */
  evaluate: (expression: string) => Promise<unknown>;
}

interface CallFrame {
  callFrameId: string;
  functionName: string;
  location: { lineNumber: number; columnNumber: number };
}

export class Inspector {
  private id = 0;
  private messages: Message[] = [];
  private wake: () => void = () => {};

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as Message);
      this.wake();
    });
  }

  static async attach(t: ExecutionContext, url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    t.teardown(() => socket.terminate());
    await once(socket, 'open');
    const inspector = new Inspector(socket);
    await inspector.call('Debugger.enable');
    return inspector;
  }

  async call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.id;
    this.socket.send(JSON.stringify({ id, method, params }));
    return (await this.next((message) => message.id === id)).result;
  }

  async event(method: string): Promise<Record<string, unknown>> {
    return (await this.next((message) => message.method === method)).params;
  }

  /** A breakpoint on a line of a source file, whose compiled form runs as the file `path`. */
  async breakAt(source: Source, line: number, path = source.compiledPath): Promise<void> {
    const urlRegex = `${path.replaceAll('.', '\\.')}$`;
    await this.call('Debugger.setBreakpointByUrl', { urlRegex, ...source.compiledAt(line) });
  }

  /** Resumes a program that waits for its debugger. */
  async run(): Promise<void> {
    await this.call('Runtime.runIfWaitingForDebugger');
  }

  /** Disconnects the debugger: the program runs on. */
  detach(): void {
    this.socket.terminate();
  }

  async stop(source: Source): Promise<Stop> {
    const [frame] = (await this.event('Debugger.paused')).callFrames as CallFrame[];
    const { callFrameId, functionName, location } = frame;
    return {
      fn: functionName,
      line: source.lineOf(location.lineNumber, location.columnNumber),
      evaluate: async (expression) => {
        const { result } = await this.call('Debugger.evaluateOnCallFrame', { callFrameId, expression });
        const { value, description } = result as { value?: unknown; description?: string };
        return value ?? description ?? null;
      },
    };
  }

  private async next(fits: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const at = this.messages.findIndex(fits);
      if (at !== -1) return this.messages.splice(at, 1)[0];
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

/** A TypeScript file, with the places of its lines in tsc's output. */
export class Source {
  private readonly map: TraceMap;
  private readonly lines: string[];

  readonly path: string;
  readonly compiledPath: string;

  /** `file`: from the project's root. */
  constructor(file: string) {
    this.path = join(root, file);
    this.compiledPath = join(root, 'dist', file).replace(/\.ts$/, '.js');
    this.lines = readFileSync(this.path, 'utf8').split('\n');
    this.map = new TraceMap(readFileSync(`${this.compiledPath}.map`, 'utf8'));
  }

  /** The first line, from 1, that has `text`, at or after the first that has `after`. */
  lineWith(text: string, after = text): number {
    const from = this.lines.findIndex((line) => line.includes(after));
    const at = this.lines.findIndex((line, i) => i >= from && line.includes(text));
    if (from === -1 || at === -1) throw new Error(`${this.path} has no ${text}`);
    return at + 1;
  }

  compiledAt(line: number): { lineNumber: number; columnNumber: number } {
    const source = this.map.sources[0] ?? '';
    const column = this.lines[line - 1].search(/\S/);
    const generated = generatedPositionFor(this.map, { source, line, column });
    if (generated.line === null) throw new Error(`${this.path}: no code for line ${line}`);
    return { lineNumber: generated.line - 1, columnNumber: generated.column };
  }

  lineOf(lineNumber: number, columnNumber: number): number | null {
    return originalPositionFor(this.map, { line: lineNumber + 1, column: columnNumber }).line;
  }
}

export interface Launched {
  /** The address of the next inspector that opens: of the program, then of those that it starts. */
  inspector(): Promise<string>;
  /** Resolves to the first group's match of a pattern in its output. */
  says(pattern: RegExp): Promise<string>;
}

/**
 * Starts the configuration of this name, as a debugger would, with `values` in place of its variables and arguments:
 * `${file}`, `22122`. Each process waits for its debugger.
 */
export function launch(t: ExecutionContext, name: string, values: Readonly<Record<string, string>> = {}): Launched {
  const found = configurations.find((configuration) => configuration.name === name);
  if (found === undefined) throw new Error(`there is no configuration ${name}`);
  const resolved = (word: string): string => Object.entries({ '${workspaceFolder}': root, ...values })
    .reduce((text, [variable, value]) => text.replaceAll(variable, value), word);
  const line = [...found.runtimeArgs ?? [], found.program, ...found.args].map(resolved);
  // CI: ava refuses to be debugged in continuous integration.
  const env = {
    ...process.env, NODE_V8_COVERAGE: undefined, DEBUG: 'memcached:conn', NODE_OPTIONS: '--inspect-wait=127.0.0.1:0',
    FORCE_COLOR: '0', CI: 'false',
  };
  const child = spawn(process.execPath, line, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const said: string[] = [];
  let wake = (): void => {};
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (text) => {
      said.push(text);
      wake();
    });
  }
  const says = async (pattern: RegExp): Promise<string> => {
    for (;;) {
      const at = said.findIndex((text) => pattern.test(text));
      if (at !== -1) return pattern.exec(said.splice(at, 1)[0])?.[1] ?? '';
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { inspector: () => says(/listening on (ws:\S+)/), says };
}
