// The port in a debugger: each launch configuration starts, stops at a breakpoint in the TypeScript line, and shows
// what it works on by name.
import { readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import test from 'ava';
import { Client } from './support/client';
import { Inspector, Source, configurations, inputs, launch } from './support/inspector';
import { root } from './support/server';
import { thorough } from './support/thorough';

const machine = new Source('lib/memcached.ts');
/** The first statement of `case ConnState.nread`. */
const nread = machine.lineWith('c.rlbytes === 0', 'case ConnState.nread:');

test("memcached's own lines: the machine stops in nread, and imports and fields can be watched by name", async (t) => {
  const server = launch(t, 'server, memcached\'s own lines', { 22122: '0' });
  const inspector = await Inspector.attach(t, await server.inspector());
  await inspector.breakAt(machine, nread);
  await inspector.run();
  const client = await Client.connect(Number(await server.says(/listening on port (\d+)/)));
  client.send('set greeting 0 0 5\r\nhello\r\n');
  const { fn, line, evaluate } = await inspector.stop(machine);
  t.is(fn, 'driveMachine');
  t.is(line, nread);

  // What is imported can be watched.
  t.is(await evaluate('settings.maxbytes'), 64 * 1024 * 1024);
  t.is(await evaluate('stats.currConns'), 2);
  t.is(await evaluate('ConnState[c.state]'), 'nread');
  t.is(await evaluate('u8[c.rcurr]'), 0);
  t.is(await evaluate('String.fromCharCode(u8[c.rbuf])'), 'h');
  t.is(await evaluate('str(c.item.key)'), '"greeting"');
  t.is(await evaluate('EV_PERSIST'), 0x10);
  t.is(await evaluate('exit'), false);

  // What VS Code shows of a value, and what is in it.
  const shown = (value: string): string => `${value}[Symbol.for('debug.description')]()`;
  const fields = (value: string): string => `JSON.stringify(${value}[Symbol.for('debug.properties')]())`;
  const parsed = async (value: string): Promise<Record<string, unknown>> => {
    return JSON.parse(String(await evaluate(fields(value)))) as Record<string, unknown>;
  };
  t.regex(String(await evaluate(shown('c'))), /^conn fd \d+, nread, rbuf 7\/2048$/);
  t.is(await evaluate(shown('c.item')), 'item "greeting" (7 bytes, refcount 0)');
  const event = String(await evaluate(shown('c.event')));
  t.regex(event, /^event fd \d+, EV_READ\|EV_PERSIST, on EVLIST_INSERTED\|EVLIST_INIT$/);
  t.is(await evaluate('process.getBuiltinModule("util").inspect(c.item)'), 'item "greeting" (7 bytes, refcount 0)');
  const item = await parsed('c.item');
  t.deepEqual([item['refcount'], item['itFlags'], item['nbytes'], item['next']], [0, '0', 7, null]);
  t.regex(String(item['key']), /^0x[0-9a-f]+ "greeting"$/);
  const inEvent = (field: string): Promise<unknown> => evaluate(`c.event[Symbol.for('debug.properties')]().${field}`);
  t.is(await inEvent('evEvents'), 'EV_READ|EV_PERSIST');
  t.is(await inEvent('evTimeout'), null);
  const names = 'Object.keys(c[Symbol.for("debug.properties")]()).join()';
  t.true(String(await evaluate(names)).startsWith('sfd,state,event,evFlags,which,rbuf,rsize,rbytes,wbuf'));
  const conn = (field: string): Promise<unknown> => evaluate(`c[Symbol.for('debug.properties')]().${field}`);
  t.is(await conn('itemComm'), 'NREAD_SET');
  t.regex(String(await conn('rbuf')), /^0x[0-9a-f]+ "hello\\r\\n"$/);

  await inspector.call('Debugger.disable');
  t.is(await client.ask(''), 'STORED\r\n');
});

test('every line: a breakpoint in the C library, too; and an idle server can be paused', async (t) => {
  const server = launch(t, 'server, every line', { 22122: '0' });
  const inspector = await Inspector.attach(t, await server.inspector());
  await inspector.run();
  const port = Number(await server.says(/listening on port (\d+)/));
  await inspector.call('Debugger.pause');
  await inspector.event('Debugger.paused');
  await inspector.call('Debugger.resume');
  const string = new Source('lib/libc/string.ts');
  const memchr = string.lineWith(';', 'export function memchr');
  await inspector.breakAt(string, memchr);
  const client = await Client.connect(port);
  client.send('version\r\n');
  const { fn, line } = await inspector.stop(string);
  t.deepEqual([fn, line], ['memchr', memchr]);
  await inspector.call('Debugger.disable');
  t.is(await client.ask(''), 'VERSION 1.0.4\r\n');
});

test('a scene: time stands still at a breakpoint', async (t) => {
  const scene = launch(t, 'a scene, where time stands still', { '${input:scene}': 'multi-get' });
  const inspector = await Inspector.attach(t, await scene.inspector());
  const blocked = machine.lineWith('if (!updateEvent(c, EV_WRITE', 'case ConnState.mwrite:');
  await inspector.breakAt(machine, blocked);
  await inspector.run();
  const { line, evaluate } = await inspector.stop(machine);
  t.is(line, blocked);
  t.is(await evaluate('errno === EAGAIN'), true);
  const clock = 'JSON.stringify((evcalls.gettimeofday(globalThis.__t ??= {}), globalThis.__t))';
  t.is(await evaluate(clock), await evaluate(clock));
  await inspector.call('Debugger.disable');
  t.is(await scene.says(/^A got (\d+) bytes/), '2180');
});

test('a server with a client: the client waits while the server stands', async (t) => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const server = launch(t, 'server with a client', { 22122: String(port) });
  const inspector = await Inspector.attach(t, await server.inspector());
  await inspector.breakAt(machine, nread);
  await inspector.run();
  t.is((await inspector.stop(machine)).line, nread);
  await inspector.call('Debugger.disable');
  await server.says(/^< (STORED)$/);
  await server.says(/^> (quit)$/);
});

// That takes two processes of ava.
if (thorough) test('the spec in the editor: ava\'s process for it stops in its line', async (t) => {
  const spec = new Source('spec/tree.spec.ts');
  const line = spec.lineWith('test(');
  const ava = launch(t, 'the spec in the editor', { '${file}': join(root, 'spec', 'tree.spec.ts') });
  const main = await Inspector.attach(t, await ava.inspector());
  await main.run();
  const worker = await Inspector.attach(t, await ava.inspector());
  await worker.breakAt(spec, line, spec.path);
  await worker.run();
  t.is((await worker.stop(spec)).line, line);
  worker.detach();
  main.detach();
  await ava.says(/(tests? passed)/);
});

test('skipped folders exist, and the scenes offered are those that exist', (t) => {
  const folders = configurations.flatMap(({ skipFiles }) => skipFiles).filter((glob) => glob.includes('${'));
  t.true(folders.length > 0);
  for (const glob of new Set(folders)) {
    const path = glob.replace(/^!?\$\{workspaceFolder\}\//, '').replace(/\/\*\*$/, '');
    const parent = join(root, path, '..');
    t.true(readdirSync(parent).includes(path.split('/').at(-1) ?? ''), glob);
  }
  const scenes = readdirSync(join(root, 'scripts', 'teach', 'scenes')).map((file) => file.replace('.json', ''));
  t.deepEqual(inputs.find(({ id }) => id === 'scene')?.options.toSorted(), scenes.sort());
});
