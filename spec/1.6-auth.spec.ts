// Authentication of memcached 1.6: strangers get in with a password of the file, and get nothing without. In both
// protocols, cut into pieces and with faults on the simulated backend, and from another process.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import type { ExecutionContext } from 'ava';
import { Client as Memjs } from 'memjs';

import { authfileCheck, authfileInit } from '../lib/1.6/authfile';
import { Random } from '../reactor/sim';
import { AUTHFILE, PWDB, inBinary, inText, plain, token } from './support/auth-1.6';
import type { Conversation } from './support/auth-1.6';
import { Client } from './support/client';
import { answer, answers, end, request } from './support/packets-1.6';
import type { Replies } from './support/replies';
import { sendPiecemeal, startPiecemeal } from './support/piecemeal';
import { sharedServer } from './support/shared-server';
import { SimServer } from './support/sim-server';
import { Stderr } from './support/stderr';

const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-auth-'));
test.after.always(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const authfile = file('authfile', AUTHFILE);
const changing = file('changing', AUTHFILE);
const pwdb = file('pwdb', PWDB);
process.env['MEMCACHED_SASL_PWDB'] = pwdb;

const STAT = 0x10;
const LIST = 0x20;

/** All that is sent, and the end where the last of it does not end the connection. */
function bytesOf({ says, closes = false }: Conversation, last: string): string {
  return says.map(([sends]) => sends).join('') + (closes ? '' : last);
}

/** Whether `peer`, which has sent all of it, gets what 1.6.45 answers to one request after the other. */
async function answered(t: ExecutionContext, peer: Replies, name: string, { says, closes = false }: Conversation,
  isBinary: boolean): Promise<void> {
  const receives = says.flatMap(([, ...each]) => each);
  if (!isBinary) {
    t.is(await peer.closed(), receives.join(''), name);
    return;
  }
  t.deepEqual(await answers(t, peer), receives, name);
  if (closes) t.is(await peer.closed(), '', name);
}

/** Strangers come before its file changes. */
const reread = sharedServer({ today: true, args: ['-Y', changing] });

const kinds = [
  { protocol: 'text', args: ['-Y', authfile], conversations: inText, last: 'quit\r\n' },
  { protocol: 'binary', args: ['-S'], conversations: inBinary, last: end },
] as const;

for (const { protocol, args, conversations, last } of kinds) {
  const isBinary = protocol === 'binary';

  test.serial(`sim, ${protocol}: authentication works when requests come in pieces`, async (t) => {
    const random = new Random(5);
    const server = await startPiecemeal(random, 5, args);
    for (const [name, conversation] of Object.entries(conversations)) {
      const peer = await server.connect();
      await sendPiecemeal(server, peer, bytesOf(conversation, last), random);
      await answered(t, peer, name, conversation, isBinary);
    }
    await server.stop();
  });

  const shared = isBinary ? sharedServer({ today: true, args }) : reread;
  test.serial(`${protocol}: authentication works with a server in a process of its own`, async (t) => {
    const server = await shared();
    for (const [name, conversation] of Object.entries(conversations)) {
      const peer = await Client.connect(server.port);
      peer.send(bytesOf(conversation, last));
      await answered(t, peer, name, conversation, isBinary);
      peer.destroy();
    }
    if (isBinary) await memjsAuthenticates(t, server.port);
    t.is(server.stderr(), '');
  });
}

/** memjs is a client of the npm registry that sends a user and a password. */
async function memjsAuthenticates(t: ExecutionContext, port: number): Promise<void> {
  const open = (password: string): Memjs => Memjs.create(`127.0.0.1:${port}`, {
    username: 'foo', password, retries: 0, timeout: 100, logger: { log: () => {} },
  });
  const known = open('bar'), stranger = open('bab');
  t.true(await known.set('memjs', 'välue', {}));
  t.is((await known.get('memjs')).value?.toString(), 'välue');
  t.false(await known.add('memjs', 'another', {}));
  t.deepEqual(await known.increment('number', 5, { initial: 7 }), { success: true, value: 7 });
  t.deepEqual(await known.increment('number', 5, { initial: 7 }), { success: true, value: 12 });
  t.true(await known.delete('memjs'));
  await t.throwsAsync(stranger.get('number'), { any: true });
  known.close();
  stranger.close();
}

test.serial('SIGHUP rereads the file of -Y; a broken file is reported and changes nothing', async (t) => {
  const path = changing;
  const server = await reread();
  const isLetIn = async (password: string): Promise<boolean> => {
    const peer = await Client.connect(server.port);
    const reply = await peer.ask(token(`foo ${password}`));
    peer.destroy();
    return reply === 'STORED\r\n';
  };
  t.true(await isLetIn('bar'));
  writeFileSync(path, 'foo:new\n');
  t.false(await isLetIn('new'));
  server.process.kill('SIGHUP');
  for (let tries = 0; tries < 500 && !await isLetIn('new');) tries++;
  t.true(await isLetIn('new'));
  t.false(await isLetIn('bar'));

  writeFileSync(path, 'foo:newer\nnonsense\n');
  server.process.kill('SIGHUP');
  await server.says('malformed');
  t.true(await isLetIn('new'));
  t.false(await isLetIn('newer'));
  rmSync(path);
  server.process.kill('SIGHUP');
  await server.says('Could not open');
  t.true(await isLetIn('new'));
  t.is(server.stderr(), `Authfile [${path}] has a malformed entry. Should be 'user:password'\n` +
    `Could not open authfile [${path}] for reading, error no such file or directory\n`);
});

/** What ends the start: the arguments, the line on stderr, and what MEMCACHED_SASL_PWDB is. */
const refusals: Record<string, readonly [args: readonly string[], line: string, pwdb?: string]> = {
  'a file of -Y that is not there': [['-Y', join(folder, 'none')],
    `Could not open authfile [${join(folder, 'none')}] for reading, error no such file or directory`],
  'a file of -Y with a line that is no user': [['-Y', file('malformed', 'foo:bar\nfoobar\n')],
    `Authfile [${join(folder, 'malformed')}] has a malformed entry. Should be 'user:password'`],
  '-S without a file of users': [['-S'], '-S needs the environment variable MEMCACHED_SASL_PWDB: ' +
    'the path of a file of users, with a line user:password for each', ''],
};

test.serial('sim: without users the server does not start: one line on stderr, status 1', async (t) => {
  for (const [name, [args, line, users = pwdb]] of Object.entries(refusals)) {
    process.env['MEMCACHED_SASL_PWDB'] = users;
    const stderr = new Stderr();
    const server = await SimServer.start(['-m', '8', ...args], { today: true });
    t.is(await server.ended, 1, name);
    await server.stop();
    stderr.restore();
    t.deepEqual(stderr.lines(), [line], name);
  }
  process.env['MEMCACHED_SASL_PWDB'] = pwdb;
});

test.serial('sim: with -Y, stats counts attempts and errors, and stats settings shows the authentication', async (t) => {
  const server = await SimServer.start(['-m', '8', '-Y', authfile], { today: true });
  const peer = await server.connect();
  for (const value of ['foo bab', 'foo', 'fo bar', 'foo bar']) await peer.ask(token(value));
  t.regex(await peer.ask('stats\r\n', 'END\r\n'), /^STAT auth_cmds 3\r\nSTAT auth_errors 2\r$/m);
  const settings = await peer.ask('stats settings\r\n', 'END\r\n');
  t.true(settings.includes(`STAT auth_enabled_sasl no\r\nSTAT auth_enabled_ascii ${authfile}\r\n`));
  t.true(settings.includes('STAT binding_protocol ascii\r\n'));
  await server.stop();
});

test.serial('sim: with -S, stats counts attempts and errors, and stats settings shows the authentication', async (t) => {
  const server = await SimServer.start(['-m', '8', '-S'], { today: true });
  const peer = await server.connect();
  peer.send(Buffer.from(plain('foo', 'bab') + plain('foo', 'bar'), 'latin1'));
  t.is((await answer(t, peer))?.status, 0x20);
  t.is((await answer(t, peer))?.status, 0);
  const stats = async (key: string): Promise<Map<string, string>> => {
    peer.send(Buffer.from(request(STAT, { key }), 'latin1'));
    const found = new Map<string, string>();
    for (let next = await answer(t, peer); next !== null && next.key !== ''; next = await answer(t, peer)) {
      found.set(next.key, next.value);
    }
    return found;
  };
  const counts = await stats('');
  t.is(counts.get('auth_cmds'), '2');
  t.is(counts.get('auth_errors'), '1');
  const settings = await stats('settings');
  t.is(settings.get('auth_enabled_sasl'), 'yes');
  t.is(settings.get('binding_protocol'), 'binary');
  await server.stop();
});

test.serial('sim: the file of MEMCACHED_SASL_PWDB is read at each attempt; without the file every attempt fails', async (t) => {
  const users = process.env['MEMCACHED_SASL_PWDB'] = file('users', 'a:old\r\n');
  const server = await SimServer.start(['-m', '8', '-S'], { today: true });
  const peer = await server.connect();
  const status = async (password: string): Promise<number | undefined> => {
    peer.send(Buffer.from(plain('a', password), 'latin1'));
    return (await answer(t, peer))?.status;
  };
  t.is(await status('new'), 0x20);
  writeFileSync(users, '# the old ones\n\nb:old\na:new\n');
  t.is(await status('old'), 0x20);
  rmSync(users);
  t.is(await status('new'), 0x20);
  writeFileSync(users, 'a:new');
  t.is(await status('new'), 0);
  await server.stop();
  process.env['MEMCACHED_SASL_PWDB'] = pwdb;
});

test.serial("sim: -v logs attempts as memcached does, without a name's control bytes; -vv logs no password", async (t) => {
  const stderr = new Stderr();
  const server = await SimServer.start(['-m', '8', '-S', '-v'], { today: true });
  const peer = await server.connect();
  peer.send(Buffer.from(plain('f\n\x1b', 'bab') + plain('foo', 'bar') + request(LIST) + end, 'latin1'));
  await answers(t, peer);
  await server.stop();
  t.deepEqual(stderr.lines(), [
    'Initialized SASL.',
    "mech:  ``PLAIN'' with 8 bytes of data", 'INFO: User <f??> failed to authenticate',
    'sasl result code:  -20', 'Unknown sasl response:  -20',
    "mech:  ``PLAIN'' with 8 bytes of data", 'sasl result code:  0',
  ]);
  for (const args of [['-S'], ['-Y', authfile]]) {
    const server = await SimServer.start(['-m', '8', '-vv', ...args], { today: true });
    const peer = await server.connect();
    if (args[0] === '-S') {
      peer.send(Buffer.from(plain('foo', 'bar') + end, 'latin1'));
      await answers(t, peer);
    } else await peer.ask(token('foo bar'));
    await server.stop();
  }
  stderr.restore();
  const told = stderr.lines();
  t.true(told.includes('authenticated() in cmd 0x21 is true'));
  t.true(told.some((line) => line.endsWith(' STORED')));
  t.deepEqual(told.filter((line) => line.includes('bar')), []);
});

test.serial('sim: a client that disconnects in the middle of its password leaves no chunk in use', async (t) => {
  const server = await SimServer.start(['-m', '8', '-S'], { today: true });
  const [leaving, peer] = [await server.connect(), await server.connect()];
  const whole = plain('foo', 'bar');
  leaving.send(Buffer.from(whole.slice(0, -1), 'latin1'));
  await server.sim.idle();
  leaving.destroy();
  await server.sim.idle();
  peer.send(Buffer.from(whole + request(STAT, { key: 'slabs' }), 'latin1'));
  const found: string[] = [];
  t.is((await answer(t, peer))?.status, 0);
  for (let next = await answer(t, peer); next !== null && next.key !== ''; next = await answer(t, peer)) {
    if (next.key.endsWith('used_chunks')) found.push(next.value);
  }
  t.deepEqual(found, ['0']);
  await server.stop();
});

/** Files, and whom each lets in. */
const files: Record<string, readonly [text: string, ...users: (readonly [user: string, password: string])[]]> = {
  'no newline at the end': ['a:1', ['a', '1']],
  'lines that end with \\r\\n': ['a:1\r\nb:2\r\n', ['a', '1'], ['b', '2']],
  'spaces and colons in a password': ['a: 1:2 \n', ['a', ' 1:2 ']],
  'no user and no password': [':\n', ['', '']],
  'bytes that are no UTF-8': ['ä:ö\n', ['ä', 'ö']],
};

test.serial('a file of -Y gives its users, or is refused as malformed', (t) => {
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
  for (const [name, [text, ...users]] of Object.entries(files)) {
    const path = join(folder, 'form');
    writeFileSync(path, bytes(text));
    t.is(authfileInit(path), null, name);
    for (const [user, password] of users) {
      t.true(authfileCheck(bytes(user), bytes(password)), name);
      t.false(authfileCheck(bytes(user), bytes(`${password}x`)), name);
      t.false(authfileCheck(bytes(`${user}x`), bytes(password)), name);
    }
    t.false(authfileCheck(bytes('x'), bytes('y')), name);
  }
  for (const text of ['', '\n', 'a:1\n\n', '\na:1\n', 'a\n', 'a:1\nb', '#a\na:1\n', `${'u'.repeat(255)}:1\n`, 'a\0:1\n']) {
    t.regex(authfileInit(file('form', text)) ?? '', /malformed entry/, JSON.stringify(text));
  }
  t.regex(authfileInit(folder) ?? '', /Could not open authfile .* for reading, error illegal operation on a directory/);
});

test.serial('only the first eight lines of the file of -Y count, and nothing after a line of more than 255 bytes', (t) => {
  const stderr = new Stderr();
  const bytes = (text: string): Buffer => Buffer.from(text);
  const line = (i: number): string => `user${i}:${i}\n`;
  const lines = Array.from({ length: 8 }, (_, i) => line(i)).join('');
  t.is(authfileInit(file('eight', lines)), null);
  t.deepEqual(stderr.lines(), []);
  t.true(authfileCheck(bytes('user7'), bytes('7')));
  const nine = file('nine', lines + line(8));
  t.is(authfileInit(nine), null);
  t.deepEqual(stderr.lines(), [`WARNING: Authfile [${nine}]: only 8 lines are read, of 255 bytes at most`]);
  t.true(authfileCheck(bytes('user7'), bytes('7')));
  t.false(authfileCheck(bytes('user8'), bytes('8')));
  t.is(authfileInit(file('long', `a:${'p'.repeat(254)}\nb:2\n`)), null);
  t.is(stderr.lines().length, 1);
  stderr.restore();
  t.true(authfileCheck(bytes('a'), bytes('p'.repeat(253))), 'as in C');
  t.false(authfileCheck(bytes('b'), bytes('2')));
});
