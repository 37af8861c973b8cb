// exit(3): the one way out of the program. Node's own way may wait for ever, so it is taken only where it is needed.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';

import { program as server, root } from './support/server';

interface Run {
  args?: readonly string[];
  nodeArgs?: readonly string[];
  env?: NodeJS.ProcessEnv;
}

function run(t: ExecutionContext, expected: number, { args = [], nodeArgs = [], env = {} }: Run = {}): string[] {
  const program = join(root, 'dist', 'spec', 'support', 'exit-program.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [...nodeArgs, program, '3', ...args], {
    env: { ...process.env, NODE_V8_COVERAGE: undefined, NODE_OPTIONS: undefined, ...env },
    encoding: 'utf8',
  });
  t.is(stderr, '');
  t.is(status, expected);
  return stdout.trimEnd().split('\n');
}

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'exit-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  return path;
}

const listeners = ['first listener: 3', 'last listener: 3'];
const nodesOwn = [...listeners, "Node's own way"];

test("exit calls all listeners of 'exit' and ends the process with the status, without Node's own exit", (t) => {
  t.deepEqual(run(t, 3), listeners);
});

test("without koffi, Node's own exit is used", (t) => {
  t.deepEqual(run(t, 3, { args: ['without-koffi'] }), nodesOwn);
});

test('exit in a worker ends the worker, as process.exit does', (t) => {
  t.deepEqual(run(t, 0, { args: ['in-worker'] }), [...nodesOwn, 'the worker ended with 3']);
});

test('exit with NODE_V8_COVERAGE writes the coverage', (t) => {
  const directory = folder(t);
  t.deepEqual(run(t, 3, { env: { NODE_V8_COVERAGE: directory } }), nodesOwn);
  t.is(readdirSync(directory).length, 1);
});

for (const kind of ['cpu', 'heap']) {
  test(`exit with --${kind}-prof writes the profile`, (t) => {
    const directory = folder(t);
    t.deepEqual(run(t, 3, { nodeArgs: [`--${kind}-prof`, `--${kind}-prof-dir=${directory}`] }), nodesOwn);
    t.deepEqual(readdirSync(directory).map((name) => name.split('.').at(-1)), [`${kind}profile`]);
  });
}

test('options of Node in the environment count like those on its command line', (t) => {
  const file = join(folder(t), 'trace');
  const NODE_OPTIONS = `--trace-event-categories=v8 --trace-event-file-pattern=${file}`;
  t.deepEqual(run(t, 3, { env: { NODE_OPTIONS } }), nodesOwn);
  t.true(existsSync(file));
});

test('an uncaught exception is printed with its stack, and ends the server with status 1', (t) => {
  // As soon as it has begun.
  const code = `
    process.on('newListener', (name) => {
      if (name === 'uncaughtException') setImmediate(() => { throw new Error('a bug'); });
    });`;
  const bug = `--import=data:text/javascript,${encodeURIComponent(code)}`;
  const line = [bug, server, '--1.0', '-p', '0', '-l', '127.0.0.1'];
  const { status, stderr } = spawnSync(process.execPath, line, { encoding: 'utf8' });
  t.regex(stderr, /^Error: a bug\n +at [^]*\n$/);
  t.is(status, 1);
});
