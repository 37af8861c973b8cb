// The port in a debugger: a breakpoint in the TypeScript source is hit, and an idle server can be paused.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { TraceMap, generatedPositionFor, originalPositionFor } from '@jridgewell/trace-mapping';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import WebSocket from 'ws';
import { Client } from './support/client';
import { root } from './support/server';

const SOURCE = join(root, 'lib', 'memcached.ts');

interface Message {
  id?: number;
  method?: string;
  params: Record<string, unknown>;
  result: Record<string, unknown>;
}

class Inspector {
  private id = 0;
  private messages: Message[] = [];
  private wake: () => void = () => {};

  constructor(private readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => {
      this.messages.push(JSON.parse(data.toString()) as Message);
      this.wake();
    });
  }

  async call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.id;
    this.socket.send(JSON.stringify({ id, method, params }));
    return (await this.next((message) => message.id === id)).result;
  }

  async event(
    method: string, fits: (params: Record<string, unknown>) => boolean = () => true,
  ): Promise<Record<string, unknown>> {
    return (await this.next((message) => message.method === method && fits(message.params))).params;
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

async function debugged(t: ExecutionContext, args: readonly string[]): Promise<{ port: number; inspector: Inspector }> {
  const line = ['--inspect=127.0.0.1:0', ...args, '--1.0', '-p', '0', '-l', '127.0.0.1'];
  const env = { ...process.env, NODE_V8_COVERAGE: undefined, DEBUG: 'memcached:conn' };
  const child = spawn(process.execPath, line, { cwd: root, env, stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  const lines = matches(child.stderr, /listening on (ws:\S+)/, /listening on port (\d+)/);
  const [url, port] = await lines;
  const socket = new WebSocket(url);
  t.teardown(() => socket.terminate());
  await once(socket, 'open');
  const inspector = new Inspector(socket);
  await inspector.call('Debugger.enable');
  return { port: Number(port), inspector };
}

/** What the first group of each pattern matched, when all have. */
function matches(stream: Readable, ...patterns: RegExp[]): Promise<string[]> {
  const found: string[] = [];
  return new Promise((resolve) => {
    createInterface({ input: stream }).on('line', (text) => {
      for (const [i, pattern] of patterns.entries()) {
        const match = pattern.exec(text);
        if (match !== null && !(i in found)) found[i] = match[1];
      }
      if (Object.keys(found).length === patterns.length) resolve(found);
    });
  });
}

/** The line, from 1, of the first statement of `case ConnState.nread`. */
function nreadLine(): number {
  const lines = readFileSync(SOURCE, 'utf8').split('\n');
  const at = lines.findIndex((text) => text.includes('case ConnState.nread:'));
  return lines.findIndex((text, i) => i > at && text.includes('c.rlbytes === 0')) + 1;
}

async function stopsInNread(
  t: ExecutionContext, port: number, inspector: Inspector, map: TraceMap, url: string,
): Promise<void> {
  const line = nreadLine();
  const source = map.sources.find((name) => name?.endsWith('memcached.ts')) ?? '';
  const generated = generatedPositionFor(map, { source, line, column: 8 });
  if (generated.line === null) throw new Error(`no code for line ${line}`);
  await inspector.call('Debugger.setBreakpointByUrl', {
    url, lineNumber: generated.line - 1, columnNumber: generated.column,
  });
  const client = await Client.connect(port);
  client.send('set a 0 0 3\r\nabc\r\n');
  const paused = await inspector.event('Debugger.paused');
  const [frame] = paused.callFrames as {
    callFrameId: string; functionName: string; location: { lineNumber: number; columnNumber: number };
  }[];
  t.is(frame.functionName, 'driveMachine');
  const { lineNumber, columnNumber } = frame.location;
  t.is(originalPositionFor(map, { line: lineNumber + 1, column: columnNumber }).line, line);
  const read = async (expression: string): Promise<unknown> => {
    const { result } = await inspector.call('Debugger.evaluateOnCallFrame', { callFrameId: frame.callFrameId, expression });
    return (result as { value: unknown }).value;
  };
  t.is(await read('c.state'), 3);
  t.is(await read('c.rlbytes'), 5);
  t.is(await read('c.item.nbytes'), 5);
  t.is(await read('exit'), false);
  await inspector.call('Debugger.disable');
  t.is(await client.ask(''), 'STORED\r\n');
}

test('a breakpoint on case ConnState.nread is hit on its TypeScript line, and the locals can be read', async (t) => {
  const compiled = join(root, 'dist', 'lib', 'memcached.js');
  const { port, inspector } = await debugged(t, ['--enable-source-maps', join(root, 'dist', 'scripts', 'memcached-ts.js')]);
  const map = new TraceMap(readFileSync(`${compiled}.map`, 'utf8'));
  await stopsInNread(t, port, inspector, map, pathToFileURL(compiled).href);
});

test('so it is through ts-node, whose source map is in the script', async (t) => {
  const { port, inspector } = await debugged(t, ['-r', 'ts-node/register/transpile-only', join('scripts', 'memcached-ts.ts')]);
  const url = pathToFileURL(SOURCE).href;
  const script = await inspector.event('Debugger.scriptParsed', (params) => params.url === url || params.url === SOURCE);
  const data = String(script.sourceMapURL);
  const map = new TraceMap(Buffer.from(data.slice(data.indexOf(',') + 1), 'base64').toString());
  await stopsInNread(t, port, inspector, map, String(script.url));
});

test('an idle server can be paused, and serves when it goes on', async (t) => {
  const { port, inspector } = await debugged(t, [join(root, 'dist', 'scripts', 'memcached-ts.js')]);
  await inspector.call('Debugger.pause');
  await inspector.event('Debugger.paused');
  await inspector.call('Debugger.resume');
  const client = await Client.connect(port);
  t.is(await client.ask('version\r\n'), 'VERSION 1.0.4\r\n');
});
