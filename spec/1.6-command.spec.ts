// The program of today, from its command line: what it prints, the exit status, and what it does about the system.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { freePort } from '../scripts/free-port';
import { ask } from './support/client';
import { program, root, startServer, userOption } from './support/server';
import { sharedServer } from './support/shared-server';

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the program to its end; with -d that is when the daemon serves. */
async function run(...args: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '', stderr = '';
  child.stdout.on('data', (chunk: Buffer) => void (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (stderr += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, stdout, stderr };
}

const folder = mkdtempSync(join(tmpdir(), 'memcached-ts-'));
test.after.always(() => rmSync(folder, { recursive: true }));

/** Whether the specs run as root, and so can do what only root may. */
const isRoot = process.getuid?.() === 0;

test('-h prints on stdout, and ends with status 0', async (t) => {
  const help = await run('-h');
  t.is(help.status, 0);
  t.is(help.stderr, '');
  t.regex(help.stdout, /^memcached 1\.6\.45\n-p, --port=<num>/);
});

test('a mistake, such as an unknown user, is reported in one line, with the exit status of memcached', async (t) => {
  const [args, status, line] = isRoot
    ? [['-u', 'no-such-user'], 67, "can't find the user no-such-user to switch to"]
    : [['-I', '1000'], 64, 'Item max size cannot be less than 1024 bytes.'];
  t.deepEqual(await run(...args), { status, stdout: '', stderr: `${line}\n` });
});

const asNobody = sharedServer({ today: true, args: isRoot ? ['-u', 'nobody'] : [] });

if (isRoot && process.platform === 'linux') {
  test.serial('-u runs the server as that user', async (t) => {
    const server = await asNobody();
    t.regex(await ask(server.port, 'version\r\n'), /^VERSION 1\.6\.45\r\n$/);
    const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
    const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
    t.is(/^Uid:\t(\d+)/m.exec(status)?.[1], nobody?.[1]);
    t.is(/^Gid:\t(\d+)/m.exec(status)?.[1], nobody?.[2]);
    t.is(/^Groups:\t(.*)/m.exec(status)?.[1].trim(), '');
  });
}

test.serial('SIGUSR1 ends the server gracefully; SIGHUP does not end it', async (t) => {
  const server = await asNobody();
  server.process.kill('SIGHUP');
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  const ended = once(server.process, 'exit');
  server.process.kill('SIGUSR1');
  t.deepEqual(await ended, [0, null]);
  t.is(server.stderr(), 'Gracefully stopping\n');
});

test('-P writes the pid, and warns of another running pid in the file; SIGTERM leaves the file', async (t) => {
  const file = join(folder, 'served.pid');
  writeFileSync(file, `${process.pid}\n`);
  const server = await startServer({ today: true, args: ['-v', '-P', file] });
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  t.is(readFileSync(file, 'utf8'), `${server.process.pid}\n`);
  t.is(await server.stop(), 0);
  t.true(existsSync(file), 'only a daemon removes it, as in C');
  t.is(server.stderr(), `WARNING: The pid file contained the following (running) pid: ${process.pid}\nExiting normally\n`);
});

const setting = '/sys/kernel/mm/transparent_hugepage/enabled';
const hasLargePages = existsSync(setting) && !readFileSync(setting, 'utf8').includes('[never]');
const limits = process.platform === 'linux' ? ['-r', '-k', ...(hasLargePages ? ['-L'] : [])] : [];
/** A server that has warnings to give, and serves. */
const warned = sharedServer({
  today: true, userUnsaid: true, args: ['-P', join(folder, 'none', 'm.pid'), ...limits],
});

test('a pid file that cannot be written is reported, and the server runs', async (t) => {
  const server = await warned();
  t.is(await ask(server.port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  t.regex(server.stderr(), /^Could not open the pid file .*\/none\/m\.pid\.tmp for writing: no such file or directory$/m);
});

if (isRoot && process.platform === 'linux') {
  test('the server runs as root without -u, with a warning', async (t) => {
    t.regex((await warned()).stderr(), /^warning: serving as root[^\n]*\n/);
  });
}

if (process.platform === 'linux') {
  test('-r lifts the limit of core files; -k gives at most a warning; -L works where there are large pages', async (t) => {
    const server = await warned();
    const text = readFileSync(`/proc/${server.process.pid}/limits`, 'utf8');
    const [, soft, hard] = /^Max core file size +(\S+) +(\S+)/m.exec(text) ?? [];
    t.is(soft, hard);
    const others = server.stderr().split('\n').filter((line) => !/^(warning: serving as root|Could not open the pid)/.test(line));
    t.regex(others.join('\n'), /^(warning: -k invalid, mlockall\(\) failed: .*\n)?$/);
  });
}

test('-d leaves a daemon behind, which removes its pid file when it ends', async (t) => {
  const port = await freePort();
  const file = join(folder, 'daemon.pid');
  const started = await run('-d', ...userOption, '-p', String(port), '-l', '127.0.0.1', '-P', file, '-t', '65');
  t.is(started.status, 0);
  t.regex(started.stderr, /^WARNING: [^\n]*\n$/, 'once, though the program starts twice');
  const pid = Number(readFileSync(file, 'utf8'));
  t.is(await ask(port, 'version\r\n'), 'VERSION 1.6.45\r\n');
  const watcher = watch(folder);
  t.teardown(() => watcher.close());
  process.kill(pid, 'SIGTERM');
  while (existsSync(file)) await once(watcher, 'change');
});
