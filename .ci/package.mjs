// What npm would publish, as a user gets it: packed, installed into an empty folder, started, talked to, and used as a
// library by CommonJS, ESM and TypeScript. Ends with status 1 at the first thing that is wrong.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const env = { ...process.env, NODE_V8_COVERAGE: undefined };
const run = (cwd, command, ...args) => execFileSync(command, args, { cwd, env, encoding: 'utf8' });

// A stale file must not get in: prepack builds from an empty dist/.
const stale = join(root, 'dist', 'lib', 'stale.js');
mkdirSync(dirname(stale), { recursive: true });
writeFileSync(stale, '');
run(root, 'npm', 'pack', '--silent', '--pack-destination', folder);
const [tarball] = readdirSync(folder);

const app = join(folder, 'app');
mkdirSync(app);
writeFileSync(join(app, 'package.json'), '{ "private": true }');
run(app, 'npm', 'install', '--silent', '--no-audit', '--no-fund', '--prefer-offline', join(folder, tarball));
const installed = join(app, 'node_modules', 'memcached-ts');
const shipped = readdirSync(installed, { recursive: true }).map((name) => name.replaceAll('\\', '/'));

const isShipped = (name) => shipped.includes(name);
for (const name of [
  'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'LICENSE', 'lib/README.md', 'reactor/README.md',
  'dist/memcached-ts.1', 'scripts/deploy/Containerfile', 'scripts/deploy/memcached-ts.service',
]) {
  assert(isShipped(name), `${name} is missing`);
}
const foreign = shipped.filter((name) => /^(dist\/)?(spec|scripts\/(bench|fidelity|shards))|stale/.test(name));
assert.deepEqual(foreign, [], 'what has no place in the package');

for (const name of shipped.filter((each) => each.endsWith('.map'))) {
  const { sources } = JSON.parse(readFileSync(join(installed, name), 'utf8'));
  for (const source of sources) assert(existsSync(resolve(installed, dirname(name), source)), `${name}: no ${source}`);
}
for (const name of shipped.filter((each) => each.endsWith('.md'))) {
  for (const [, link] of readFileSync(join(installed, name), 'utf8').matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)) {
    assert(existsSync(resolve(installed, dirname(name), link)), `${name}: ${link} is missing`);
  }
}

/** A connection to the server. On net it listens a moment after it has said so. */
async function connected(port) {
  for (;;) {
    const client = connect(port, '127.0.0.1');
    const connects = await new Promise((resolve) => {
      client.once('connect', () => resolve(true));
      client.once('error', () => resolve(false));
    });
    if (connects) return client;
    assert(server.exitCode === null, 'the server ended');
  }
}

// The command.
let server;
const user = process.getuid?.() === 0 ? ['-u', 'root'] : []; // else it warns
for (const method of ['epoll', 'net']) {
  const others = method === 'net' ? { EVENT_NOEPOLL: '1' } : {};
  server = spawn(join(app, 'node_modules', '.bin', 'memcached-ts'), [...user, '-p', '-1', '-l', '127.0.0.1'], {
    env: { ...env, ...others, DEBUG: 'memcached:conn', EVENT_SHOW_METHOD: '1' }, stdio: ['ignore', 'inherit', 'pipe'],
  });
  const exit = once(server, 'exit');
  const said = [];
  let port;
  for await (const line of createInterface({ input: server.stderr })) {
    said.push(line);
    port = /listening on port (\d+)/.exec(line)?.[1];
    if (port !== undefined) break;
  }
  assert(port !== undefined, said.join('\n'));
  if (process.platform === 'linux') assert.equal(said[0], `libevent using: ${method}`);
  const client = await connected(Number(port));
  client.write('set greeting 0 0 5\r\nhello\r\nget greeting\r\nquit\r\n');
  assert.equal(await text(client), 'STORED\r\nVALUE greeting 0 5\r\nhello\r\nEND\r\n');
  server.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
}

// The library.
const requires = `
const { start } = require('memcached-ts');
const { eventInit } = require('memcached-ts/reactor'), sim = require('memcached-ts/reactor/sim');`;
const imports = `
import { start } from 'memcached-ts';
import { eventInit } from 'memcached-ts/reactor';
import * as sim from 'memcached-ts/reactor/sim';`;
const uses = `
sim.installSimulation(new sim.Simulation({ seed: 1 })); eventInit();
start({ port: 0, memory: 8 }).then((server) => server.close().then(() => console.log('closed')));`;
for (const [name, program] of [['use.cjs', requires + uses], ['use.mjs', imports + uses]]) {
  writeFileSync(join(app, name), program);
  assert.equal(run(app, process.execPath, name), 'closed\n');
}

// Its types, for both kinds of module. The compiler and Node's types are the project's own.
const program = `
import { start } from 'memcached-ts';
import type { Server } from 'memcached-ts';
import { Event, eventDispatch, eventInit, evtimerAdd, evtimerSet } from 'memcached-ts/reactor';
import { Simulation, installSimulation } from 'memcached-ts/reactor/sim';

async function embedded(): Promise<boolean> {
  await using server: Server = await start({ port: 0, memory: 8, args: ['-M'] });
  return server.port > 0 && server.address === \`127.0.0.1:\${server.port}\`;
}

const sim: Simulation = new Simulation({ seed: 1, autoAdvance: true });
installSimulation(sim);
eventInit();
const ev = new Event();
evtimerSet(ev, (_fd: number, _which: number, arg: unknown) => console.log(arg), 'an hour later');
evtimerAdd(ev, { tvSec: 3600, tvUsec: 0 });
void eventDispatch().then(async (result: number) => process.exit(result === 1 && await embedded() ? 0 : 1));
`;
for (const name of ['program.cts', 'program.mts']) writeFileSync(join(app, name), program);
const types = join(root, 'node_modules', '@types');
run(app, process.execPath, join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '--strict', '--target', 'es2022',
  '--module', 'node20', '--typeRoots', types, '--types', 'node', 'program.cts', 'program.mts');
for (const name of ['program.cjs', 'program.mjs']) assert.equal(run(app, process.execPath, name), 'an hour later\n');

console.log(`${tarball}: ${shipped.length} files, installed, started, and used as a library`);
